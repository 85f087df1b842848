"""Scrubbing of text that arrives in pieces, so that a secret cut in two is still one secret."""

from __future__ import annotations

import re

from chaoskit_guards.scrub import Scrubber

__all__ = ["ScrubbingStream"]

_BLANK = re.compile(r"\s")
_STEP = 64  # looks again only after this many characters, not after each


class ScrubbingStream:
    """Hands out scrubbed text with a delay of `hold` characters.

    Text is let go up to a blank that lies outside every secret found so far and at least `hold`
    characters before the end; a run without blanks is held back up to `most`.
    """

    def __init__(self, scrubber: Scrubber, *, hold: int = 384, most: int = 65_536) -> None:
        if not 0 < hold <= most:
            raise ValueError(f"hold must be between 1 and most, not {hold} and {most}")
        self._scrubber = scrubber
        self._hold = hold
        self._most = most
        self._buffer = ""

    def feed(self, text: str) -> str:
        """Take the next piece; return what is safe to hand on."""
        self._buffer += text
        cut = self._cut()
        if cut <= 0:
            return ""
        ready, self._buffer = self._buffer[:cut], self._buffer[cut:]
        return self._scrubber.scrub_text(ready)

    def flush(self) -> str:
        """Return the rest, at the end of the stream."""
        rest, self._buffer = self._buffer, ""
        return self._scrubber.scrub_text(rest)

    def _cut(self) -> int:
        """Return up to where the buffer may be handed on."""
        buffer = self._buffer
        if len(buffer) < self._hold + _STEP:
            return 0
        spans = self._scrubber.spans(buffer)
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
        return len(buffer) if len(buffer) > self._most else 0
