"""Content blocks of a tool's result, in the words of the vendor that is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaoskit_guards.result_blocks import MCP_RESULT, are_blocks, media_type
from chaoskit_guards.shapes import as_mapping

__all__ = ["blocks_for", "unwrapped"]

Json = dict[str, Any]

_TEXTS = ("text", "input_text", "output_text")


def unwrapped(result: Any) -> tuple[Any, bool]:
    """Return what the result of an MCP call holds, and whether it reports an error."""
    mapping = None if isinstance(result, str) else as_mapping(result)
    if mapping is None or mapping.keys() - MCP_RESULT or not are_blocks(mapping.get("content")):
        return result, False
    failed = mapping.get("isError") is True or mapping.get("is_error") is True
    return mapping["content"], failed


def blocks_for(vendor: str, blocks: Sequence[Any]) -> Any:
    """Return blocks as a vendor takes them in a result; a text where it takes only that."""
    found = [dict(as_mapping(item) or {}) for item in blocks]
    if vendor == "anthropic":
        return [_for_anthropic(block) for block in found]
    if vendor == "openai":  # Chat Completions takes texts only
        return "\n".join(_text(block) for block in found)
    return [_for_responses(block) for block in found]


def _text(block: Json) -> str:
    if block.get("type") in _TEXTS:
        return str(block.get("text", ""))
    inner = as_mapping(block.get("resource")) or {}
    if isinstance(inner.get("text"), str):
        return str(inner["text"])
    kind = str(block.get("type")).replace("_", " ")
    return f"[{kind} not shown]" if "uri" not in block else f"[{kind} {block['uri']}]"


def _for_anthropic(block: Json) -> Json:
    picture = _picture(block)
    if picture is not None:
        media, data = picture
        return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}
    if block.get("type") in ("image", "document", "search_result"):
        return block
    return {"type": "text", "text": _text(block)}


def _for_responses(block: Json) -> Json:
    if block.get("type") in ("input_text", "input_image", "input_file"):
        return block
    picture = _picture(block)
    if picture is not None:
        media, data = picture
        return {"type": "input_image", "image_url": f"data:{media};base64,{data}"}
    return {"type": "input_text", "text": _text(block)}


def _picture(block: Json) -> tuple[str, str] | None:
    """Return type and data of a picture that is in the block itself, of MCP or of Anthropic."""
    if block.get("type") != "image":
        return None
    source = as_mapping(block.get("source"))
    if source is None:
        return media_type(block) or "image/png", str(block.get("data", ""))
    if source.get("type") != "base64":
        return None
    return str(source.get("media_type", "image/png")), str(source.get("data", ""))
