"""The wire protocols, in the order in which they are asked whether a request is theirs."""

from __future__ import annotations

from chaoskit.dialect import Dialect
from chaoskit.dialects.anthropic import AnthropicDialect
from chaoskit.dialects.http_tool import HttpToolDialect
from chaoskit.dialects.mcp import McpDialect
from chaoskit.dialects.openai_chat import OpenAIChatDialect
from chaoskit.dialects.openai_embeddings import OpenAIEmbeddingsDialect
from chaoskit.dialects.openai_files import OpenAIFilesDialect
from chaoskit.dialects.openai_responses import OpenAIResponsesDialect
from chaoskit.tool_dialect import ToolDialect

__all__ = [
    "DIALECTS",
    "TOOL_DIALECTS",
    "AnthropicDialect",
    "HttpToolDialect",
    "McpDialect",
    "OpenAIChatDialect",
    "OpenAIEmbeddingsDialect",
    "OpenAIFilesDialect",
    "OpenAIResponsesDialect",
]

DIALECTS: tuple[Dialect, ...] = (
    AnthropicDialect(),
    OpenAIChatDialect(),
    OpenAIResponsesDialect(),
    OpenAIEmbeddingsDialect(),
    OpenAIFilesDialect(),
)

TOOL_DIALECTS: tuple[ToolDialect, ...] = (McpDialect(), HttpToolDialect())
"""The wire protocols by which tools are reached, asked in the same way."""
