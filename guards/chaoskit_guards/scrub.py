"""Takes secrets out of whatever is about to be logged; the real values stay where they are."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.scrub_keys import YES, KeyJudge
from chaoskit_guards.scrub_spans import Span
from chaoskit_guards.scrub_text import Marker, TextScrubber
from chaoskit_guards.scrub_values import MADE, NOTHING, strength
from chaoskit_guards.scrub_walk import Walk

__all__ = ["Scrubber"]

T = TypeVar("T")


class Scrubber:
    """Replaces secrets by a marker, in text and in any shape of data, and changes nothing else.

    A secret is found by the name beside it, by its own format, in URLs, headers, PEM blocks,
    JSON within strings and base64, or because it was registered. Scrubbing twice is scrubbing once.
    """

    def __init__(
        self,
        patterns: Iterable[str] = (),
        redact_with: str = "[REDACTED]",
        *,
        allow: Iterable[str] = (),
        secrets: Iterable[str] = (),
        fingerprint_key: bytes | None = None,
        listener: Listener | None = None,
    ) -> None:
        """Look for the built-in names and those of `patterns`.

        Args:
            patterns: further words of keys, such as `api_key`; they match whole words only.
            redact_with: the marker.
            allow: names that never stand beside a secret, and values that never are one.
            secrets: values that are secrets wherever they stand; see `register`.
            fingerprint_key: adds a keyed fingerprint to each marker, so that two log lines can be
                matched without the secret.
            listener: is told, after each call that hid something, how many values were `hidden`
                and how many of each kind.
        """
        if not redact_with:
            raise ValueError("redact_with is empty; give the text that marks a secret")
        given, allowed = tuple(patterns), tuple(allow)
        self._redact_with = redact_with
        self._fingerprint_key = fingerprint_key
        self._listener = listener
        self._lock = own_lock(self)
        self._counts: dict[str, int] = {}
        self._notes: dict[str, int] = {}
        self._names = KeyJudge(given, allowed)
        self._text = TextScrubber(self._names, given, redact_with, allowed, self._data)
        for secret in secrets:
            self.register(secret)

    @property
    def redact_with(self) -> str:
        """The marker that stands where a secret was."""
        return self._redact_with

    @property
    def counts(self) -> dict[str, int]:
        """How many secrets of each kind were taken out so far; never the secrets."""
        with self._lock:
            return dict(self._counts)

    def register(self, secret: str) -> None:
        """Take this value out wherever it stands, also in base64, hex and URL encoding.

        Values of fewer than six characters are refused: they would match ordinary text.
        """
        if len(secret) < 6:
            raise ValueError("a registered secret needs at least six characters")
        with self._lock:
            self._text.register(secret)
            self._notes.clear()  # a key that was met before may be this one

    def register_environment(self, environment: Mapping[str, str]) -> int:
        """Register every value of an environment whose name tells of a secret; return how many."""
        found = [
            value
            for name, value in environment.items()
            if len(value) >= 8 and self._is_named(name, value) and strength(value) != NOTHING
        ]
        for value in found:
            self.register(value)
        return len(found)

    def scrub_dict(self, data: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return a copy of a mapping without secrets; the mapping itself is not touched."""
        if not isinstance(data, Mapping):
            raise TypeError(f"scrub_dict takes a mapping, not {type(data).__name__}; use scrub")
        given: Any = data
        cleaned: dict[Any, Any] = self.scrub_checked(given)[0]
        return cleaned

    def scrub(self, value: T) -> T:
        """Return a copy of anything without secrets; types are kept where that is possible."""
        return self.scrub_checked(value)[0]

    def scrub_checked(self, value: T) -> tuple[T, bool]:
        """Return a copy of anything without secrets, and whether it held any."""
        hidden: dict[str, int] = {}
        done = self._data(value, self._marker(hidden))
        return self._told(done, hidden)

    def scrub_text(self, text: str) -> str:
        """Return a text without secrets; everything else stays as it was."""
        hidden: dict[str, int] = {}
        return self._told(self._text(text, 0, self._marker(hidden)), hidden)

    def spans(self, text: str) -> list[Span]:
        """Return where the secrets of a text are, in order and without overlaps."""
        return self._text.spans(text)

    def replace_spans(self, text: str, spans: Iterable[Span]) -> str:
        """Return a text with the given stretches of it taken out; they are in order."""
        hidden: dict[str, int] = {}
        cleaned = self._text.replaced(text, spans, 0, self._marker(hidden))
        return self._told(cleaned, hidden)

    def filter(self) -> logging.Filter:
        """Return a filter for the handlers or loggers of the standard library."""
        from chaoskit_guards.scrub_logging import ScrubbingFilter  # noqa: PLC0415 - it builds on this

        return ScrubbingFilter(self)

    def install(self, *targets: logging.Handler | logging.Logger) -> Callable[[], None]:
        """Scrub every log record from now on, or those of `targets`; return the way back.

        See `chaoskit_guards.scrub_logging.install`.
        """
        from chaoskit_guards.scrub_logging import install  # noqa: PLC0415 - it builds on this

        return install(self, *targets)

    def _is_named(self, name: str, value: str) -> bool:
        level = self._names(name)
        return level == YES or (level != 0 and strength(value) == MADE)

    def _data(self, value: Any, mark: Marker) -> tuple[Any, bool]:
        walk = Walk(self._names, self._notes, self._text, mark)
        return walk(value), walk.changed

    def _marker(self, hidden: dict[str, int]) -> Marker:
        """Return what marks the secrets of one call, and counts in `hidden` those of each kind."""

        def mark(secret: str, kind: str) -> str:
            hidden[kind] = hidden.get(kind, 0) + 1
            return self._shown(secret)

        return mark

    def _told(self, done: T, hidden: Mapping[str, int]) -> T:
        """Return what a call made, once it is counted and told what it hid."""
        if hidden:
            with self._lock:
                for kind, number in hidden.items():
                    self._counts[kind] = self._counts.get(kind, 0) + number
            emit(self._listener, "scrubbed", "scrubber", hidden=sum(hidden.values()), **hidden)
        return done

    def _shown(self, secret: str) -> str:
        """Return what stands in the place of a secret."""
        if self._fingerprint_key is None:
            return self._redact_with
        raw = secret.encode("utf-8", "surrogatepass")
        digest = hmac.new(self._fingerprint_key, raw, hashlib.sha256).hexdigest()[:6]
        return f"{self._redact_with[:-1]}:{digest}{self._redact_with[-1:]}"
