"""OpenAI's embeddings."""

from __future__ import annotations

from chaoskit.dialects.openai_embeddings.dialect import OpenAIEmbeddingsDialect

__all__ = ["OpenAIEmbeddingsDialect"]
