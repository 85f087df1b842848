"""What a service said: the text of its answer, whatever its media type."""

from __future__ import annotations

import json
from collections.abc import Iterator

__all__ = ["FIELDS", "NoAnswer", "said"]

FIELDS = ("answer", "output", "response", "text", "content", "delta")
"""Where the text stands in a JSON object; the first that is there counts."""


class NoAnswer(ValueError):  # noqa: N818 - it says what happened
    """There is no text where one should be."""


def said(media_type: str, body: bytes) -> str:
    """Return the text of an answer: JSON, JSON Lines, server-sent events, or plain text.

    Raises:
        NoAnswer: it is JSON without a text in it, or no JSON although it says so.
    """
    kind = media_type.partition(";")[0].strip().lower()
    text = body.decode("utf-8", "replace")
    if kind == "text/event-stream":
        return "".join(map(_event, _events(text)))
    if kind in ("application/x-ndjson", "application/jsonl", "application/json-lines"):
        return "".join(_of(line) for line in text.splitlines() if line.strip())
    if kind == "application/json" or kind.endswith("+json"):
        return _of(text)
    return text


def _events(text: str) -> Iterator[str]:
    """Yield the data of each event: `data` lines joined, a blank line ends it."""
    data: list[str] = []
    for line in [*text.splitlines(), ""]:
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


def _event(data: str) -> str:
    """Return the piece of text in an event; those without one are about something else."""
    if data == "[DONE]":
        return ""
    try:
        value = json.loads(data)
    except ValueError:
        return data
    if isinstance(value, dict):
        return _text(value) or ""
    return value if isinstance(value, str) else data


def _of(text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise NoAnswer(f"it says that it is JSON, and it is not: {text[:200]}") from None
    found = _text(value)
    if found is None:
        raise NoAnswer(f"its JSON has no text in any of {', '.join(FIELDS)}: {text[:200]}")
    return found


def _text(value: object) -> str | None:
    """Return a text, that of the first field with one, or that of a list of blocks."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        pieces = [piece for one in value if (piece := _text(one)) is not None]
        return "".join(pieces) if pieces else None
    if isinstance(value, dict):
        return next((it for name in FIELDS if (it := _text(value.get(name))) is not None), None)
    return None
