"""Heads of requests that were parsed, kept for when the same come again.

A client says the same in the head of each of its requests, and what it says is a function of its
bytes. A request that comes in one piece and begins like an earlier one need not be parsed.
"""

from __future__ import annotations

from chaoskit.again import Latest
from chaoskit.exchange import HttpRequest
from chaoskit.quick import maker

__all__ = ["Heads"]

_MOST = 256
_LONGEST = 4 * 1024  # bytes
_new_http_request = maker(HttpRequest)
_END = b"\r\n\r\n"
_SPECIAL = frozenset({"expect", "transfer-encoding", "upgrade"})


class Heads:
    """Remembers the latest heads of requests after which the connection went on."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: Latest[bytes, tuple[int, HttpRequest]] = Latest(_MOST)

    def __len__(self) -> int:
        return len(self._known)

    def request(self, data: bytes) -> HttpRequest | None:
        """Return the request that a piece is, if it is a whole one and its head is known."""
        end = data.find(_END) + len(_END)
        length, head = self._known.get(data[:end], (-1, None))
        if head is None or length != len(data) - end:
            return None
        return _new_http_request(
            method=head.method,
            host=head.host,
            path=head.path,
            query=head.query,
            headers=head.headers,
            body=data[end:],
            alike=head.alike,
        )

    def keep(self, data: bytes, request: HttpRequest | None) -> None:
        """Remember the head of a request which the parser found in a piece, if it is all of it."""
        if request is None:
            return
        end = data.find(_END) + len(_END)
        body = request.body
        if end > _LONGEST or data[end:] != body or not _SPECIAL.isdisjoint(request.headers):
            return
        if body and request.headers.get("content-length") != str(len(body)):
            return
        head = HttpRequest(
            method=request.method,
            host=request.host,
            path=request.path,
            query=request.query,
            headers=request.headers,
            alike=object(),
        )
        self._known.keep(data[:end], (len(body), head))
