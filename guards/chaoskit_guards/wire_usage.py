"""The usage that an HTTP answer tells, whole or as server-sent events, without holding it up."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from chaoskit_guards.usage import read_usage

__all__ = ["StreamUsage", "amounts", "usage_in"]

_LONGEST_LINE = 1 << 20
_ENDS = (b"data: [DONE]", b"event: message_stop", b"event: response.completed")
_ANSWERED = (
    "output_tokens",
    "completion_tokens",
    "outputTokens",
    "candidatesTokenCount",
    "thoughtsTokenCount",  # Gemini counts them beside its candidates
)
_ANY_HEADER = 47
"""Window bits by which zlib reads gzip and deflate alike."""


def usage_in(body: object) -> dict[str, Any]:
    """Return the usage of an answer or of one event; empty where it tells none."""
    for holder in (
        body,
        *(body.get(name) for name in ("message", "response") if isinstance(body, Mapping)),
    ):
        for name in ("usage", "usageMetadata"):
            if isinstance(holder, Mapping) and isinstance(holder.get(name), Mapping):
                return dict(holder[name])
    return {}


def amounts(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return the input and output tokens, as a budget takes them; empty where they are unknown."""
    prompt = read_usage(usage)
    parts = [usage.get(name) for name in _ANSWERED]
    answered = [part for part in parts if isinstance(part, int)]
    if prompt is None or not answered:
        return {}
    return {"input_tokens": prompt.total, "output_tokens": sum(answered)}


class StreamUsage:
    """Reads along with a stream of events.

    Attributes:
        usage: what was told so far; later events replace earlier ones, number by number.
        model: the model that answers, where it is told.
        broken: whether the provider reported an error inside the stream.
        complete: whether it said that this is all; many clients read no further.
    """

    def __init__(self, encoding: str = "") -> None:
        self.usage: dict[str, Any] = {}
        self.model = ""
        self.broken = False
        self.complete = False
        self._tail = b""
        coded = encoding.strip().lower()
        self._inflate = zlib.decompressobj(_ANY_HEADER) if coded in ("gzip", "deflate") else None
        self._readable = self._inflate is not None or coded in ("", "identity")

    def feed(self, chunk: bytes) -> None:
        """Read one piece of the body; what cannot be understood is left alone."""
        if not self._readable:
            return
        if self._inflate is not None:
            try:
                chunk = self._inflate.decompress(chunk)
            except zlib.error:
                self._readable = False
                return
        lines = (self._tail + chunk).split(b"\n")
        self._tail = lines.pop()
        self._readable = len(self._tail) <= _LONGEST_LINE
        for line in lines:
            if line.startswith((b"event: error", b'data: {"error"')):
                self.broken = True
            elif line.startswith(_ENDS):
                self.complete = True
            if line.startswith(b"data:") and b'"usage' in line:
                self._see(line[5:])

    def _see(self, data: bytes) -> None:
        try:
            event = json.loads(data)
        except ValueError:
            return
        told = usage_in(event)
        self.usage.update({name: value for name, value in told.items() if value is not None})
        for holder in (event, event.get("message")):
            if isinstance(holder, Mapping) and isinstance(holder.get("model"), str):
                self.model = holder["model"]
