"""The demo's report: the naive agent beside the guarded one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from chaoskit import exits
from chaoskit.outcome import Outcome
from chaoskit.report.lines import line, say
from chaoskit.report.terminal import (
    VERDICT_WIDTH,
    Command,
    numbered,
    reason,
    room,
    show_details,
    verdict,
)

__all__ = ["show"]

_AS_MEANT = (
    "The naive agent is the code that everyone writes first; the guarded one is the same with "
    "chaoskit_guards. Now yours: chaoskit run --agent MODULE:CALLABLE"
)
_NOT_AS_MEANT = (
    "The naive agent is there to break a promise of each scenario, and the guarded one to keep all "
    "of them. What is shown in detail did not come out so."
)


def show(
    pairs: Sequence[tuple[Outcome, Outcome]],
    console: Console,
    *,
    again: Command,
    verbose: bool = False,
) -> None:
    """Print the verdicts on both agents, what broke, and what did not come out as meant."""
    if not pairs:
        return
    names = [outcome.agent.rpartition(":")[2] for outcome in pairs[0]]
    width = room(console, 2 * (VERDICT_WIDTH + 2))
    left, right = (f"  {name:<{VERDICT_WIDTH}}" for name in names)
    line(console, f" day  {'story':<{width}}{left}{right}", style="dim")
    for pair in pairs:
        one, other = (verdict(outcome, VERDICT_WIDTH) for outcome in pair)
        line(console, numbered(pair[0], width), "  ", one, "  ", other)
        for name, outcome in zip(names, pair, strict=True):
            reason(console, outcome.reason and f"{name}: {outcome.reason}")
    strange = [
        outcome
        for pair in pairs
        for outcome, meant in zip(pair, (exits.BROKEN, exits.KEPT), strict=True)
        if exits.exit_code([outcome], strict=True) != meant
    ]
    for outcome in [one for pair in pairs for one in pair] if verbose else strange:
        show_details(outcome, console, again=again, verbose=verbose, even_passed=True)
    console.print()
    say(console, 2, _NOT_AS_MEANT if strange else _AS_MEANT)
