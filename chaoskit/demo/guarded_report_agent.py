"""The same agent with a parser: it repairs what is safe to repair and asks again for the rest."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import anthropic

from chaoskit.demo.naive_report_agent import MODEL, SYSTEM
from chaoskit_guards import OutputParser

__all__ = ["guarded_report", "guarded_report_async"]


@dataclass(frozen=True)
class Report:
    """What a program reads."""

    summary: str
    severity: int


parser = OutputParser(Report)


@cache
def _client() -> anthropic.Anthropic:
    return anthropic.Anthropic()


@cache
def _async_client() -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic()


def guarded_report(prompt: str) -> str:
    """Answer a prompt with a report."""

    def ask(messages: Any) -> str:
        return _text(_client().messages.create(**_request(messages)))

    asked = parser.parse_or_ask(ask, [{"role": "user", "content": prompt}])
    return json.dumps(asdict(asked.value))


async def guarded_report_async(prompt: str) -> str:
    """Answer a prompt with a report."""

    async def ask(messages: Any) -> str:
        return _text(await _async_client().messages.create(**_request(messages)))

    asked = await parser.aparse_or_ask(ask, [{"role": "user", "content": prompt}])
    return json.dumps(asdict(asked.value))


def _request(messages: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 500, "system": SYSTEM, "messages": messages}


def _text(reply: Any) -> str:
    return str(reply.content[0].text)
