"""The wire protocols, in the order in which they are asked whether a request is theirs."""

from __future__ import annotations

from chaoskit.dialect import Dialect
from chaoskit.dialects.anthropic import AnthropicDialect
from chaoskit.dialects.openai_chat import OpenAIChatDialect
from chaoskit.dialects.openai_embeddings import OpenAIEmbeddingsDialect
from chaoskit.dialects.openai_files import OpenAIFilesDialect
from chaoskit.dialects.openai_responses import OpenAIResponsesDialect

__all__ = [
    "DIALECTS",
    "AnthropicDialect",
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
