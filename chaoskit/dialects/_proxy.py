"""Answers that do not come from the API itself, such as the error page of a proxy."""

from __future__ import annotations

from chaoskit.exchange import HttpReply, Refusal

__all__ = ["foreign"]


def foreign(refusal: Refusal, status: int, wall: float) -> HttpReply:
    """Return the body of a refusal, without the API's headers; `wall` is unix seconds."""
    body = refusal.body or b""
    html = body.lstrip()[:1] == b"<"
    headers = {
        "content-type": "text/html; charset=utf-8" if html else "text/plain; charset=utf-8",
        "content-length": str(len(body)),
    }
    headers |= refusal.retry_headers(wall) | dict(refusal.headers)
    return HttpReply(status=status, headers=headers, body=body)
