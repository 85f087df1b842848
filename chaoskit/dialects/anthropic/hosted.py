"""Tools that the vendor runs: which a request offers, and how an answer tells of their use."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects.anthropic import headers, ids
from chaoskit.exchange import Call, Found, Hosted, HostedTool, Opaque, Part, Reply

__all__ = ["citations", "container", "counted", "offered", "told"]

_OFFERED: tuple[tuple[str, HostedTool], ...] = (
    ("web_search_", "web_search"),
    ("web_fetch_", "web_fetch"),
    ("code_execution_", "code_execution"),
    ("mcp_toolset", "mcp"),
)
_OLD_CODE = "code_execution_20250522"
_LIFE = 3600  # seconds that a container lives after its use [?]
_COUNTED = {"web_search": "web_search_requests", "web_fetch": "web_fetch_requests"}


def offered(tools: Iterable[Json]) -> tuple[HostedTool, ...]:
    """Return the tools of the vendor among those that are not the agent's."""
    kinds = [str(tool.get("type")) for tool in tools]
    found = [name for kind in kinds for prefix, name in _OFFERED if kind.startswith(prefix)]
    return tuple(dict.fromkeys(found))


def told(part: Hosted, call: Call, envelope: Envelope) -> tuple[Part, ...]:
    """Return the blocks that tell of a use and of its result; none of a tool of other vendors."""
    name = _name(part, call)
    if not name:
        return ()
    identity = ids.server_tool_use_id(envelope.ids, mcp=part.tool == "mcp")
    use: Json = {"type": "server_tool_use", "id": identity, "name": name}
    use["input"] = _input(part, name)
    if part.tool == "mcp":
        use |= {"type": "mcp_tool_use", "server_name": part.server}
        result: Json = {"type": "mcp_tool_result", "tool_use_id": identity}
        result |= {"is_error": bool(part.error), "content": _said(part.output or part.error)}
    else:
        result = {"type": f"{name}_tool_result", "tool_use_id": identity}
        result["content"] = _content(part, name, envelope)
        if part.tool != "code_execution":
            use["caller"] = result["caller"] = {"type": "direct"}
    return tuple([Opaque(kind=made["type"], raw=dumps(made)) for made in (use, result)])


def counted(reply: Reply) -> Json | None:
    """Return how often the tools were used that are billed by their use."""
    used = [part.tool for part in reply.content if isinstance(part, Hosted)]
    if not any(tool in _COUNTED for tool in used):
        return None
    return {field: used.count(tool) for tool, field in _COUNTED.items()}  # type: ignore[arg-type]  # names of some tools


def container(reply: Reply, envelope: Envelope) -> Json | None:
    """Return the container in which the code of an answer ran."""
    if not any(
        isinstance(part, Hosted) and part.tool == "code_execution" for part in reply.content
    ):
        return None
    return {
        "id": ids.container_id(envelope.ids),
        "expires_at": headers.timestamp(envelope.wall + _LIFE),
    }


def citations(sources: Sequence[Found]) -> list[Json]:
    """Return what a text cites."""
    return [
        {
            "type": "web_search_result_location",
            "cited_text": source.text[:150],
            "encrypted_index": _sealed(f"{source.url}#{at}"),
            "title": source.title,
            "url": source.url,
        }
        for at, source in enumerate(sources)
    ]


def _name(part: Hosted, call: Call) -> str:
    """Return the name by which blocks call a tool; newer versions run code by a shell."""
    if part.tool == "mcp":
        return part.name
    if part.tool in _COUNTED:
        return part.tool
    if part.tool != "code_execution":
        return ""
    tools: Any = call.options.get("builtin_tools", ())
    old = any(tool.get("type") == _OLD_CODE for tool in tools)
    return "code_execution" if old else "bash_code_execution"


def _input(part: Hosted, name: str) -> Any:
    if part.tool == "web_search":
        return {"query": part.query}
    if part.tool == "web_fetch":
        return {"url": part.query}
    if part.tool == "mcp":
        return _arguments(part.query)
    return {"command" if name == "bash_code_execution" else "code": part.query}


def _arguments(text: str) -> Json:
    """Return arguments as the object that they have to be; what is none is the only argument."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = text
    return value if isinstance(value, dict) else {"input": value}


def _content(part: Hosted, name: str, envelope: Envelope) -> Any:
    if part.error:
        return {"type": f"{name}_tool_result_error", "error_code": part.error}
    if part.tool == "web_search":
        return [
            {
                "type": "web_search_result",
                "title": page.title,
                "url": page.url,
                "encrypted_content": _sealed(page.text or page.url),
                "page_age": None,
            }
            for page in part.found
        ]
    if part.tool == "web_fetch":
        page = part.found[0] if part.found else Found(title="", url=part.query, text=part.output)
        source = {"type": "text", "media_type": "text/plain", "data": page.text}
        return {
            "type": "web_fetch_result",
            "url": page.url,
            "content": {"type": "document", "source": source, "title": page.title or None},
            "retrieved_at": headers.timestamp(envelope.wall),
        }
    return {
        "type": f"{name}_result",
        "stdout": part.output,
        "stderr": "",
        "return_code": 0,
        "content": [],
    }


def _said(text: str) -> list[Json]:
    return [{"type": "text", "text": text, "citations": None}] if text else []


def _sealed(text: str) -> str:
    """Return a text as the service hands it out: only it can read it, and takes it back."""
    return f"Eo{b64encode(text.encode(errors='replace')).decode()}"
