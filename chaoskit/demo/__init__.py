"""The agents of the README: `naive`, the code that everyone writes first, and `guarded`.

Each exists sync and async, on Anthropic and on OpenAI. They are imported when they are asked for,
so that the SDK of the other vendor need not be installed.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "guarded": "guarded_agent",
    "guarded_async": "guarded_agent",
    "naive": "naive_agent",
    "naive_async": "naive_agent",
    "naive_chat": "naive_chat_agent",
    "naive_chat_async": "naive_chat_agent",
    "naive_report": "naive_report_agent",
    "naive_report_async": "naive_report_agent",
    "guarded_chat": "guarded_chat_agent",
    "guarded_chat_async": "guarded_chat_agent",
    "guarded_report": "guarded_report_agent",
    "guarded_report_async": "guarded_report_agent",
    "guarded_mcp": "guarded_mcp_agent",
    "naive_mcp": "naive_mcp_agent",
    "naive_openai": "naive_openai_agent",
    "naive_openai_async": "naive_openai_agent",
}

PAIRS = {
    "day9-shared-session": ("naive_chat", "guarded_chat"),
    "day10-structured-output": ("naive_report", "guarded_report"),
    "day13-empty-over-mcp": ("naive_mcp", "guarded_mcp"),
    "day15-schema-drift": ("naive_mcp", "guarded_mcp"),
}
"""The agents that show other scenarios than those of a tool loop, by the names of the scenarios."""

__all__ = [
    "PAIRS",
    "guarded",
    "guarded_async",
    "guarded_chat",
    "guarded_chat_async",
    "guarded_mcp",
    "guarded_report",
    "guarded_report_async",
    "naive",
    "naive_async",
    "naive_chat",
    "naive_chat_async",
    "naive_mcp",
    "naive_openai",
    "naive_openai_async",
    "naive_report",
    "naive_report_async",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
