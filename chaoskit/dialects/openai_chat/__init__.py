"""OpenAI's Chat Completions and models."""

from __future__ import annotations

from chaoskit.dialects.openai_chat.dialect import OpenAIChatDialect

__all__ = ["OpenAIChatDialect"]
