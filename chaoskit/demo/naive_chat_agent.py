"""An assistant that remembers by itself, in the dictionary that everyone writes first."""

from __future__ import annotations

from functools import cache
from typing import Any

import anthropic

__all__ = ["naive_chat", "naive_chat_async"]

MODEL = "claude-sonnet-4-6"

_memory: dict[str, list[Any]] = {}


@cache
def _client() -> anthropic.Anthropic:
    return anthropic.Anthropic()


@cache
def _async_client() -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic()


def naive_chat(prompt: str, *, session: str = "") -> str:
    """Answer a prompt."""
    messages = _asked(prompt, session)
    return _answered(
        messages,
        _client().messages.create(model=MODEL, max_tokens=500, messages=messages),
    )


async def naive_chat_async(prompt: str, *, session: str = "") -> str:
    """Answer a prompt."""
    messages = _asked(prompt, session)
    return _answered(
        messages,
        await _async_client().messages.create(model=MODEL, max_tokens=500, messages=messages),
    )


def _asked(prompt: str, session: str) -> list[Any]:
    messages = _memory.setdefault(session, [])
    messages.append({"role": "user", "content": prompt})
    return messages


def _answered(messages: list[Any], reply: Any) -> str:
    messages.append({"role": "assistant", "content": reply.content})
    return str(reply.content[0].text)
