"""What a function of the agent meets where a fault stops its request on the way to the tool."""

from __future__ import annotations

from chaoskit.exchange import Refusal
from chaoskit.fault import Result
from chaoskit.steps import Close, Refuse, Reset, Step, Wait

__all__ = ["met"]

_STATUS = {
    "invalid_request": 400,
    "authentication": 401,
    "billing": 402,
    "permission": 403,
    "not_found": 404,
    "timeout": 408,
    "conflict": 409,
    "too_large": 413,
    "rate_limited": 429,
    "quota_exhausted": 429,
    "server_error": 500,
    "bad_gateway": 502,
    "unavailable": 503,
    "overloaded": 503,
    "context_overflow": 400,
}


def met(outcome: Refusal | tuple[Step, ...]) -> Result:
    """Return the failure that stands for a refusal or for a broken connection."""
    if isinstance(outcome, Refusal):
        status = outcome.status or _STATUS[outcome.kind]
        told = outcome.message or outcome.kind.replace("_", " ")
        wait = outcome.retry_after
        again = "" if wait is None else f"; retry after {wait:g} s"
        return Result(error=f"HTTP {status}: {told}{again}", retry_after=wait, kind=outcome.kind)
    seconds = sum(step.seconds for step in outcome if isinstance(step, Wait))
    for step in outcome:
        if isinstance(step, Refuse):
            return Result(error="connection refused", seconds=seconds)
        if isinstance(step, (Reset, Close)):
            return Result(error="connection reset by peer", seconds=seconds)
    return Result(error="the tool did not answer in time", seconds=seconds, lost=True)
