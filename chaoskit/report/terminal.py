"""The scorecard: what happened to an agent, for people at a terminal or in a log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from textwrap import shorten

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from chaoskit.check import Finding, Verdict
from chaoskit.evidence import lasting
from chaoskit.outcome import Judged, Outcome
from chaoskit.report.lines import cut, line, say

__all__ = [
    "VERDICT_WIDTH",
    "Command",
    "numbered",
    "reason",
    "room",
    "show",
    "show_details",
    "show_judged",
    "show_scorecard",
    "spent",
    "verdict",
]

_STYLES = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "bold yellow",
    Verdict.NOT_APPLICABLE: "cyan",
}
_SICK = "HEALTHY FAILED"
_WORDS = ("PASS", "FAIL", _SICK, "UNKNOWN", "NOT APPLICABLE")
_FEW = 3  # findings of a promise that are shown unless all are wanted
_LONG = 300  # characters of a finding that are shown, likewise
_COLUMNS = (("calls", 7), ("tokens", 8), ("USD", 9), ("virtual", 8), ("real", 7))
VERDICT_WIDTH = 14
_MARGIN = 6  # "  day  " and the space around it

Command = Callable[[Outcome], str]
"""Returns the command line that runs the scenario of an outcome again."""


def show(
    outcomes: Sequence[Outcome], console: Console, *, again: Command, verbose: bool = False
) -> None:
    """Print the scorecard and, below it, what has to be said on each scenario."""
    if not outcomes:
        return
    show_scorecard(outcomes, console)
    for outcome in outcomes:
        show_details(outcome, console, again=again, verbose=verbose)


def show_scorecard(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print one line for each scenario, what broke under it, and the sums."""
    width = room(console, VERDICT_WIDTH + 2 + sum(width for _, width in _COLUMNS))
    heads = "".join(f"{name:>{width}}" for name, width in _COLUMNS)
    line(console, f" day  {'story':<{width}}  {'verdict':<{VERDICT_WIDTH}}{heads}", style="dim")
    for outcome in outcomes:
        line(
            console,
            numbered(outcome, width),
            "  ",
            verdict(outcome, VERDICT_WIDTH),
            "".join(
                f"{text:>{width}}"
                for text, (_, width) in zip(spent(outcome), _COLUMNS, strict=True)
            ),
        )
        reason(console, outcome.reason)
    console.print()
    line(console, "  ", _counts(outcomes))
    line(console, "  ", _sums(outcomes), style="dim")


def show_details(
    outcome: Outcome,
    console: Console,
    *,
    again: Command,
    verbose: bool = False,
    even_passed: bool = False,
) -> None:
    """Print what has to be said on one scenario, which is nothing when it just kept all."""
    remarks = tuple(_remarks(outcome))
    quiet = outcome.verdict is Verdict.PASS and not (verbose or even_passed)
    if quiet and not remarks:
        return
    console.print()
    day = f"day {outcome.day}: " if outcome.day else ""
    title = Text(f" {day}{outcome.title}", style="bold")
    say(console, 0, verdict(outcome), title, Text(f" ({outcome.scenario})", style="dim"))
    if outcome.healthy_failed:
        say(
            console,
            2,
            "Without any fault these promises are not kept: the set-up is wrong, not the agent.",
        )
    elif not outcome.promises and outcome.reason:
        say(console, 2, outcome.reason)
    judged = outcome.healthy if outcome.healthy_failed else outcome.promises
    told: set[str] = set()
    for item in judged:
        if verbose or item.judgement.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
            _judged(console, item, told, verbose=verbose)
    for remark in remarks:
        say(console, 2, Text(remark, style="dim"))
    if not quiet:
        console.print(Text.assemble(("  again: ", "dim"), again(outcome)), soft_wrap=True)


def show_judged(judged: Sequence[Judged], console: Console, *, verbose: bool = False) -> None:
    """Print promises with their findings, and what to do about them."""
    told: set[str] = set()
    for item in judged:
        _judged(console, item, told, verbose=verbose)


