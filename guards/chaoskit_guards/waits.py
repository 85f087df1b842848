"""How long a provider asks to wait, read from the headers of its answer.

`retry-after-ms`, then `retry-after` (seconds or an HTTP date, RFC 9110 10.2.3), then the vendors'
reset headers. Dates are read against the answer's own `Date` where it has one, so that a wrong
local clock does not matter. What cannot be understood is `None`, never a guess, and nothing that
stands in a header or in its place raises.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Quota", "header", "quotas", "reset_after", "retry_after", "should_retry"]

Headers = Mapping[str, str] | Iterable[tuple[str, str]]

_GO_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_EPOCH = 1e9
"""A bare number above this is a point in time, below it a number of seconds."""
_EPOCH_MS = 1e11
"""Above this it is a point in time in milliseconds, as one reseller sends it."""
_LONGEST = 366 * 86_400.0
"""Nobody asks to wait for longer than a year; the number means something else."""

_KINDS = ("requests", "tokens", "input-tokens", "output-tokens")


class Quota:
    """What the provider says about one of its limits.

    Attributes:
        kind: `requests`, `tokens`, `input-tokens` or `output-tokens`.
        limit: the limit per minute, where told.
        remaining: what is left of it, where told; never negative.
        reset: seconds until it is whole again, where told.
    """

    __slots__ = ("kind", "limit", "remaining", "reset")

    def __init__(
        self, kind: str, limit: int | None, remaining: int | None, reset: float | None
    ) -> None:
        self.kind = kind
        self.limit = limit
        self.remaining = remaining
        self.reset = reset


def header(headers: Headers | None, name: str) -> str | None:
    """Return a header by its lower-case name, whatever the client library calls a header.

    One that is repeated is a list with commas (RFC 9110 5.3).
    """
    get = getattr(headers, "get", None)
    value = None if get is None else get(name)
    if value is not None:
        return _text(value)
    found = [value for key, value in _items(headers) if key == name]
    return ", ".join(found) if found else None


def retry_after(
    headers: Headers | None, *, resets: bool = False, now: float | None = None
) -> float | None:
    """Return the seconds that the provider asks to wait, or None.

    With `resets`, the rate-limit reset headers speak where Retry-After is missing; they are only
    telling on a 429. `now` is wall-clock time in seconds; by default `time.time()`.
    """
    if headers is None:
        return None
    milliseconds = _number(header(headers, "retry-after-ms"))
    if milliseconds is not None and 0 <= milliseconds / 1000 <= _LONGEST:
        return milliseconds / 1000
    text = header(headers, "retry-after")
    if text is not None:
        seconds = [_number(part) for part in text.split(",")]
        if None not in seconds:
            asked = max(number for number in seconds if number is not None)
            return _from_now(asked, headers, now) if asked >= 0 else None
        date = _date(text)
        if date is not None:
            return _bounded(date - _now(headers, now))
    return reset_after(headers, now=now) if resets else None


def reset_after(headers: Headers, *, now: float | None = None) -> float | None:
    """Return the seconds until the exhausted limit is whole again, or None.

    Where the provider names no limit as exhausted, the one nearest to it speaks.
    """
    known = [(q, q.reset) for q in quotas(headers, now=now) if q.reset is not None]
    spent = [reset for quota, reset in known if quota.remaining == 0]
    if spent:
        return max(spent)
    shares = [
        (quota.remaining / quota.limit, -reset)
        for quota, reset in known
        if quota.limit and quota.remaining is not None
    ]
    if shares:
        return -min(shares)[1]
    return max((reset for _, reset in known), default=None)


def quotas(headers: Headers, *, now: float | None = None) -> list[Quota]:
    """Return what the headers say about each limit: Anthropic's, OpenAI's or the plain ones."""
    lower = dict(_items(headers))
    found = [
        _quota(kind, lower, form, now)
        for kind in _KINDS
        for form in (f"anthropic-ratelimit-{kind}-%s", f"x-ratelimit-%s-{kind}")
        if any(form % part in lower for part in ("limit", "remaining", "reset"))
    ]
    for form in ("x-ratelimit-%s", "ratelimit-%s"):
        if not found and form % "reset" in lower:
            found.append(_quota("requests", lower, form, now))
    return found


def should_retry(headers: Headers | None) -> bool | None:
    """Return what the provider says in `x-should-retry`, or None."""
    text = header(headers, "x-should-retry")
    return {"true": True, "false": False}.get(text.strip().lower()) if text else None


def _items(headers: object) -> Iterator[tuple[str, str]]:
    """Yield names in lower case and values of whatever has the shape of headers."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    for pair in pairs if isinstance(pairs, Iterable) else ():
        if isinstance(pair, tuple | list) and len(pair) == 2:
            yield _text(pair[0]).lower(), _text(pair[1])


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return ", ".join(map(_text, value)) if isinstance(value, tuple | list) else str(value)


def _quota(kind: str, lower: Mapping[str, str], form: str, now: float | None) -> Quota:
    limit = _number(lower.get(form % "limit"))
    left = _number(lower.get(form % "remaining"))
    return Quota(
        kind,
        None if limit is None else int(limit),
        None if left is None else max(0, int(left)),
        _reset(lower.get(form % "reset"), lower, now),
    )


def _number(text: str | None) -> float | None:
    if text is None or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _date(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        # A date without a zone is in GMT (RFC 9110 5.6.7).
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _now(headers: Headers, now: float | None) -> float:
    sent = header(headers, "date")
    date = None if sent is None else _date(sent)
    if date is not None:
        return date
    return time.time() if now is None else now


def _from_now(number: float, headers: Headers, now: float | None) -> float | None:
    """Return the seconds that a bare number means."""
    if number > _EPOCH:
        number = number / 1000 if number > _EPOCH_MS else number
        return _bounded(number - _now(headers, now))
    return _bounded(number)


def _bounded(seconds: float) -> float | None:
    """Return a wait that somebody can mean; what is over is over."""
    return max(0.0, seconds) if seconds <= _LONGEST else None


def _reset(text: str | None, headers: Headers, now: float | None) -> float | None:
    if not text:
        return None
    number = _number(text)
    if number is not None:
        return _from_now(number, headers, now)
    parts = _GO_DURATION.findall(text)
    if parts and "".join(a + b for a, b in parts) == text.strip():
        return _bounded(sum(float(value) * _UNITS[unit] for value, unit in parts))
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _bounded(moment.timestamp() - _now(headers, now))
