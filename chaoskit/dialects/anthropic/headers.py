"""The headers of every answer."""

from __future__ import annotations

import time
from functools import lru_cache
from math import ceil
from uuid import NAMESPACE_URL, uuid5

from chaoskit.dialect import Envelope, LimitState

__all__ = ["ORGANIZATION", "common", "limits", "timestamp"]

ORGANIZATION = str(uuid5(NAMESPACE_URL, "urn:chaoskit:organization"))
_WORKSPACE = "wrkspc_01ChaoskitWorkspace0001"
_LIMITS = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input-tokens",
    "output_tokens": "output-tokens",
}


def timestamp(wall: float) -> str:
    """Return a point in time in RFC 3339, in whole seconds of UTC, rounded up."""
    return _second(ceil(wall))


@lru_cache(maxsize=256)
def _second(wall: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


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
    """Return the rate-limit headers; resets are points in time, tokens are rounded to thousands."""
    headers: dict[str, str] = {}
    for state in envelope.limits:
        name = _LIMITS.get(state.name)
        if name is not None:
            prefix = f"anthropic-ratelimit-{name}"
            headers[f"{prefix}-limit"] = str(state.limit)
            headers[f"{prefix}-remaining"] = str(_remaining(state))
            headers[f"{prefix}-reset"] = timestamp(envelope.wall + state.reset)
    return headers


def _remaining(state: LimitState) -> int:
    if state.name == "requests":
        return max(0, state.remaining)
    return max(0, min(state.limit, (state.remaining + 500) // 1000 * 1000))
