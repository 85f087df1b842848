"""An agent whose answer a program reads: it returns what the model wrote."""

from __future__ import annotations

from functools import cache
from typing import Any

import anthropic

__all__ = ["SYSTEM", "naive_report", "naive_report_async"]

MODEL = "claude-sonnet-4-6"
SYSTEM = (
    "Answer with JSON only, without a word around it: an object with `summary`, a text, and "
    "`severity`, a whole number from 1 to 5."
)


@cache
def _client() -> anthropic.Anthropic:
    return anthropic.Anthropic()


@cache
def _async_client() -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic()


def naive_report(prompt: str) -> str:
    """Answer a prompt with a report."""
    return _text(_client().messages.create(**_request(prompt)))


async def naive_report_async(prompt: str) -> str:
    """Answer a prompt with a report."""
    return _text(await _async_client().messages.create(**_request(prompt)))


def _request(prompt: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": MODEL, "max_tokens": 500, "system": SYSTEM, "messages": messages}


def _text(reply: Any) -> str:
    return str(reply.content[0].text)
