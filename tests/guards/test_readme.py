"""Every snippet of the guards' README runs, and its table of imports is true."""

import asyncio
import json
import logging
import re
from pathlib import Path

import httpx2
import pytest

import chaoskit_guards
from chaoskit.demo import guarded_agent

README = Path(chaoskit_guards.__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
SNIPPETS = re.findall(r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", TEXT, re.DOTALL)
IMPORT = r"`from (\w+) import ([^`]+)`"
ROWS = re.findall(rf"^\| {IMPORT} \| {IMPORT} \|$", TEXT, re.MULTILINE)

PLAYBOOK = [
    "agentvet",
    "llm_retry",
    "llm_budget_window",
    "agent_message_window",
    "agentfit",
    "prompt_token_counter",
    "tool_loop_guard",
    "llm_stop_conditions",
    "tool_secret_scrubber",
    "prompt_cache_warmer",
    "cachebench",
    "llm_circuit_breaker",
    "llm_fallback_router",
]
ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-6",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 12, "output_tokens": 5, "cache_read_input_tokens": 4_000},
}


@pytest.fixture
def provider(monkeypatch):
    """Every HTTP request is answered here; nothing leaves the machine, nobody sleeps."""
    asked = []

    def answer(transport, request):
        asked.append(json.loads(request.content))
        return httpx2.Response(200, json=ANSWER)

    async def aanswer(transport, request):
        return answer(transport, request)

    async def at_once(seconds):
        return None

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", answer)
    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", aanswer)
    monkeypatch.setattr(asyncio, "sleep", at_once)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    yield asked
    logging.getLogger("tools").filters.clear()


@pytest.mark.parametrize(("title", "code"), SNIPPETS, ids=[title for title, _ in SNIPPETS])
def test_the_snippet_runs(title, code, provider, capsys):
    """As it is written."""
    exec(compile(code, f"README.md, {title}", "exec"), {"__name__": "readme"})
    asks = any(word in code for word in ("ProviderConfig", "anthropic.Anthropic", "warmer.warm"))

    assert bool(provider) is asks
    assert capsys.readouterr().out or "assert" in code


def test_each_guard_has_a_snippet():
    """All code blocks but the installation are among them."""
    assert TEXT.count("```python") == len(SNIPPETS) >= 13


def test_the_whole_agent_is_that_of_the_demo():
    """Word for word, and short."""
    (shown,) = re.findall(r"```py\n(.*?)```", TEXT, re.DOTALL)

    assert shown == Path(guarded_agent.__file__).read_text(encoding="utf-8")
    assert len(shown.splitlines()) < 80


def test_the_playbooks_imports_are_all_here():
    """With the same names."""
    assert [row[0] for row in ROWS] == PLAYBOOK
    for _, theirs, package, ours in ROWS:
        assert (theirs, package) == (ours, "chaoskit_guards")
        assert all(hasattr(chaoskit_guards, name) for name in ours.split(", "))
