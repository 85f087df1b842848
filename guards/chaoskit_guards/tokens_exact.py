"""Exact counts: with OpenAI's vocabularies, where they are at hand, and from vendors' endpoints."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaoskit_guards.forks import own_lock
from chaoskit_guards.shapes import freeze
from chaoskit_guards.tokens import TokenCounter

__all__ = ["CachedCounts", "exact_counter"]

_FILES = {  # name of the file in the cache of tiktoken, and the digest of its content
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
}


def exact_counter(encoding: str = "o200k_base") -> TokenCounter | None:
    """Return a counter for OpenAI's models, or None where that would need the network.

    It takes about half a second: call it when the program starts, not in a request.

    Raises:
        ValueError: the encoding is not known.
    """
    if encoding not in _FILES:
        raise ValueError(f"encoding must be one of {', '.join(_FILES)}, not {encoding!r}")
    name, digest = _FILES[encoding]
    file = _cache_folder() / name
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        return None  # tiktoken itself would fetch it
    try:
        tiktoken = importlib.import_module("tiktoken")
    except ImportError:
        return None
    encode = tiktoken.get_encoding(encoding).encode_ordinary
    return TokenCounter(text=lambda text: len(encode(text)))


def _cache_folder() -> Path:
    """Return where tiktoken keeps its vocabularies."""
    for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if os.environ.get(name):
            return Path(os.environ[name])
    return Path(tempfile.gettempdir()) / "data-gym-cache"


class CachedCounts:
    """Asks for the tokens of a whole request, and only once for the same request.

    `FitReport(request_counter=CachedCounts(client.messages.count_tokens))` reports what the vendor
    counts. With an async client, `await counts.acount(…)` before: the report finds it here.
    """

    def __init__(self, ask: Callable[..., Any], *, keep: int = 1_024) -> None:
        """Ask with `ask(**request)`; the newest `keep` counts are kept.

        Args:
            ask: returns a number, or the answer of Anthropic, OpenAI or Gemini that holds it.
            keep: how many counts are kept.
        """
        if keep < 1:
            raise ValueError(f"keep must be at least 1, not {keep!r}")
        self._ask = ask
        self._keep = keep
        self._lock = own_lock(self)
        self._known: OrderedDict[bytes, int] = OrderedDict()

    def __call__(self, **request: Any) -> int:
        """Return the tokens of a request.

        Raises:
            TypeError: `ask` is async and the request was not counted with `acount` before.
        """
        key = _key(request)
        known = self._find(key)
        if known is not None:
            return known
        answer = self._ask(**request)
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise TypeError("the counter is async: await `acount` with the same request before")
        return self._put(key, answer)

    async def acount(self, **request: Any) -> int:
        """Return the tokens of a request without blocking."""
        key = _key(request)
        known = self._find(key)
        if known is not None:
            return known
        answer = self._ask(**request)
        return self._put(key, await answer if inspect.isawaitable(answer) else answer)

    def _find(self, key: bytes) -> int | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def _put(self, key: bytes, answer: Any) -> int:
        count = answer
        for name in ("input_tokens", "total_tokens"):
            found = answer.get(name) if isinstance(answer, dict) else getattr(answer, name, None)
            count = count if found is None else found
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ValueError(f"a {type(answer).__name__} is not a count of tokens")
        with self._lock:
            self._known[key] = count
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
        return count


def _key(request: dict[str, Any]) -> bytes:
    """Return a short name of a request: the requests themselves would fill the memory."""
    text = repr(freeze(dict(sorted(request.items()))))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
