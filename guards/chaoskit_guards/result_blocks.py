"""Content blocks in results of tools: of Anthropic, of OpenAI (both), and of MCP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chaoskit_guards.result_cut import Cuts, ResultCut, shares
from chaoskit_guards.shapes import as_mapping

__all__ = [
    "MCP_RESULT",
    "are_blocks",
    "cut_blocks",
    "holds_blocks",
    "media_type",
    "slot_of",
    "tokens_of",
]

Count = Callable[[Any], int]

_TEXTS = ("text", "input_text", "output_text")
_PICTURES = ("image", "image_url", "input_image")
_FIELDS = {  # what a block of a type has at least
    "audio": ("data",),
    "document": ("source",),
    "image": ("source", "data"),
    "image_url": ("image_url",),
    "input_file": ("file_id", "file_data", "file_url"),
    "input_image": ("image_url", "file_id"),
    "input_text": ("text",),
    "output_text": ("text",),
    "resource": ("resource",),
    "resource_link": ("uri",),
    "search_result": ("content",),
    "text": ("text",),
}


def are_blocks(value: object) -> bool:
    """Tell whether a value is a list of content blocks."""
    if not isinstance(value, list | tuple) or not value:
        return False
    for item in value:
        block = as_mapping(item)
        if block is None or not any(n in block for n in _FIELDS.get(str(block.get("type")), ())):
            return False
    return True


def slot_of(result: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return where the result of a call holds what the tool gave; None: it is no such result."""
    kind = result.get("type")
    if kind == "tool_result" and "tool_use_id" in result:
        return ("content",) if "content" in result else ()
    if result.get("role") == "tool" and "tool_call_id" in result:
        return ("content",)
    if isinstance(kind, str) and kind.endswith("_call_output"):
        return ("output",)
    if are_blocks(result.get("content")) and not result.keys() - MCP_RESULT:
        return tuple(name for name in ("content", *_STRUCTURED) if result.get(name))
    return None


def holds_blocks(value: object) -> bool:
    """Tell whether a value is made of content blocks, or is a result that holds what was given."""
    mapping = as_mapping(value)
    return are_blocks(value) if mapping is None else slot_of(mapping) is not None


_STRUCTURED = ("structuredContent", "structured_content")
MCP_RESULT = frozenset(
    {"_meta", "content", "isError", "is_error", "meta", "resultType", "result_type", *_STRUCTURED}
)
"""What a result of MCP has, in JSON and in the newer SDK."""


def media_type(block: Mapping[str, Any]) -> str | None:
    """Return the type of what a block of MCP holds, as the older and the newer SDK have it."""
    found = block.get("mimeType") or block.get("mime_type")
    return found if isinstance(found, str) else None


def tokens_of(item: Any, count: Count) -> int:
    """Return the tokens of one block, pictures by their size."""
    block = as_mapping(item) or {}
    if isinstance(block.get("text"), str) and block.get("type") in _TEXTS:
        return count(block["text"])
    if block.get("type") == "image" and isinstance(block.get("data"), str):  # of MCP
        kind = media_type(block) or "image/png"
        source = {"type": "base64", "media_type": kind, "data": block["data"]}
        return count({"type": "image", "source": source})
    inner = as_mapping(block.get("resource"))
    if inner is not None and isinstance(inner.get("text"), str):
        return count(inner["text"]) + count(str(inner.get("uri", "")))
    return count(dict(block))


def cut_blocks(
    blocks: Sequence[Any],
    most: int,
    cuts: Cuts,
    count: Count,
    cut: Callable[[str, int, Cuts], str],
) -> list[Any]:
    """Return the blocks within a number of tokens.

    All but texts are kept whole, the first ones first, in what the texts leave and in half of the
    room at least; the others leave a note. Texts share the rest. Where there is no room for all
    the notes, the last blocks are gone.
    """
    sizes = [tokens_of(block, count) for block in blocks]
    texts = [_text_of(block) for block in blocks]
    wordy = sum(size for size, text in zip(sizes, texts, strict=True) if text is not None)
    room = max(most // 2, most - wordy)
    made: list[Any] = list(blocks)
    for at, (size, text) in enumerate(zip(sizes, texts, strict=True)):
        if text is not None:
            continue
        if size <= room:
            room -= size
            continue
        note = _note(as_mapping(blocks[at]) or {}, size)
        made[at] = {"type": _like(blocks), "text": note}
        sizes[at] = count(note)
        what = "images" if (as_mapping(blocks[at]) or {}).get("type") in _PICTURES else "blocks"
        cuts.append(ResultCut(pointer=f"/{at}", what=what, kept=0, total=1))  # type: ignore[arg-type]  # one of the two
    fixed = sum(s for s, text in zip(sizes, texts, strict=True) if text is None)
    wanted = [s for s, text in zip(sizes, texts, strict=True) if text is not None]
    given = iter(shares(wanted, max(0, most - fixed)))
    for at, text in enumerate(texts):
        if text is None:
            continue
        share = next(given)
        if sizes[at] > share:
            seen: Cuts = []
            made[at] = _with_text(blocks[at], cut(text, share, seen))
            cuts += [replace(one, pointer=f"/{at}{one.pointer}") for one in seen]
    return _trimmed(made, most, cuts, count)


def _trimmed(blocks: list[Any], most: int, cuts: Cuts, count: Count) -> list[Any]:
    """Leave out the last blocks where even the notes are too much."""
    sizes = [tokens_of(block, count) for block in blocks]
    if sum(sizes) <= most:
        return blocks
    note = f"[… {len(blocks):,} of {len(blocks):,} blocks not shown …]"
    kept, used = 0, count(note)
    while kept < len(blocks) and used + sizes[kept] <= most:
        used += sizes[kept]
        kept += 1
    cuts.append(ResultCut(pointer="", what="blocks", kept=kept, total=len(blocks)))
    gone = f"[… {len(blocks) - kept:,} of {len(blocks):,} blocks not shown …]"
    last = [{"type": _like(blocks), "text": gone}] if count(gone) <= most else []
    return [*blocks[:kept], *last]


def _text_of(item: Any) -> str | None:
    block = as_mapping(item) or {}
    if block.get("type") in _TEXTS:
        return str(block.get("text", ""))
    inner = as_mapping(block.get("resource"))
    text = None if inner is None else inner.get("text")
    return text if isinstance(text, str) else None


def _with_text(item: Any, text: str) -> dict[str, Any]:
    block = dict(as_mapping(item) or {})
    inner = as_mapping(block.get("resource"))
    if inner is not None:
        return {**block, "resource": {**inner, "text": text}}
    return {**block, "text": text}


def _like(blocks: Sequence[Any]) -> str:
    """Return the type of a text among these blocks; Responses has one of its own."""
    for item in blocks:
        kind = (as_mapping(item) or {}).get("type")
        if isinstance(kind, str) and kind.startswith(("input_", "output_")):
            return "output_text" if kind == "output_text" else "input_text"
    return "text"


def _note(block: Mapping[str, Any], size: int) -> str:
    kind = str(block.get("type"))
    what = "picture" if kind in _PICTURES else kind.replace("_", " ")
    inner = as_mapping(block.get("resource")) or as_mapping(block.get("source")) or {}
    form = media_type(block) or media_type(inner) or inner.get("media_type")
    told = f" ({form})" if isinstance(form, str) and len(form) < 40 else ""
    return f"[{what}{told} of {size:,} tokens not shown]"
