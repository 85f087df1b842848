"""OpenAI's Responses."""

from __future__ import annotations

from chaoskit.dialects.openai_responses.dialect import OpenAIResponsesDialect

__all__ = ["OpenAIResponsesDialect"]
