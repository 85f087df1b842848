"""What a promise is: one invariant over the journal of a run.

A check is plain settings and one pure method. It never looks at anything but the journal, so a
run can be judged again later. A check that had nothing to judge says UNKNOWN: silence is no pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol, runtime_checkable

from chaoskit.journal import Journal

__all__ = ["Check", "Finding", "Judgement", "Verdict", "sentence_of", "worst"]


class Verdict(Enum):
    """The result of judging something."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    NOT_APPLICABLE = "NOT APPLICABLE"

    def __str__(self) -> str:
        return self.value


_ORDER = (Verdict.NOT_APPLICABLE, Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest of several verdicts; UNKNOWN when there is none."""
    return max(verdicts, key=_ORDER.index, default=Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which a promise was broken.

    Attributes:
        message: what happened, in one sentence, with numbers.
        at: seconds since the run began.
        call: the HTTP attempt that it is about; 0 for none.
        cost_usd: what it cost, where that can be told.
        advice: what to do about it, naming the guard that fixes it.
    """

    message: str
    at: float = 0.0
    user: str = ""
    turn: int = 0
    call: int = 0
    cost_usd: float = 0.0
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a check concluded. `judged` counts what it looked at; `reason` explains an UNKNOWN."""

    verdict: Verdict
    judged: int = 0
    findings: tuple[Finding, ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, judged: int, findings: list[Finding], *, nothing: str) -> Judgement:
        """Return FAIL with findings, PASS without, UNKNOWN (`nothing`) where none was judged."""
        if findings:
            return cls(verdict=Verdict.FAIL, judged=judged, findings=tuple(findings))
        if not judged:
            return cls(verdict=Verdict.UNKNOWN, reason=nothing)
        return cls(verdict=Verdict.PASS, judged=judged)


@runtime_checkable
class Check(Protocol):
    """One promise.

    `outcome` is True for promises on what the user gets; the healthy run is judged by those only.
    """

    outcome: ClassVar[bool]

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        ...


def sentence_of(check: Check, name: str) -> str:
    """Return what a check promises, for people; its name when it has no `sentence` of its own."""
    sentence = getattr(check, "sentence", "")
    return sentence if isinstance(sentence, str) and sentence else name.replace("_", " ")
