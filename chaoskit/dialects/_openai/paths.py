"""Which part of OpenAI's API a path leads to, whatever the base URL."""

from __future__ import annotations

import re
from urllib.parse import unquote

from chaoskit.dialects._request import vendor_of
from chaoskit.exchange import HttpRequest

__all__ = ["below", "collection"]

_ID = r"[^/]+"
_FOUND = re.compile(
    r"(?:^|/)(?:"
    rf"(?P<responses>responses)(?:/{_ID}(?:/(?:cancel|input_items))?)?"
    r"|(?P<embeddings>embeddings)"
    rf"|(?P<conversations>conversations)(?:/{_ID}(?:/items(?:/{_ID})?)?)?"
    r")/?\Z"
)


def collection(request: HttpRequest) -> str:
    """Return the part of the API that has a dialect of its own; empty for all else."""
    path = request.path
    if not any(name in path for name in _FOUND.groupindex):
        return ""
    if vendor_of(request) not in ("openai", None) or "anthropic-version" in request.headers:
        return ""
    found = _FOUND.search(path)
    return found.lastgroup or "" if found else ""


def below(request: HttpRequest, name: str) -> tuple[str, ...]:
    """Return the segments of a path after the collection."""
    found = _FOUND.search(request.path)
    if found is None or not name:
        return ()
    return tuple([unquote(part) for part in request.path[found.end(name) :].split("/") if part])
