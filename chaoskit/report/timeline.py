"""What happened to one user, in order: calls, faults, waits, tokens and money, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import shorten

from chaoskit.check import Verdict
from chaoskit.evidence import lasting
from chaoskit.journal import (
    Answered,
    Blocked,
    Changed,
    Delivered,
    Event,
    Failed,
    Happened,
    Journal,
    Leaked,
    RanTool,
    Refused,
    Replied,
    Requested,
    RunEnded,
    Struck,
    TurnStarted,
)
from chaoskit.outcome import Judged

__all__ = ["timeline", "whose"]

_MOST = 40  # lines; of longer stories the beginning and the end are shown
_LONG = 90  # characters of a text
_PAUSE = 0.05  # seconds between two requests that are worth a word


def whose(journal: Journal, judged: Sequence[Judged] = ()) -> str:
    """Return the user whose story explains a verdict; empty where nobody's does."""
    for item in judged:
        if item.judgement.verdict is Verdict.FAIL:
            for finding in item.judgement.findings:
                if finding.user:
                    return finding.user
    for event in journal:
        if isinstance(event, Failed):
            return event.user
    return next((event.user for event in journal if event.user), "")


def timeline(journal: Journal, user: str) -> list[str]:
    """Return the lines of a user's story, times in those of the run."""
    lines = [f"  {_clock(at):>9}  {text}" for at, text in _told(journal, user)]
    if len(lines) > _MOST:
        half = _MOST // 2
        between = f"  {'':>9}  … {len(lines) - 2 * half} lines …"
        lines = [*lines[:half], between, *lines[-half:]]
    return lines


def _told(journal: Journal, user: str) -> Iterator[tuple[float, str]]:
    last: float | None = None
    for event in journal:
        world = not event.user and isinstance(event, (Happened, RunEnded))
        if not world and event.user != user:
            continue
        if isinstance(event, Requested) and last is not None and event.at - last > _PAUSE:
            yield last, f"  … {lasting(event.at - last)} pass"
        text = _line(event)
        if text:
            yield event.at, text
        if isinstance(event, (Delivered, Refused, RanTool, TurnStarted, Requested)):
            last = event.at


def _line(event: Event) -> str:  # noqa: C901, PLR0912 - one case for each kind of event
    match event:
        case TurnStarted():
            return f"asks: {_short(event.prompt)}"
        case Requested():
            stream = ", streamed" if event.stream else ""
            return (
                f"call {event.call} to {event.provider} {event.model} "
                f"({event.prompt_tokens:,} tokens{stream})"
            )
        case Struck():
            where = f" ({event.detail})" if event.detail else ""
            return f"  fault: {event.fault}{where}"
        case Refused():
            wait = "" if event.retry_after is None else f", retry after {event.retry_after:g} s"
            early = ", too early" if event.early else ""
            return f"  refused: {event.status} {event.kind}{wait}{early}: {_short(event.message)}"
        case Replied():
            calls = ", ".join(
                f"{one.tool}({_short(one.arguments)}){'' if one.valid else ' INVALID'}"
                for one in event.tool_calls
            )
            said = f"calls {calls}" if calls else f"says: {_short(event.text)}"
            return f"  {said} ({event.output_tokens:,} tokens, {event.cost_usd:.4f} USD)"
        case Delivered() if event.how != "complete" or event.error_frame:
            return f"  ended: {'error event' if event.error_frame else event.how}"
        case RanTool():
            return f"tool {event.tool}: {event.outcome}: {_short(event.result)}"
        case Changed():
            return f"  {event.action}s {event.key} in {event.collection}: {_short(event.record)}"
        case Leaked():
            return f"LEAK of {event.canary} by {event.channel} ({event.where})"
        case Blocked():
            return f"reaches for {event.host} ({event.caller})"
        case Answered():
            return f"is answered after {lasting(event.seconds)}: {_short(event.answer)}"
        case Failed():
            return f"FAILS after {lasting(event.seconds)}: {event.error}: {_short(event.message)}"
        case Happened():
            return f"the world: {event.what}"
        case RunEnded() if event.reason != "finished":
            return f"the run is ended: {event.reason}"
        case _:
            return ""


def _short(text: str) -> str:
    return shorten(text, _LONG, placeholder=" …") or "(nothing)"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:05.2f}" if hours else f"{minutes}:{rest:05.2f}"
