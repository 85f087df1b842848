"""Requests that were read, kept for when the same come again.

Retries send the same bytes again, and so do the tests of a suite. Whose dialect a request is in and
what it says are pure functions of it, so the second time it need not be read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

from chaoskit.again import Latest
from chaoskit.dialect import Dialect, Models
from chaoskit.exchange import Call, HttpRequest, Refusal

__all__ = ["Readings"]

_MOST = 2 * 1024 * 1024  # bytes of requests that are remembered
_LEAST = 16 * 1024  # bytes that each of them counts at least
_HEADS = 64  # of requests whose dialect is remembered, whatever their bodies

_Entry: TypeAlias = tuple[Dialect, Models, Call | Refusal]


class Readings:
    """Reads requests, equal ones once. The least recently used are forgotten first.

    Args:
        dialects: asked in this order whether a request is theirs.
        most: bytes of the requests that are remembered.
    """

    def __init__(self, dialects: Sequence[Dialect], most: int = _MOST) -> None:
        self._dialects = dialects
        self._most = most
        self._size = 0
        self._known: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._claimed: Latest[Hashable, Dialect | None] = Latest(_HEADS)
        self._latest: tuple[HttpRequest, Dialect | None, Hashable] | None = None

    def __len__(self) -> int:
        return len(self._known)

    def dialect(self, request: HttpRequest) -> Dialect | None:
        """Return the dialect that a request is in, or None."""
        latest = self._latest
        if latest is not None and latest[0] is request:
            return latest[1]
        return self._found(request)[0]

    def read(self, request: HttpRequest, dialect: Dialect, models: Models) -> Call | Refusal:
        """Return what a dialect makes of a request, given the models there are."""
        _, key = self._found(request)
        known = self._known.get(key)
        if known is not None and known[0] is dialect and known[1] is models:
            return known[2]
        read = dialect.decode(request, models)
        self._keep(key, (dialect, models, read))
        return read

    def _found(self, request: HttpRequest) -> tuple[Dialect | None, Hashable]:
        latest = self._latest
        if latest is not None and latest[0] is request:
            return latest[1], latest[2]
        head = request.alike
        if head is None:
            head = (
                request.method,
                request.host,
                request.path,
                request.query,
                *request.headers.items(),
            )
        key = (request.body, head)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            dialect: Dialect | None = known[0]
        else:
            dialect = self._claiming(request, head)
        self._latest = (request, dialect, key)
        return dialect, key

    def _claiming(self, request: HttpRequest, head: Hashable) -> Dialect | None:
        """Return the dialect that claims a request, which its body has no say in."""
        if head in self._claimed:
            return self._claimed[head]
        dialect = next((one for one in self._dialects if one.claims(request)), None)
        self._claimed.keep(head, dialect)
        return dialect

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        if key not in self._known:
            self._size += _size(key)
        self._known[key] = entry
        while self._size > self._most:
            oldest, _ = self._known.popitem(last=False)
            self._size -= _size(oldest)


def _size(key: Any) -> int:
    return len(key[0]) + _LEAST
