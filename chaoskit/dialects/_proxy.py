"""Answers that do not come from the API itself, such as the error page of a proxy."""

from __future__ import annotations

from math import ceil

from chaoskit.exchange import HttpReply, Refusal

__all__ = ["foreign"]


def foreign(refusal: Refusal, status: int) -> HttpReply:
    """Return the body of a refusal as it stands, with none of the API's own headers."""
    body = refusal.body or b""
    html = body.lstrip()[:1] == b"<"
    headers = {
        "content-type": "text/html; charset=utf-8" if html else "text/plain; charset=utf-8",
        "content-length": str(len(body)),
    }
    if refusal.retry_after is not None:
        headers["retry-after"] = str(ceil(refusal.retry_after))
    return HttpReply(status=status, headers=headers | dict(refusal.headers), body=body)
