"""The same agent with the guards: what it takes to keep its promises for a week."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

from chaoskit.demo.handbook import SYSTEM_PROMPT
from chaoskit.demo.tools import FUNCTIONS, SPECS
from chaoskit.history import to_anthropic
from chaoskit_guards import (
    ArgError,
    CacheWarmer,
    Completion,
    FallbackRouter,
    LoopDetectedError,
    LoopGuard,
    MaxIters,
    MessageWindow,
    ProviderConfig,
    RetryConfig,
    Scrubber,
    StopEvaluator,
    Vet,
    with_retry,
)

__all__ = ["guarded", "guarded_async"]

log = logging.getLogger("demo.guarded")
log.setLevel(logging.INFO)
log.addHandler(logging.StreamHandler())

MODEL = "claude-sonnet-4-6"
STOP = {"type": "none"}
GO_ON = {"type": "auto"}
NOTHING = "I could not finish this. Please try a more specific question."

scrubber = Scrubber()
log.addFilter(scrubber.filter())
vet = Vet()
for spec in SPECS:
    vet.guard(spec["input_schema"], name=spec["name"])(FUNCTIONS[spec["name"]])
window = MessageWindow(max_tokens=45_000)
warmer = CacheWarmer(model=MODEL)
SYSTEM = warmer.cached_system(SYSTEM_PROMPT)
router = FallbackRouter(
    [
        ProviderConfig(name="anthropic", model=MODEL, priority=1, timeout=20),
        ProviderConfig(name="openai", model="gpt-5.4", priority=2, timeout=20),
    ],
    deadline=120,
)
patiently = RetryConfig(max_attempts=12, max_delay=30, deadline=240)
ask = with_retry(patiently)(router.complete)
ask_async = with_retry(patiently)(router.acomplete)


async def startup() -> None:
    """Warm the prompt cache before traffic."""
    await warmer.warm(system=SYSTEM_PROMPT, tools=SPECS)


def guarded(prompt: str, *, history: Sequence[dict[str, Any]] = ()) -> str:
    """Answer a prompt."""
    turn = _Turn(prompt, history)
    while turn.answer is None:
        turn.take(ask(turn.messages(), **turn.request()))
    return turn.answer


async def guarded_async(prompt: str, *, history: Sequence[dict[str, Any]] = ()) -> str:
    """Answer a prompt."""
    turn = _Turn(prompt, history)
    while turn.answer is None:
        turn.take(await ask_async(turn.messages(), **turn.request()))
    return turn.answer


class _Turn:
    """One turn of the conversation: its messages, and when it has to end."""

    def __init__(self, prompt: str, history: Sequence[dict[str, Any]]) -> None:
        self.answer: str | None = None
        self._log: list[Any] = [*to_anthropic(history), {"role": "user", "content": prompt}]
        self._loop = LoopGuard()
        self._stop = StopEvaluator(conditions=[MaxIters(12)])
        self._steps = 0
        self._over = False

    def messages(self) -> list[dict[str, Any]]:
        return window.trim(self._log, system=SYSTEM, tools=SPECS)

    def request(self) -> dict[str, Any]:
        over = self._over or self._stop.check({"iters": self._steps}).should_stop
        choice = STOP if over else GO_ON
        return {"max_tokens": 1024, "system": SYSTEM, "tools": SPECS, "tool_choice": choice}

    def take(self, reply: Completion) -> None:
        self._steps += 1
        if not reply.tool_calls:
            self.answer = scrubber.scrub_text(reply.text) or NOTHING
            return
        results = [self._run(call) for call in reply.tool_calls]
        self._log += [reply.message, {"role": "user", "content": results}]

    def _run(self, call: dict[str, Any]) -> dict[str, Any]:
        name, arguments = call["name"], call.get("input")
        log.info("tool call %s %s", name, arguments)
        try:
            self._loop.record(name, arguments, turn=self._steps)
            result = vet.dispatch(name, arguments)
        except ArgError as error:
            return error.tool_result(call["id"])
        except LoopDetectedError as error:
            self._over = self._over or error.level == "stop"
            return _failed(call, str(error))
        self._loop.observe(name, arguments, result)
        log.info("tool result %s", result)
        return {"type": "tool_result", "tool_use_id": call["id"], "content": json.dumps(result)}


def _failed(call: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "type": "tool_result",
        "tool_use_id": call["id"],
        "content": text,
        "is_error": True,
    }
