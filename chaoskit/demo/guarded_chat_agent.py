"""The same assistant with a memory for each user and session, and for nobody else."""

from __future__ import annotations

from functools import cache
from typing import Any

import anthropic

from chaoskit.demo.naive_chat_agent import MODEL
from chaoskit_guards import MessageWindow, SessionScope, SessionStore

__all__ = ["guarded_chat", "guarded_chat_async"]

memory = SessionStore(lambda: MessageWindow(max_tokens=20_000))


@cache
def _client() -> anthropic.Anthropic:
    return anthropic.Anthropic()


@cache
def _async_client() -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic()


def guarded_chat(prompt: str, *, user: str, session: str) -> str:
    """Answer a prompt."""
    with SessionScope(f"{user}/{session}"):
        window = memory.get()
        window.push("user", prompt)
        reply = _client().messages.create(**_request(window))
        return _kept(window, reply)


async def guarded_chat_async(prompt: str, *, user: str, session: str) -> str:
    """Answer a prompt."""
    with SessionScope(f"{user}/{session}"):
        window = memory.get()
        window.push("user", prompt)
        reply = await _async_client().messages.create(**_request(window))
        return _kept(window, reply)


def _request(window: MessageWindow) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 500, "messages": window.as_messages()}


def _kept(window: MessageWindow, reply: Any) -> str:
    text = str(reply.content[0].text)
    window.push("assistant", text)
    return text
