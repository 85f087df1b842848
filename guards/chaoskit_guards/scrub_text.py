"""Scrubbing of one text, and the cheap look at many texts that tells which of them need it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate, chain

from chaoskit_guards.scrub_encoded import find_encoded, find_percent, requoted
from chaoskit_guards.scrub_formats import find_formats, runs
from chaoskit_guards.scrub_headers import find_schemes, find_users
from chaoskit_guards.scrub_json import parsed, patched
from chaoskit_guards.scrub_keys import KeyJudge, split_words
from chaoskit_guards.scrub_named import STEMS, NamedFinder
from chaoskit_guards.scrub_spans import Span, encodings, merged

__all__ = ["Marker", "TextScrubber"]

_LETTERS = {code: chr(code + 32) for code in range(65, 91)}
_LEAST = 6  # characters of the shortest text that can name a secret and hold it
_DEPTH = 3
_ABROAD = ("contrase", "senha", "kennwort", "wachtwoord", "heslo", "mnemonic")
_RARE = {
    "=": ("sig=", "signature", "pw=", *_ABROAD),
    ":": ("-u", "pw:", 'pw"', *_ABROAD),
    ",": _ABROAD,
    "|": _ABROAD,
    "@": ("://", "@tcp(", "@unix("),
    "~": ("q~",),
    "'": ("identified",),
    "%": ("%3a%2f",),
    " -p": ("login", "mysql"),
    " -a ": ("redis-cli",),
}
"""Hints that count only in texts with a certain sign, which is faster to look for."""
_ALL_RARE = tuple(dict.fromkeys(chain(*_RARE.values())))


Marker = Callable[[str, str], str]
"""Makes the text that replaces a secret, from the secret and its kind."""


class TextScrubber:
    """Finds the secrets of texts and puts markers in their place."""

    def __init__(
        self,
        judge: KeyJudge,
        patterns: Iterable[str],
        marker: str,
        allowed: Iterable[str],
        scrub_data: Callable[[object, Marker], tuple[object, bool]],
    ) -> None:
        extra = [words[0] for pattern in patterns if (words := split_words(pattern))]
        self._stems = (*STEMS, *dict.fromkeys(w for w in extra if not any(s in w for s in STEMS)))
        rare = {"pw", *_ALL_RARE}
        self._hints = (*(s for s in self._stems if s not in rare and s.isascii()), "pwd", "basic")
        self._foreign = (*(s for s in self._stems if not s.isascii()), "contraseñ")
        self._marker = marker
        self._named = NamedFinder(judge, self._stems, marker)
        self._scrub_data = scrub_data
        self.allowed = frozenset(allowed)
        self.known: tuple[str, ...] = ()
        head, tail = re.escape(marker[:-1]), re.escape(marker[-1:])
        self.marks = re.compile(f"({head}(?::[0-9a-f]{{6}})?{tail})")

    def register(self, secret: str) -> None:
        """Take this value out wherever it stands, also encoded; not safe for parallel use."""
        known = dict.fromkeys((*self.known, *encodings(secret)))
        self.known = tuple(sorted(known, key=len, reverse=True))

    def __call__(self, text: str, depth: int, mark: Marker) -> str:
        """Return the text without secrets; those found at `depth` are within encodings."""
        if len(text) < _LEAST or not self._suspicious(text):
            return text
        if text[0] in "{[ \t\r\n":
            data = parsed(text)
            if data is not None:
                cleaned, changed = self._scrub_data(data, mark)
                return patched(text, data, cleaned) if changed else text
        spans = self.spans(text, depth)
        return self.replaced(text, spans, depth, mark) if spans else text

    def replaced(self, text: str, spans: Iterable[Span], depth: int, mark: Marker) -> str:
        """Return the text with markers in place of the given stretches, which are in order."""
        parts: list[str] = []
        at = 0
        for span in spans:
            parts.append(text[at : span.start])
            secret = text[span.start : span.end]
            if span.kind == "percent":
                parts.append(requoted(secret, self._deeper(depth, mark), self.marks))
            else:
                parts.append(mark(secret, span.kind))
            at = span.end
        parts.append(text[at:])
        return "".join(parts)

    def holds(self, text: str, depth: int = 0) -> bool:
        """Tell whether there is a secret in a text."""
        return self(text, depth, _blot) != text

    def suspects(self, texts: list[str]) -> Iterable[int]:
        """Return the indexes of the texts that have to be looked at; the rest holds no secret."""
        joined = "\n".join(texts)
        if len(joined) < _LEAST or not self._suspicious(joined):
            return ()
        if len(texts) < 4:
            return range(len(texts))
        low = _lower(joined)
        ends = list(accumulate([len(text) + 1 for text in texts]))
        found: set[int] = set()
        hints = [*self._hints, *self.known, *(() if low.isascii() else self._foreign)]
        hints += chain(*(rare for sign, rare in _RARE.items() if sign in low))
        for hint in hints:
            where = joined if hint in self.known else low
            at = where.find(hint)
            while at >= 0:
                index = bisect_right(ends, at)
                found.add(index)
                at = where.find(hint, max(at + 1, ends[index]))
        found.update(bisect_right(ends, start) for start, _ in runs(joined))
        return sorted(found)

    def spans(self, text: str, depth: int = 0) -> list[Span]:
        """Return where the secrets of a text are, in order and without overlaps."""
        found: list[Span] = []
        for form in self.known:
            at = text.find(form)
            while at >= 0:
                found.append(Span(at, at + len(form), "known", at))
                at = text.find(form, at + len(form))
        found.extend(find_formats(text))
        low = _lower(text)
        if self._hinted(low):
            found.extend(self._named(text, low))
            found.extend(find_schemes(text, low, self._marker))
            found.extend(find_users(text, low, self._marker))
        if depth < _DEPTH:
            deeper = self._deeper(depth, _blot)
            found.extend(find_encoded(text, lambda plain: deeper(plain) != plain))
            if "%" in text:
                found.extend(find_percent(text, deeper))
        spans = [s for s in merged(found) if not self.marks.fullmatch(text, s.start, s.end)]
        if self.allowed:
            return [s for s in spans if text[s.start : s.end] not in self.allowed]
        return spans

    def _deeper(self, depth: int, mark: Marker) -> Callable[[str], str]:
        return lambda text: self(text, max(depth + 1, 2), mark)

    def _suspicious(self, text: str) -> bool:
        """Tell whether a text may hold a secret; most do not."""
        if self._hinted(text.lower()):
            return True
        if next(runs(text), None) is not None:
            return True
        return any(form in text for form in self.known)

    def _hinted(self, low: str) -> bool:
        """Tell whether a lower-case text may name a secret; an alternation takes twice as long."""
        for hint in self._hints:
            if hint in low:
                return True
        for sign, hints in _RARE.items():
            if sign in low and any(hint in low for hint in hints):
                return True
        return not low.isascii() and any(hint in low for hint in self._foreign)


def _blot(_secret: str, _kind: str) -> str:
    return "\0"


def _lower(text: str) -> str:
    """Return the text in lower case and of the same length."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(_LETTERS)
