"""Content blocks of a request, into parts. Every list of blocks becomes as many parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chaoskit.dialects import _images
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.anthropic import values
from chaoskit.exchange import Image, Opaque, Part, Text, Thinking, ToolCall, ToolResult, Ttl

__all__ = ["Reader", "breakpoint_of", "content", "lifetime"]

_FIELDS: dict[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "image": frozenset({"type", "source", "cache_control", "transformations"}),
    "tool_use": frozenset(
        {"type", "id", "name", "input", "cache_control", "caller", "toolset_name"}
    ),
    "tool_result": frozenset(
        {"type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name"}
    ),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}
_MEDIA = ("image/jpeg", "image/png", "image/gif", "image/webp")


@dataclass(slots=True, kw_only=True)
class Reader:
    """What the blocks of one request share.

    Attributes:
        newest: the request is in the newest version of the API, which is stricter.
        role: of the message that is being read.
        breakpoints: path and lifetime of the cache breakpoints, in the order of the prompt.
    """

    newest: bool
    role: str = ""
    breakpoints: list[tuple[str, Ttl]] = field(default_factory=list)


def content(reader: Reader, value: object, path: str) -> tuple[Part, ...]:
    """Return the parts of a content, which may be a text or a list of blocks."""
    if isinstance(value, str):
        return (Text(value),) if value else ()
    blocks = values.array(value, path)
    return tuple(_block(reader, item, f"{path}.{at}") for at, item in enumerate(blocks))


def breakpoint_of(reader: Reader, block: Json, path: str) -> Ttl | None:
    """Return the lifetime of the cache breakpoint after a block, if it has one."""
    control = block.get("cache_control")
    if control is None:
        return None
    path = f"{path}.cache_control"
    ttl = lifetime(control, path)
    reader.breakpoints.append((f"{path}.ttl", ttl))
    return ttl


def lifetime(control: object, path: str) -> Ttl:
    """Return the lifetime that a `cache_control` asks for."""
    record = values.record(control, path)
    kind = values.required(record, "type", f"{path}.type")
    values.literal(kind, ("ephemeral",), f"{path}.type")
    ttl = record.get("ttl")
    if ttl is None or ttl == "5m":
        return "5m"
    values.literal(ttl, ("5m", "1h"), f"{path}.ttl")
    return "1h"


def _block(reader: Reader, value: object, path: str) -> Part:
    """Return one block as a part; kinds that the simulation does not know pass as they are."""
    block = values.record(value, path)
    kind = values.string(values.required(block, "type", f"{path}.type"), f"{path}.type")
    read = _READERS.get(kind)
    if read is None:
        return _opaque(reader, block, kind, path)
    path = f"{path}.{kind}"
    values.known(block, _FIELDS[kind], f"{path}.")
    return read(reader, block, path)


def _opaque(reader: Reader, block: Json, kind: str, path: str) -> Opaque:
    if kind == "document" and reader.role == "assistant" and reader.newest:
        raise invalid(
            f"{path}: Input tag 'document' found using 'type' does not match any of the "
            "expected tags for an assistant message"
        )
    cache = breakpoint_of(reader, block, f"{path}.{kind}")
    return Opaque(kind=kind, raw=dumps(block), cache=cache)


def _text(reader: Reader, block: Json, path: str) -> Text:
    text = _string(block, "text", path)
    if reader.newest and reader.role == "user" and block.get("citations"):
        raise invalid(f"{path}.citations: Extra inputs are not permitted")
    return Text(text, breakpoint_of(reader, block, path))


def _image(reader: Reader, block: Json, path: str) -> Image:
    inner = f"{path}.source"
    source = values.record(values.required(block, "source", inner), inner)
    kind = _string(source, "type", inner)
    cache = breakpoint_of(reader, block, path)
    if kind == "base64":
        inner = f"{inner}.base64"
        media = values.required(source, "media_type", f"{inner}.media_type")
        values.literal(media, _MEDIA, f"{inner}.media_type")
        return _images.from_base64(_string(source, "data", inner), cache)
    if kind == "url":
        return _images.from_url(_string(source, "url", f"{inner}.url"), cache)
    return Image(source=dumps(source), cache=cache)


def _tool_use(reader: Reader, block: Json, path: str) -> ToolCall:
    identity = values.identifier(values.required(block, "id", f"{path}.id"), f"{path}.id")
    name = _string(block, "name", path)
    arguments: Any = values.required(block, "input", f"{path}.input")
    # Production wants an object. A damaged input that the simulation itself sent must not get an
    # agent refused which faithfully echoes it, so anything is taken, and text verbatim.
    if not isinstance(arguments, str):
        arguments = dumps(arguments)
    cache = breakpoint_of(reader, block, path)
    return ToolCall(id=identity, name=name, arguments=arguments, cache=cache)


def _tool_result(reader: Reader, block: Json, path: str) -> ToolResult:
    inner = f"{path}.tool_use_id"
    identity = values.identifier(values.required(block, "tool_use_id", inner), inner)
    inside, failed = block.get("content"), block.get("is_error")
    return ToolResult(
        call_id=identity,
        content=() if inside is None else content(reader, inside, f"{path}.content"),
        is_error=failed is not None and values.boolean(failed, f"{path}.is_error"),
        cache=breakpoint_of(reader, block, path),
    )


def _thinking(_reader: Reader, block: Json, path: str) -> Thinking:
    text = _string(block, "thinking", path)
    return Thinking(text=text, signature=_string(block, "signature", path))


def _redacted(_reader: Reader, block: Json, path: str) -> Thinking:
    return Thinking(text="", signature=_string(block, "data", path))


def _string(block: Json, key: str, path: str) -> str:
    inner = f"{path}.{key}"
    return values.string(values.required(block, key, inner), inner)


_READERS: dict[str, Callable[[Reader, Json, str], Part]] = {
    "text": _text,
    "image": _image,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
