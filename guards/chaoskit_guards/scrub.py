"""Takes secrets out of whatever is about to be logged; the real values stay where they are."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import hmac
import json
import logging
import pathlib
import re
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from chaoskit_guards.scrub_formats import find_encoded, find_formats
from chaoskit_guards.scrub_keys import KeyJudge, split_words
from chaoskit_guards.scrub_named import STEMS, find_named
from chaoskit_guards.scrub_spans import Span, encodings, merged
from chaoskit_guards.scrub_values import is_blank, is_random

__all__ = ["Scrubber"]

T = TypeVar("T")

_Seen = dict[tuple[int, bool], tuple[Any, Any]]
"""Containers that were copied before, by identity and by whether they stand under a secret name."""

_PLAIN = (
    int,
    float,
    complex,
    bool,
    type(None),
    dt.date,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    uuid.UUID,
    enum.Enum,
    type,
)
_DEPTH = 100
_TOO_DEEP = "[NESTED TOO DEEPLY]"
_RUN_OF = 16
_OPAQUE = re.compile(rf"[A-Za-z0-9_.+/=%:-]{{{_RUN_OF}}}")
_RUN = re.compile(r"[^\s\"'<>&?]{1,8192}+")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_NAME_KEYS = ("name", "key", "header", "Name", "Key")
_LETTERS = {code: chr(code + 32) for code in range(65, 91)}


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
    ) -> None:
        """Look for the built-in names and those of `patterns`.

        Args:
            patterns: further words of keys, such as `api_key`; they match whole words only.
            redact_with: the marker.
            allow: names that never stand beside a secret.
            secrets: values that are secrets wherever they stand; see `register`.
            fingerprint_key: adds a keyed fingerprint to each marker, so that two log lines can be
                matched without the secret.
        """
        given = tuple(patterns)
        self._redact_with = redact_with
        self._names = KeyJudge(given, allow)
        extra = [words[0] for pattern in given if (words := split_words(pattern))]
        self._stems = (*STEMS, *dict.fromkeys(w for w in extra if not any(s in w for s in STEMS)))
        self._hints = (*self._stems, "basic", "://", " -u", "--user")
        self._fingerprint_key = fingerprint_key
        head, tail = re.escape(redact_with[:-1]), re.escape(redact_with[-1:])
        self._marks = re.compile(f"({head}(?::[0-9a-f]{{6}})?{tail})")
        self._lock = threading.Lock()
        self._known: tuple[str, ...] = ()
        self._counts: dict[str, int] = {}
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
            known = dict.fromkeys((*self._known, *encodings(secret)))
            self._known = tuple(sorted(known, key=len, reverse=True))

    def register_environment(self, environment: Mapping[str, str]) -> int:
        """Register every value of an environment whose name tells of a secret; return how many."""
        found = [
            value
            for name, value in environment.items()
            if self._names(name) and len(value) >= 8 and not is_blank(value)
        ]
        for value in found:
            self.register(value)
        return len(found)

    def scrub_dict(self, data: Mapping[Any, Any]) -> dict[Any, Any]:
        """Return a copy of a mapping without secrets; the mapping itself is not touched."""
        return self._mapping(data, {}, 0)

    def scrub(self, value: T) -> T:
        """Return a copy of anything without secrets; types are kept where that is possible."""
        cleaned: T = self._any(value, {}, 0)
        return cleaned

    def scrub_text(self, text: str) -> str:
        """Return a text without secrets; everything else stays as it was."""
        return self._text(text, 0)

    def spans(self, text: str) -> list[Span]:
        """Return where the secrets of a text are, in order and without overlaps."""
        return self._spans(text, text.lower(), 0)

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

    def is_secret_name(self, name: str) -> bool:
        """Tell whether a key names a secret."""
        return self._names(name)

    def _mark(self, secret: str, kind: str) -> str:
        with self._lock:
            self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._fingerprint_key is None:
            return self._redact_with
        raw = secret.encode("utf-8", "surrogatepass")
        digest = hmac.new(self._fingerprint_key, raw, hashlib.sha256).hexdigest()[:6]
        return f"{self._redact_with[:-1]}:{digest}{self._redact_with[-1:]}"

    def _is_marked(self, text: str) -> bool:
        return self._marks.fullmatch(text) is not None

    def _text(self, text: str, depth: int) -> str:
        if len(text) < 6:
            return text
        low = text.lower()
        if not (self._hinted(low) or _is_opaque(text) or (self._known and self._has_known(text))):
            return text
        if text[0] in "{[" and depth < 3:
            structured = self._json(text, depth)
            if structured is not None:
                return structured
        spans = self._spans(text, low, depth)
        if not spans:
            return text
        parts: list[str] = []
        at = 0
        for span in spans:
            parts.append(text[at : span.start])
            if span.kind == "percent":
                parts.append(self._percent(text[span.start : span.end], depth))
            else:
                parts.append(self._mark(text[span.start : span.end], span.kind))
            at = span.end
        parts.append(text[at:])
        return "".join(parts)

    def _hinted(self, low: str) -> bool:
        """Tell whether a lower-case text may name a secret; an alternation takes twice as long."""
        for hint in self._hints:  # noqa: SIM110 - a generator would take twice as long as well
            if hint in low:
                return True
        return False

    def _has_known(self, text: str) -> bool:
        return any(form in text for form in self._known)

    def _json(self, text: str, depth: int) -> str | None:
        """Return JSON text scrubbed as data, or None when it is not JSON."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        cleaned = self._any(data, {}, depth + 1)
        if cleaned == data:
            return text
        spaced = ": " in text or ", " in text
        return json.dumps(
            cleaned,
            ensure_ascii=text.isascii(),
            indent=2 if "\n" in text.strip() else None,
            separators=None if spaced else (",", ":"),
        )

    def _spans(self, text: str, low: str, depth: int) -> list[Span]:
        found: list[Span] = []
        for form in self._known:
            at = text.find(form)
            while at >= 0:
                found.append(Span(at, at + len(form), "known", at))
                at = text.find(form, at + len(form))
        found.extend(find_formats(text))
        if self._hinted(low):
            if len(low) != len(text):
                low = text.translate(_LETTERS)
            found.extend(find_named(text, low, self._names, self._stems, self._redact_with))
        if depth < 2:
            found.extend(find_encoded(text, self._holds_secret))
            if "%" in text:
                found.extend(self._percents(text, depth))
        return [s for s in merged(found) if not self._is_marked(text[s.start : s.end])]

    def _holds_secret(self, text: str) -> bool:
        return self._text(text, 2) != text

    def _percents(self, text: str, depth: int) -> Iterable[Span]:
        for match in _RUN.finditer(text):
            run = match.group()
            if "%" in run and _ENCODED.search(run) and self._percent(run, depth) != run:
                yield Span(match.start(), match.end(), "percent", match.start())

    def _percent(self, run: str, depth: int) -> str:
        """Return a percent-encoded run with the secrets of its decoded text taken out."""
        plain = unquote(run)
        cleaned = self._text(plain, max(depth + 1, 2))
        if cleaned == plain:
            return run
        safe = "".join(c for c in ":/?&=#[]@!$'()*+,;{}" if c in run)
        return "".join(
            part if at % 2 else quote(part, safe=safe)  # the markers stay readable
            for at, part in enumerate(self._marks.split(cleaned))
        )

    def _any(self, value: Any, seen: _Seen, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, 0)
        if not isinstance(value, (dict, list)) and isinstance(value, _PLAIN):
            return value
        if depth > _DEPTH:
            return _TOO_DEEP
        if (id(value), False) in seen:
            return seen[id(value), False][1]
        if type(value) is dict or isinstance(value, Mapping):
            return self._mapping(value, seen, depth)
        if isinstance(value, list):
            done: list[Any] = []
            seen[id(value), False] = value, done
            done.extend([self._any(item, seen, depth + 1) for item in value])
            return done
        if isinstance(value, tuple):
            return self._tuple(value, seen, depth)
        if isinstance(value, AbstractSet):
            return type(value)(self._any(item, seen, depth + 1) for item in value)  # type: ignore[call-arg]  # every set is made from items
        if isinstance(value, (bytes, bytearray)):
            text = bytes(value).decode("latin-1")
            cleaned = self._text(text, 0)
            return value if cleaned == text else type(value)(cleaned.encode("utf-8"))
        if isinstance(value, deque):
            return deque((self._any(item, seen, depth + 1) for item in value), value.maxlen)
        return self._object(value, seen, depth)

    def _tuple(self, value: tuple[Any, ...], seen: _Seen, depth: int) -> Any:
        if hasattr(value, "_fields"):
            names = value._fields
            items = [
                self._under(str(name), item, seen, depth + 1)
                for name, item in zip(names, value, strict=True)
            ]
            return type(value)(*items)
        if len(value) == 2 and isinstance(value[0], str) and self._names(value[0]):
            return (value[0], self._under(value[0], value[1], seen, depth + 1))
        return tuple([self._any(item, seen, depth + 1) for item in value])

    def _object(self, value: Any, seen: _Seen, depth: int) -> Any:
        if isinstance(value, pathlib.PurePath):
            text = str(value)
            cleaned = self._text(text, 0)
            return value if cleaned == text else type(value)(cleaned)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value)}
            cleaned_fields = self._mapping(fields, seen, depth)
            if all(cleaned_fields[name] is item for name, item in fields.items()):
                return value
            copy = object.__new__(type(value))
            for name, item in cleaned_fields.items():
                object.__setattr__(copy, name, item)
            return copy
        dump = getattr(value, "model_dump", None)
        if callable(dump) and not isinstance(value, type):
            return self._any(dump(), seen, depth + 1)
        text = (
            f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else repr(value)
        )
        cleaned = self._text(text, 0)
        return value if cleaned == text else cleaned

    def _mapping(self, value: Mapping[Any, Any], seen: _Seen, depth: int) -> dict[Any, Any]:
        done: dict[Any, Any] = {}
        seen[id(value), False] = value, done
        named = self._named_value(value) if "value" in value or "Value" in value else None
        names, decided, text = self._names, self._names.decided, self._text
        logprobs = "logprob" in value or "top_logprobs" in value
        for key, item in value.items():
            if isinstance(key, str):
                shown = text(key, 0) if len(key) > 15 else key
                secret = decided[key] if key in decided else names(key)
                if (secret and not (logprobs and key == "token")) or key == named:
                    done[shown] = self._under(key, item, seen, depth + 1)
                    continue
            elif isinstance(key, bytes):
                shown = self._any(key, seen, depth + 1)
                if names(key.decode("latin-1")):
                    done[shown] = self._under("key", item, seen, depth + 1)
                    continue
            else:
                shown = self._any(key, seen, depth + 1)
            kind = type(item)
            if kind is str:
                done[shown] = text(item, 0)
            else:
                done[shown] = item if kind is int else self._any(item, seen, depth + 1)
        return done

    def _named_value(self, value: Mapping[Any, Any]) -> str | None:
        """Return the key of the value in `{"name": "API_KEY", "value": …}`."""
        for holder in ("value", "Value"):
            if holder in value and len(value) <= 8:
                for name in _NAME_KEYS:
                    if name in value and isinstance(value[name], str) and self._names(value[name]):
                        return holder
        return None

    def _under(self, name: str, value: Any, seen: _Seen, depth: int) -> Any:
        """Return what stands under the name of a secret: everything in it is one."""
        if value is None or isinstance(value, bool) or depth > _DEPTH:
            return value if depth <= _DEPTH else _TOO_DEEP
        if isinstance(value, str):
            if self._is_marked(value) or (is_blank(value) and not is_random(value)):
                return value
            return self._mark(value, "key")
        if isinstance(value, Mapping):
            if (id(value), True) in seen:
                return seen[id(value), True][1]
            if "type" in value or "$ref" in value or "anyOf" in value:
                return self._mapping(value, seen, depth)  # the schema of an argument
            done: dict[Any, Any] = {}
            seen[id(value), True] = value, done
            for key, item in value.items():
                done[self._any(key, seen, depth + 1)] = self._under(name, item, seen, depth + 1)
            return done
        if isinstance(value, (list, tuple, AbstractSet, deque)):
            items = [self._under(name, item, seen, depth + 1) for item in value]
            return items if isinstance(value, (list, deque)) else tuple(items)
        if isinstance(value, enum.Enum) and not isinstance(value.value, str):
            return value
        return self._mark(str(value), "key")


def _is_opaque(text: str) -> bool:
    """Tell whether a text holds a run of characters that is long enough for a credential."""
    if len(text) < _RUN_OF or max(map(len, text.split()), default=0) < _RUN_OF:
        return False
    return _OPAQUE.search(text) is not None