def spent(outcome: Outcome) -> tuple[str, str, str, str, str]:
    """Return calls, tokens, US dollars, virtual and real time as the scorecard writes them."""
    return (
        f"{outcome.calls:,}",
        f"{outcome.tokens:,}" if outcome.tokens < 100_000 else f"{outcome.tokens / 1000:,.0f}k",
        f"{outcome.cost_usd:.4f}" if outcome.cost_usd < 100 else f"{outcome.cost_usd:,.0f}",
        _time(outcome.virtual_seconds),
        _time(outcome.real_seconds),
    )


def _time(seconds: float) -> str:
    return lasting(seconds) if seconds else "-"


def _judged(console: Console, item: Judged, told: set[str], *, verbose: bool) -> None:
    """Print one promise, its findings, and the advice that was not `told` yet."""
    judgement = item.judgement
    count = len(judgement.findings)
    detail = f": {count} finding{'s' * (count > 1)}, {judgement.judged} judged" if count else ""
    word = Text(str(judgement.verdict), style=_STYLES[judgement.verdict])
    name = Text(f" ({item.name}{detail})", style="dim")
    say(console, 2, word, f" {item.sentence}", name)
    if judgement.reason:
        say(console, 4, judgement.reason)
    shown = judgement.findings if verbose else judgement.findings[:_FEW]
    for finding in shown:
        say(console, 4, _found(finding, verbose=verbose))
    if len(shown) < count:
        say(console, 4, Text(f"… and {count - len(shown)} more; -v shows all", style="dim"))
    for advice in dict.fromkeys(finding.advice for finding in shown):
        if advice and advice not in told:
            told.add(advice)
            say(console, 4, Text("What to do: ", style="bold"), advice)


def _found(finding: Finding, *, verbose: bool) -> str:
    if not verbose:
        return shorten(f"at {lasting(finding.at)}: {finding.message}", _LONG, placeholder=" …")
    more = [
        *([finding.user] if finding.user else []),
        *([f"turn {finding.turn}"] if finding.turn else []),
        *([f"call {finding.call}"] if finding.call else []),
        *([f"${finding.cost_usd:.4f}"] if finding.cost_usd else []),
    ]
    about = f" [{', '.join(more)}]" if more else ""
    return f"at {lasting(finding.at)}: {finding.message}{about}"


def _remarks(outcome: Outcome) -> Iterator[str]:
    yield from outcome.notes
    if outcome.real_tools:
        yield f"these tools of the agent ran for real: {', '.join(outcome.real_tools)}"


def _counts(outcomes: Sequence[Outcome]) -> Text:
    styles = {_word(outcome): verdict(outcome).style for outcome in outcomes}
    counts = Counter(map(_word, outcomes))
    return Text(", ").join(
        Text(f"{counts[word]} {word}", style=styles[word]) for word in _WORDS if word in counts
    )


def _sums(outcomes: Sequence[Outcome]) -> str:
    calls = sum(outcome.calls for outcome in outcomes)
    usd = sum(outcome.cost_usd for outcome in outcomes)
    virtual = sum(outcome.virtual_seconds for outcome in outcomes)
    real = sum(outcome.real_seconds for outcome in outcomes)
    return f"{calls:,} calls, {usd:,.2f} USD, {_time(virtual)} lived through in {_time(real)}"


def _word(outcome: Outcome) -> str:
    return _SICK if outcome.healthy_failed else str(outcome.verdict)


def verdict(outcome: Outcome, width: int = 0) -> Text:
    """Return the verdict in its colour."""
    style = "bold magenta" if outcome.healthy_failed else _STYLES[outcome.verdict]
    return Text(f"{_word(outcome):<{width}}", style=style)


def numbered(outcome: Outcome, width: int) -> str:
    """Return day and title of a scenario, cut to fit."""
    day = str(outcome.day) if outcome.day else ""
    return f"{day:>4}  {cut(outcome.title, width)}"


def room(console: Console, taken: int) -> int:
    """Return how much of a line is left for the title of a scenario."""
    return max(16, min(44, console.width - _MARGIN - 2 - taken))


def reason(console: Console, text: str) -> None:
    """Print what broke, on one line."""
    text = " ".join(text.split())
    if text:
        width = min(cell_len(text), console.width - _MARGIN)
        line(console, " " * _MARGIN, Text(cut(text, width), style="dim"))
