"""Scrubbing of text that arrives in pieces, so that a secret cut in two is still one secret."""

from __future__ import annotations

import re

from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_spans import Span

__all__ = ["ScrubbingStream"]

_BLANK = re.compile(r"\s")
_RUN = re.compile(r"[^\s\"'<>]*")
_STEP = 64  # looks again only after this many characters, not after each
_CONTEXT = 256  # characters that were handed on and still tell what the next ones mean


class ScrubbingStream:
    """Hands out scrubbed text with a delay of `hold` characters.

    Text is let go up to a blank that lies outside every secret found so far and at least `hold`
    characters before the end; a run without blanks is held back up to `most`. The pieces together
    are what `scrub_text` makes of the whole, unless the whole is one JSON document.
    """

    def __init__(self, scrubber: Scrubber, *, hold: int = 384, most: int = 65_536) -> None:
        if not 0 < hold <= most:
            raise ValueError(f"hold must be between 1 and most, not {hold} and {most}")
        self._scrubber = scrubber
        self._hold = hold
        self._most = most
        self._buffer = ""
        self._context = ""
        self._inside = False  # a secret that was longer than the bound; its rest is dropped

    def feed(self, text: str) -> str:
        """Take the next piece; return what is safe to hand on."""
        if self._inside:
            match = _RUN.match(text)
            text = text[match.end() if match else 0 :]
            self._inside = not text
        self._buffer += text
        if len(self._buffer) < self._hold + _STEP:
            return ""
        spans = self._spans()
        cut = self._cut(spans)
        return self._let_go(cut, spans) if cut > 0 else ""

    def flush(self) -> str:
        """Return the rest, at the end of the stream."""
        if not self._context:
            rest, self._buffer = self._scrubber.scrub_text(self._buffer), ""
        else:
            rest = self._let_go(len(self._buffer), self._spans())
        self._context, self._inside = "", False
        return rest

    def _spans(self) -> list[Span]:
        """Return the secrets of the buffer, found with what went before it in sight."""
        lead = len(self._context)
        found = self._scrubber.spans(self._context + self._buffer)
        return [
            Span(max(span.start - lead, 0), span.end - lead, span.kind, max(span.lead - lead, 0))
            for span in found
            if span.end > lead
        ]

    def _let_go(self, cut: int, spans: list[Span]) -> str:
        ready, self._buffer = self._buffer[:cut], self._buffer[cut:]
        self._context = (self._context + ready)[-_CONTEXT:]
        return self._scrubber.replace_spans(ready, [span for span in spans if span.end <= cut])

    def _cut(self, spans: list[Span]) -> int:
        """Return up to where the buffer may be handed on."""
        buffer = self._buffer
        cut = len(buffer) - self._hold
        opened = buffer.rfind("-----BEGIN ")
        if opened >= 0 and "-----END " not in buffer[opened:]:
            cut = min(cut, opened)
        while cut > 0:
            inside = next((s for s in spans if min(s.lead, s.start) < cut <= s.end), None)
            if inside is not None:
                cut = min(inside.lead, inside.start)
            elif not _BLANK.match(buffer, cut - 1):
                cut -= 1
            else:
                return cut
        if len(buffer) <= self._most:
            return 0
        self._inside = bool(spans) and spans[-1].end == len(buffer)
        return len(buffer)
