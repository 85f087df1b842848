"""OpenAI's files, uploads and batches."""

from __future__ import annotations

from chaoskit.dialects.openai_files.dialect import OpenAIFilesDialect

__all__ = ["OpenAIFilesDialect"]
