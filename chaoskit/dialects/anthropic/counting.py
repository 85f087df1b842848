"""What `count_tokens` refuses beyond what a request for an answer may not have."""

from __future__ import annotations

import json

from chaoskit.dialects._refused import invalid
from chaoskit.dialects.anthropic.body import Body
from chaoskit.exchange import Image, Opaque, Part, ToolResult

__all__ = ["check"]

_SERVER_TOOLS = ("web_search", "web_fetch", "code_execution", "tool_search", "mcp_toolset")
_ELSEWHERE = ("url", "file")


def check(body: Body) -> None:
    """Refuse what cannot be counted: tools that the vendor runs, and what stands elsewhere.

    Raises:
        RefusedError: with the path of the first of them.
    """
    for at, tool in enumerate(body.builtin_tools, len(body.tools)):
        if str(tool.get("type")).startswith(_SERVER_TOOLS):
            raise invalid(f"tools.{at}: server tools are not supported when counting tokens")
    for at, message in enumerate(body.messages):
        _parts(message.content, f"messages.{at}.content")


def _parts(parts: tuple[Part, ...], path: str) -> None:
    for at, part in enumerate(parts):
        place = f"{path}.{at}"
        if isinstance(part, ToolResult):
            _parts(part.content, f"{place}.tool_result.content")
        kind, source = _source(part)
        if source in _ELSEWHERE:
            raise invalid(
                f"{place}.{kind}.source: sources of type '{source}' are not supported when "
                "counting tokens"
            )


def _source(part: Part) -> tuple[str, str]:
    """Return the kind of a part that has a source, and the type of the source."""
    if isinstance(part, Image):
        if part.source.startswith("{"):  # neither inline nor a URL, kept as it stands
            return "image", str(json.loads(part.source).get("type"))
        return "image", "" if part.source.startswith("blake2b:") else "url"
    if isinstance(part, Opaque) and part.kind == "document":
        source = json.loads(part.raw).get("source")
        return "document", str(source.get("type")) if isinstance(source, dict) else ""
    return "", ""
