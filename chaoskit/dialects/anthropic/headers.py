"""The headers of every answer."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from math import ceil
from uuid import NAMESPACE_URL, uuid5

from chaoskit.dialect import Envelope, LimitState

__all__ = ["ORGANIZATION", "common", "limits", "timestamp"]

ORGANIZATION = str(uuid5(NAMESPACE_URL, "urn:chaoskit:organization"))
_WORKSPACE = "wrkspc_01ChaoskitWorkspace0001"
_LIMITS = {
    name: tuple(
        f"anthropic-ratelimit-{name.replace('_', '-')}-{what}"
        for what in ("limit", "remaining", "reset")
    )
    for name in ("requests", "tokens", "input_tokens", "output_tokens")
} | {
    f"{kind}_{name}": tuple(
        f"anthropic-{kind}-{name.replace('_', '-')}-{what}"
        for what in ("limit", "remaining", "reset")
    )
    for kind in ("fast", "priority")
    for name in ("input_tokens", "output_tokens")
}
_OF_TOKENS = ("input_tokens", "output_tokens")
_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()


def timestamp(wall: float) -> str:
    """Return a point in time in RFC 3339, in whole seconds of UTC, rounded up."""
    return _second(ceil(wall))


@lru_cache(maxsize=64)  # the resets of one answer are often the same
def _second(wall: int) -> str:
    day, second = divmod(wall, _DAY)
    return f"{_day(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


@lru_cache(maxsize=8)
def _day(number: int) -> str:
    return date.fromordinal(_EPOCH + number).isoformat()


def common(
    content_type: str, request: str, envelope: Envelope, *, authenticated: bool = True
) -> dict[str, str]:
    """Return the headers that tell what came back, for which request, and to whom."""
    headers = {"content-type": content_type, "request-id": request}
    if authenticated and envelope.authenticated:
        headers["anthropic-organization-id"] = ORGANIZATION
        headers["anthropic-workspace-id"] = _WORKSPACE
    return headers


def limits(envelope: Envelope) -> dict[str, str]:
    """Return the rate-limit headers; resets are points in time, tokens are rounded to thousands.

    Those that tell of tokens as such are about the tightest of the limits on tokens.
    """
    headers: dict[str, str] = {}
    tightest, least = None, 2.0
    for state in envelope.limits:
        names = _LIMITS.get(state.name)
        if names is None:
            continue
        _tell(headers, names, state, envelope.wall)
        if state.name in _OF_TOKENS and state.remaining / state.limit < least:
            tightest, least = state, state.remaining / state.limit
    if tightest is not None:
        _tell(headers, _LIMITS["tokens"], tightest, envelope.wall)
    return headers


def _tell(headers: dict[str, str], names: tuple[str, ...], state: LimitState, wall: float) -> None:
    limit, remaining, reset = names
    headers[limit] = str(state.limit)
    headers[remaining] = str(_remaining(state))
    headers[reset] = timestamp(wall + state.reset)


def _remaining(state: LimitState) -> int:
    if state.name == "requests":
        return max(0, state.remaining)
    return max(0, min(state.limit, (state.remaining + 500) // 1000 * 1000))
