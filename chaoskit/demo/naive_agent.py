"""The Anthropic tool loop that everyone writes first. It works on every laptop."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

import anthropic

from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.demo.tools import FUNCTIONS, SPECS
from chaoskit.history import to_anthropic

__all__ = ["naive", "naive_async"]

log = logging.getLogger("demo.naive")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler())

MODEL = "claude-sonnet-4-6"


@cache
def _client() -> anthropic.Anthropic:
    return anthropic.Anthropic()


@cache
def _async_client() -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic()


def naive(prompt: str, *, history: Sequence[dict[str, Any]] = ()) -> str:
    """Answer a prompt."""
    messages: list[Any] = [*to_anthropic(history), {"role": "user", "content": prompt}]
    while True:
        response = _client().messages.create(
            model=MODEL,
            max_tokens=1024,
            system=SYSTEM_PROMPT,
            tools=SPECS,  # type: ignore[arg-type]  # plain dictionaries, as in most agents
            messages=messages,
        )
        if response.stop_reason != "tool_use":
            return response.content[0].text  # type: ignore[union-attr]  # what everyone writes
        messages += [{"role": "assistant", "content": response.content}, _run_tools(response)]


async def naive_async(prompt: str, *, history: Sequence[dict[str, Any]] = ()) -> str:
    """Answer a prompt."""
    messages: list[Any] = [*to_anthropic(history), {"role": "user", "content": prompt}]
    while True:
        response = await _async_client().messages.create(
            model=MODEL,
            max_tokens=1024,
            system=SYSTEM_PROMPT,
            tools=SPECS,  # type: ignore[arg-type]  # plain dictionaries, as in most agents
            messages=messages,
        )
        if response.stop_reason != "tool_use":
            return response.content[0].text  # type: ignore[union-attr]  # what everyone writes
        messages += [{"role": "assistant", "content": response.content}, _run_tools(response)]


def _run_tools(response: anthropic.types.Message) -> dict[str, Any]:
    results = []
    for block in response.content:
        if block.type == "tool_use":
            log.info("tool call %s %s", block.name, json.dumps(block.input))
            result = FUNCTIONS[block.name](**block.input)
            log.info("tool result %s", json.dumps(result))
            results.append(
                {"type": "tool_result", "tool_use_id": block.id, "content": json.dumps(result)}
            )
    return {"role": "user", "content": results}
