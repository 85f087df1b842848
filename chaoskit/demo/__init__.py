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
    "naive_chat": "naive_chat",
    "naive_chat_async": "naive_chat",
    "naive_report": "naive_report",
    "naive_report_async": "naive_report",
    "naive_openai": "naive_openai_agent",
    "naive_openai_async": "naive_openai_agent",
}

__all__ = [
    "guarded",
    "guarded_async",
    "naive",
    "naive_async",
    "naive_chat",
    "naive_chat_async",
    "naive_openai",
    "naive_openai_async",
    "naive_report",
    "naive_report_async",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
