"""The Claude API: Messages, token counting and models, in both of its live versions."""

from __future__ import annotations

from chaoskit.dialects.anthropic.dialect import AnthropicDialect

__all__ = ["AnthropicDialect"]
