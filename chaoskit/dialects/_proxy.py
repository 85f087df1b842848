"""Answers that do not come from the API itself, such as the error page of a proxy."""

from __future__ import annotations

from chaoskit.exchange import HttpReply, Refusal

__all__ = ["foreign"]


def foreign(refusal: Refusal, status: int, wall: float) -> HttpReply:
    """Return the body of a refusal, without the API's headers; `wall` is unix seconds."""
    body = refusal.body or b""
    html = body.lstrip()[:1] == b"<"
    kind = "text/html; charset=utf-8" if html else "text/plain; charset=utf-8"
    headers = {"content-type": kind, **refusal.retry_headers(wall), **refusal.headers}
    return HttpReply.whole(status, headers, body)
