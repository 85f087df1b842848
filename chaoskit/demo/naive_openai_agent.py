"""The OpenAI tool loop that everyone writes first. It works on every laptop."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

import openai

from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.demo.tools import FUNCTIONS, SPECS
from chaoskit.history import to_openai

__all__ = ["naive_openai", "naive_openai_async"]

log = logging.getLogger("demo.naive_openai")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler())

MODEL = "gpt-5.4"
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": spec["name"],
            "description": spec["description"],
            "parameters": spec["input_schema"],
        },
    }
    for spec in SPECS
]


@cache
def _client() -> openai.OpenAI:
    return openai.OpenAI()


@cache
def _async_client() -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI()


def naive_openai(prompt: str, *, history: Sequence[dict[str, Any]] = ()) -> str:
    """Answer a prompt."""
    messages = _conversation(prompt, history)
    while True:
        response = _client().chat.completions.create(model=MODEL, tools=TOOLS, messages=messages)
        message = response.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages += [message, *_run_tools(message)]


async def naive_openai_async(prompt: str, *, history: Sequence[dict[str, Any]] = ()) -> str:
    """Answer a prompt."""
    messages = _conversation(prompt, history)
    while True:
        response = await _async_client().chat.completions.create(
            model=MODEL, tools=TOOLS, messages=messages
        )
        message = response.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages += [message, *_run_tools(message)]


def _conversation(prompt: str, history: Sequence[dict[str, Any]]) -> list[Any]:
    system = {"role": "system", "content": SYSTEM_PROMPT}
    return [system, *to_openai(history), {"role": "user", "content": prompt}]


def _run_tools(message: Any) -> list[dict[str, Any]]:
    results = []
    for call in message.tool_calls:
        log.info("tool call %s %s", call.function.name, call.function.arguments)
        arguments = json.loads(call.function.arguments)
        result = FUNCTIONS[call.function.name](**arguments)
        log.info("tool result %s", json.dumps(result))
        results.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})
    return results
