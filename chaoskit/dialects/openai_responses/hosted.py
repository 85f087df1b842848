"""Tools that the vendor runs: which a request offers, and the items that tell of their use."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import ids
from chaoskit.exchange import Call, Found, Hosted, HostedTool

__all__ = ["citations", "item", "offered"]

_OFFERED: tuple[tuple[str, HostedTool], ...] = (
    ("web_search", "web_search"),
    ("file_search", "file_search"),
    ("code_interpreter", "code_execution"),
    ("image_generation", "image_generation"),
    ("mcp", "mcp"),
)
_PICTURE = (  # PNG, one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def offered(tools: Iterable[Json]) -> tuple[HostedTool, ...]:
    """Return the tools of the vendor among those that are no functions."""
    kinds = [str(tool["type"]) for tool in tools]
    found = [name for kind in kinds for prefix, name in _OFFERED if kind.startswith(prefix)]
    return tuple(dict.fromkeys(found))


def item(part: Hosted, call: Call, envelope: Envelope) -> Json:
    """Return the item that tells of a use; what it brought is in it where the request asks."""
    found = call.options.get("include")
    wanted = found if isinstance(found, tuple) else ()
    status = "failed" if part.error else "completed"
    made: Json
    if part.tool == "file_search":
        made = _file_search(part, wanted)
    elif part.tool == "code_execution":
        made = _code(part, wanted, envelope)
    elif part.tool == "image_generation":
        made = _image(part)
    elif part.tool == "mcp":
        made = _mcp(part)
    else:
        made = _web(part, wanted)
    prefix, kind = made.pop("id"), made.pop("type")
    return {"id": ids.item_id(prefix, envelope.ids), "type": kind, "status": status} | made


def citations(sources: Sequence[Found], text: str) -> list[Json]:
    """Return what a text cites: pages for all of it, files at its end."""
    return [
        {
            "type": "file_citation",
            "file_id": source.url,
            "filename": source.title,
            "index": max(0, len(text) - 1),
        }
        if source.url.startswith("file")
        else {
            "type": "url_citation",
            "start_index": 0,
            "end_index": len(text),
            "title": source.title,
            "url": source.url,
        }
        for source in sources
    ]


def _web(part: Hosted, wanted: Collection[object]) -> Json:
    if part.tool == "web_fetch":
        action: Json = {"type": "open_page", "url": part.query}
    else:
        action = {"type": "search", "query": part.query, "queries": [part.query]}
        if "web_search_call.action.sources" in wanted:
            action["sources"] = [{"type": "url", "url": page.url} for page in part.found]
    return {"id": "ws", "type": "web_search_call", "action": action}


def _file_search(part: Hosted, wanted: Collection[object]) -> Json:
    results = None
    if "file_search_call.results" in wanted:
        results = [
            {
                "file_id": file.url,
                "filename": file.title,
                "text": file.text,
                "score": round(0.9 - at / 10, 2) if at < 9 else 0.0,
                "attributes": {},
            }
            for at, file in enumerate(part.found)
        ]
    return {"id": "fs", "type": "file_search_call", "queries": [part.query], "results": results}


def _code(part: Hosted, wanted: Collection[object], envelope: Envelope) -> Json:
    outputs = None
    if "code_interpreter_call.outputs" in wanted:
        outputs = [{"type": "logs", "logs": part.output}] if part.output else []
    return {
        "id": "ci",
        "type": "code_interpreter_call",
        "code": part.query,
        "container_id": ids.item_id("cntr", envelope.ids),
        "outputs": outputs,
    }


def _image(part: Hosted) -> Json:
    return {
        "id": "ig",
        "type": "image_generation_call",
        "action": "generate",
        "background": "opaque",
        "output_format": "png",
        "quality": "medium",
        "result": None if part.error else _PICTURE,
        "revised_prompt": part.query,
        "size": "1024x1024",
    }


def _mcp(part: Hosted) -> Json:
    error = None
    if part.error:
        error = {"type": "mcp_tool_execution_error", "content": part.error}
    return {
        "id": "mcp",
        "type": "mcp_call",
        "approval_request_id": None,
        "arguments": part.query or "{}",
        "error": error,
        "name": part.name,
        "output": None if part.error else part.output,
        "server_label": part.server,
    }
