"""What every dialect asks of a request before it looks at the body."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import parse_qsl, unquote

from chaoskit.exchange import HttpRequest

__all__ = ["api_key", "fingerprint", "model_of", "query_of", "retry_count", "vendor_of"]


_VENDORS = {"api.anthropic.com": "anthropic", "api.openai.com": "openai"}


def vendor_of(request: HttpRequest) -> str | None:
    """Return whose own host the request is for; None for a proxy, which may speak for anyone."""
    return _VENDORS.get(request.host.partition(":")[0].lower())


def api_key(headers: Mapping[str, str], *others: str) -> str:
    """Return the bearer token, or the first of the other headers that is set, or an empty text."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return next((headers[name].strip() for name in others if headers.get(name)), "")


@lru_cache(maxsize=64)
def fingerprint(key: str) -> str:
    """Return a short digest that stands for the key wherever the key must not be."""
    return blake2b(key.encode(errors="replace"), digest_size=8).hexdigest()


def model_of(path: str, collection: str) -> str | None:
    """Return the model that a path names below the collection, empty for the collection itself.

    None means that the path is neither.
    """
    _, found, rest = path.rstrip("/").rpartition(collection)
    if not found or (rest and (rest[0] != "/" or "/" in rest[1:])):
        return None
    return unquote(rest[1:])


def query_of(request: HttpRequest) -> dict[str, str]:
    """Return the parameters of the query string; of repeated ones the last."""
    return dict(parse_qsl(request.query))


def retry_count(headers: Mapping[str, str]) -> int:
    """Return how often the SDK says that it has retried this request."""
    count = headers.get("x-stainless-retry-count", "")
    return int(count) if count.isascii() and count.isdigit() else 0
