"""The exit codes of the command line, for scripts and CI."""

from __future__ import annotations

from collections.abc import Iterable

from chaoskit.check import Verdict
from chaoskit.outcome import Outcome

__all__ = [
    "BROKEN",
    "INTERRUPTED",
    "KEPT",
    "SICK",
    "UNKNOWN",
    "USAGE",
    "exit_code",
    "exit_code_of_demo",
    "of_verdicts",
]

KEPT = 0
BROKEN = 1
USAGE = 2
UNKNOWN = 3
SICK = 4
INTERRUPTED = 130

_GRAVEST_FIRST = (USAGE, SICK, BROKEN, UNKNOWN, KEPT)
_CODES = {
    Verdict.PASS: KEPT,
    Verdict.FAIL: BROKEN,
    Verdict.UNKNOWN: UNKNOWN,
    Verdict.NOT_APPLICABLE: KEPT,
}


def exit_code(outcomes: Iterable[Outcome], *, strict: bool = False) -> int:
    """Return the code of the gravest outcome: a sick set-up, a broken promise, nothing known."""
    return _gravest(_code(outcome, strict=strict) for outcome in outcomes)


def exit_code_of_demo(pairs: Iterable[tuple[Outcome, Outcome]]) -> int:
    """Return 0 when the naive agents broke a promise each time and the guarded ones kept all."""
    codes = []
    for naive, guarded in pairs:
        code = _code(naive, strict=True)
        codes.append({BROKEN: KEPT, KEPT: BROKEN}.get(code, code))
        codes.append(_code(guarded, strict=True))
    return _gravest(codes)


def of_verdicts(verdicts: Iterable[Verdict]) -> int:
    """Return the code of the gravest verdict, where no run without faults went before."""
    return _gravest(_CODES[verdict] for verdict in verdicts)


def _code(outcome: Outcome, *, strict: bool) -> int:
    if outcome.healthy_failed:
        return SICK
    if outcome.verdict is Verdict.NOT_APPLICABLE and strict:
        return UNKNOWN
    return _CODES[outcome.verdict]


def _gravest(codes: Iterable[int]) -> int:
    return min(codes, key=_GRAVEST_FIRST.index, default=KEPT)
