"""The headers of every answer."""

from __future__ import annotations

from hashlib import blake2b

from chaoskit.dialect import Envelope
from chaoskit.dialects._openai import ids

__all__ = ["ORGANIZATION", "common", "go_duration", "limits"]


def _name(kind: str) -> str:
    return blake2b(f"chaoskit:{kind}".encode(), digest_size=12).hexdigest()


ORGANIZATION = f"org-{_name('organization')}"
_UP = 1 - 5e-7  # rounds up, but for the errors of floats
_PROJECT = f"proj_{_name('project')}"
_LIMITS = {
    limit: tuple(f"x-ratelimit-{what}-{name}" for what in ("limit", "remaining", "reset"))
    for limit, name in (("requests", "requests"), ("tokens", "tokens"), ("input_tokens", "tokens"))
}


def go_duration(seconds: float) -> str:
    """Return a duration as Go prints it, in milliseconds rounded up: `6ms`, `8.64s`, `1h30m0s`."""
    thousandths = max(0, int(seconds * 1000 + _UP))
    if 0 < thousandths < 1000:
        return f"{thousandths}ms"
    minutes, rest = divmod(thousandths, 60_000)
    whole, fraction = divmod(rest, 1000)
    text = f"{whole}.{fraction:03d}".rstrip("0").rstrip(".") if fraction else str(whole)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{text}s"
    return f"{minutes}m{text}s" if minutes else f"{text}s"


def common(content_type: str, envelope: Envelope, *, authenticated: bool = True) -> dict[str, str]:
    """Return the headers that tell what came back, how fast, and to whom."""
    headers = {
        "content-type": content_type,
        "x-request-id": ids.request_id(envelope.ids),
        "openai-version": "2020-10-01",
        "openai-processing-ms": str(int(envelope.latency * 1000)),
    }
    if authenticated and envelope.authenticated:
        headers["openai-organization"] = ORGANIZATION
        headers["openai-project"] = _PROJECT
    return headers


def limits(envelope: Envelope) -> dict[str, str]:
    """Return the rate-limit headers; of several limits on tokens the first."""
    headers: dict[str, str] = {}
    for state in envelope.limits:
        names = _LIMITS.get(state.name)
        if names is not None and names[0] not in headers:
            limit, remaining, reset = names
            headers[limit] = str(state.limit)
            headers[remaining] = str(max(0, state.remaining))
            headers[reset] = go_duration(state.reset)
    return headers
