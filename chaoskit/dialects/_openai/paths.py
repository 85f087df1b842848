"""Which part of OpenAI's API a path leads to, whatever the base URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, TypeVar
from urllib.parse import unquote

from chaoskit.dialects._openai.request import allow, invalid_url
from chaoskit.dialects._request import api_key, vendor_of
from chaoskit.exchange import HttpRequest

__all__ = ["Table", "below", "collection"]

Name = TypeVar("Name", bound=str)

_ID = r"[^/]+"
_FOUND = re.compile(
    r"(?:^|/)(?:"
    rf"(?P<responses>responses)(?:/{_ID}(?:/(?:cancel|input_items))?)?"
    r"|(?P<embeddings>embeddings)"
    rf"|(?P<conversations>conversations)(?:/{_ID}(?:/items(?:/{_ID})?)?)?"
    rf"|(?P<files>files)(?:/{_ID}(?:/content)?)?"
    rf"|(?P<batches>batches)(?:/{_ID}(?:/cancel)?)?"
    rf"|(?P<uploads>uploads)(?:/{_ID}(?:/(?:parts|complete|cancel))?)?"
    r")/?\Z"
)
_TELLING = frozenset({"responses", "embeddings"})
_VERSIONED = re.compile(r"(?:^|/)v1/\Z")


def collection(request: HttpRequest) -> str:
    """Return the part of the API that has a dialect of its own; empty for all else.

    Words that any service may have in its paths count behind `/v1` and with a key only, unless the
    host is OpenAI's own.
    """
    path = request.path
    if not any(name in path for name in _FOUND.groupindex):
        return ""
    vendor = vendor_of(request)
    if vendor not in ("openai", None) or "anthropic-version" in request.headers:
        return ""
    found = _FOUND.search(path)
    name = (found.lastgroup or "") if found else ""
    if found and name and name not in _TELLING and vendor is None:
        versioned = _VERSIONED.search(path[: found.start(name)])
        if not versioned or not api_key(request.headers, "api-key"):
            return ""
    return name


def below(request: HttpRequest, name: str) -> tuple[str, ...]:
    """Return the segments of a path after the collection."""
    found = _FOUND.search(request.path)
    if found is None or not name:
        return ()
    return tuple([unquote(part) for part in request.path[found.end(name) :].split("/") if part])


class Table(Generic[Name]):
    """The operations of some collections, by the shape of the path below it and by method.

    A `*` in a shape stands for a name.
    """

    def __init__(
        self, collections: Mapping[str, Mapping[tuple[str, ...], Mapping[str, Name]]]
    ) -> None:
        self._collections = collections

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether a request leads to one of the collections."""
        return collection(request) in self._collections

    def route(self, request: HttpRequest) -> tuple[Name, tuple[str, ...]]:
        """Return the operation and the names in the path.

        Raises:
            RefusedError: there is no such path, or not with this method.
        """
        found = collection(request)
        given = below(request, found)
        for shape, methods in self._collections.get(found, {}).items():
            if len(shape) != len(given):
                continue
            pairs = list(zip(shape, given, strict=True))
            if all(word in ("*", name) for word, name in pairs):
                method = allow(request, *methods)
                return methods[method], tuple([name for word, name in pairs if word == "*"])
        raise invalid_url(request)
