"""The guards together: a tool loop in which each of them has its place.

The window shows what fits, the budget books before and settles after each call, retries surround
the router with its breakers, the vet checks what the model passes to tools, the loop guard and the
stop conditions end what goes nowhere, and everything that is logged or told is scrubbed.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.completion import Completion
from chaoskit_guards.conditions import Condition, MaxIters, NoProgress
from chaoskit_guards.errors import ArgError, LoopDetectedError
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.loop import LoopGuard
from chaoskit_guards.retry import with_retry
from chaoskit_guards.retry_config import RetryConfig
from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.stop import RunContext, StopEvaluator
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.window import MessageWindow

__all__ = ["AgentLoop", "Answer", "Model", "Tools"]

Json = dict[str, Any]
Price = Callable[[str, Mapping[str, Any]], float | None]

_SCRUBBER = Scrubber()
_RETRY = RetryConfig(deadline=240.0)
_CONDITIONS: tuple[Condition, ...] = (MaxIters(20), NoProgress())
_NOTHING = "I could not finish this. Please try a more specific question."
_LONGEST_ERROR = 500


class Model(Protocol):
    """Answers a conversation; a `FallbackRouter` does."""

    def complete(self, messages: Sequence[Any], max_tokens: int, **keywords: Any) -> Completion:
        """Return the answer to `messages`; the keywords are system, tools and tool_choice."""

    async def acomplete(
        self, messages: Sequence[Any], max_tokens: int, **keywords: Any
    ) -> Completion:
        """Return the answer without blocking."""


class Tools(Protocol):
    """Runs tools by name; a `Vet` does."""

    def dispatch(self, name: str, arguments: object) -> Any:
        """Run a tool with what the model wrote; an async one gives a coroutine."""

    def schemas(self) -> list[Json]:
        """Return the declarations to offer to the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a run ended.

    Attributes:
        text: the answer, without secrets.
        messages: the whole conversation with the answer, nothing trimmed: the next history.
        stopped: why the model was told to come to an end; empty when it came there by itself.
        steps: calls of the model.
        tokens: tokens of all of them.
        cost_usd: what they cost, where a price function was given; NaN where it did not know.
    """

    text: str
    messages: list[Any]
    stopped: str = ""
    steps: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


class AgentLoop:
    """Asks a model and runs its tools until there is an answer; one object serves all users.

    Args:
        model: a router, or anything with its `complete` and `acomplete`.
        tools: the guarded tools.
        system: system prompt, text or blocks.
        max_tokens: bound of one answer.
        window: trims what is sent; the conversation itself stays whole.
        retry: repeats calls that no provider answered; its deadline also bounds the budget's wait.
        budget: is asked before each call and told after it.
        price: gives the USD of a call from its model and usage, for `MaxUsd` and the budget.
        loop: makes the loop guard of a run.
        conditions: when a run has to come to an end; the model then answers without tools.
        scrubber: cleans what is logged, errors told to the model, and the answer.
        logger: is told about tool calls and their results.
        nothing: the answer where the model has none.
        listener: told about failing tools and the end of each run, and about retries.

    What is None is left out.
    """

    def __init__(
        self,
        model: Model,
        tools: Tools | None = None,
        *,
        system: Any = None,
        max_tokens: int = 1024,
        window: MessageWindow | None = None,
        retry: RetryConfig | None = _RETRY,
        budget: BudgetWindow | None = None,
        price: Price | None = None,
        loop: Callable[[], LoopGuard] | None = LoopGuard,
        conditions: Sequence[Condition] = _CONDITIONS,
        scrubber: Scrubber | None = _SCRUBBER,
        logger: logging.Logger | None = None,
        nothing: str = _NOTHING,
        listener: Listener | None = None,
    ) -> None:
        self.model = model
        self.tools = tools
        self.system = system
        self.max_tokens = max_tokens
        self.window = window
        self.price = price
        self.loop = loop
        self.conditions = conditions
        self.nothing = nothing
        self.listener = listener
        self.log = logger or logging.getLogger("chaoskit_guards.agent")
        self._budget = budget
        self._answered_by = ""  # the model whose price is expected next
        self._patience = None if retry is None else retry.deadline
        self._scrubber = scrubber
        patiently = (lambda ask: ask) if retry is None else with_retry(retry, listener=listener)
        self._ask: Callable[..., Any] = patiently(self._complete)
        self._aask: Callable[..., Any] = patiently(self._acomplete)

    def run(self, messages: Sequence[Any]) -> Answer:
        """Return the answer to a conversation that ends with the user's turn."""
        run = _Run(self, messages)
        while (request := run.request()) is not None:
            run.take(self._ask(request))
            run.give([run.tool(call) for call in run.calls])
        return run.answer()

    async def arun(self, messages: Sequence[Any]) -> Answer:
        """Return the answer without blocking; async tools of one turn run side by side."""
        run = _Run(self, messages)
        while (request := run.request()) is not None:
            run.take(await self._aask(request))
            run.give(await asyncio.gather(*map(run.atool, run.calls)))
        return run.answer()

    def cleaned(self, value: Any) -> Any:
        """Return a copy without secrets."""
        return value if self._scrubber is None else self._scrubber.scrub(value)

    def cost(self, reply: Completion) -> float | None:
        """Return the USD of a call: None without a price function, NaN where it does not know."""
        if self.price is None:
            return None
        usd = self.price(reply.model, _usage(reply))
        return math.nan if usd is None else usd

    def _complete(self, request: Json) -> Completion:
        if self._budget is None:
            return self.model.complete(**request)
        with self._budget.reserve(**self._estimate(request)) as booked:
            reply = self.model.complete(**request)
            booked.settle(**self._used(reply))
        return reply

    async def _acomplete(self, request: Json) -> Completion:
        if self._budget is None:
            return await self.model.acomplete(**request)
        async with await self._budget.areserve(**self._estimate(request)) as booked:
            reply = await self.model.acomplete(**request)
            await booked.asettle(**self._used(reply))
        return reply

    def _estimate(self, request: Json) -> Json:
        beside = [{"role": "user", "content": request["system"]}] if request["system"] else []
        said = [*beside, *(request["tools"] or ()), *request["messages"]]
        expected = {"messages": said, "max_tokens": self.max_tokens, "timeout": self._patience}
        if self.price is not None:
            usage = {"input_tokens": count_tokens(said), "output_tokens": self.max_tokens}
            expected["usd"] = self.price(self._answered_by, usage) or 0.0
        return expected

    def _used(self, reply: Completion) -> dict[str, float]:
        used: dict[str, float] = {
            "input_tokens": reply.usage.prompt_tokens,
            "output_tokens": reply.usage.output_tokens,
        }
        usd, self._answered_by = self.cost(reply), reply.model
        return used if usd is None or math.isnan(usd) else {**used, "usd": usd}


class _Run:
    """One run: its conversation, and when it has to end."""

    def __init__(self, loop: AgentLoop, messages: Sequence[Any]) -> None:
        self.calls: list[Json] = []
        self._loop = loop
        self._log = list(messages)
        self._specs = loop.tools.schemas() if loop.tools is not None else None
        self._guard = loop.loop() if loop.loop is not None else None
        self._stop = StopEvaluator(loop.conditions)
        self._context = RunContext()
        self._stopped = ""
        self._text: str | None = None

    def request(self) -> Json | None:
        """Return what to ask next; None when the answer is there."""
        if self._text is not None:
            return None
        loop, shown = self._loop, self._log
        if loop.window is not None:
            shown = loop.window.trim(shown, system=loop.system, tools=self._specs)
        request = {
            "messages": shown,
            "max_tokens": loop.max_tokens,
            "system": loop.system,
            "tools": self._specs,
        }
        if self._specs:
            self._stopped = self._stopped or self._stop.check(self._context).reason
            request["tool_choice"] = {"type": "none" if self._stopped else "auto"}
        return request

    def take(self, reply: Completion) -> None:
        """Count an answer and note what it wants."""
        counted = {"model": reply.model, "usage": _usage(reply), "content": reply.content}
        self._context.record_response(counted, usd=self._loop.cost(reply))
        self.calls = [] if self._stopped else reply.tool_calls
        self._log.append(reply.message)
        if not self.calls:
            self._text = reply.text

    def give(self, results: Sequence[Json]) -> None:
        """Append the results of the tools that were called."""
        if results:
            self._log.append({"role": "user", "content": list(results)})

    def tool(self, call: Json) -> Json:
        """Run one tool; whatever goes wrong is told to the model."""
        try:
            result = self._begin(call)
        except Exception as error:  # noqa: BLE001 - the tool is the user's; the model can react
            return self._failed(call, error)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(f"the tool {call['name']!r} is async: use arun")
        return self._done(call, result)

    async def atool(self, call: Json) -> Json:
        """Run one tool without blocking, where it is async."""
        try:
            result = self._begin(call)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:  # noqa: BLE001 - the tool is the user's; the model can react
            return self._failed(call, error)
        return self._done(call, result)

    def answer(self) -> Answer:
        """Return how it ended."""
        context, text = self._context, self._loop.cleaned(self._text or self._loop.nothing)
        emit(
            self._loop.listener,
            "answered",
            "agent",
            steps=context.iters,
            tokens=context.tokens,
            usd=context.cost_usd,
            stopped=self._stopped,
        )
        return Answer(
            text=text,
            messages=self._log,
            stopped=self._stopped,
            steps=context.iters,
            tokens=context.tokens,
            cost_usd=context.cost_usd,
        )

    def _begin(self, call: Json) -> Any:
        name, arguments = call["name"], call.get("input")
        self._loop.log.info("tool call %s %s", name, self._loop.cleaned(arguments))
        if self._guard is not None:
            self._guard.record(name, arguments, turn=self._context.iters)
        assert self._loop.tools is not None  # noqa: S101 - a model calls only what it was offered
        return self._loop.tools.dispatch(name, arguments)

    def _done(self, call: Json, result: Any) -> Json:
        self._observe(call, result, error=False)
        self._loop.log.info("tool result %s", self._loop.cleaned(result))
        text = result if isinstance(result, str) else json.dumps(result, default=str)
        return {"type": "tool_result", "tool_use_id": call["id"], "content": text}

    def _failed(self, call: Json, error: Exception) -> Json:
        if isinstance(error, ArgError):
            self._observe(call, str(error), error=True)
            return error.tool_result(call["id"])
        if isinstance(error, LoopDetectedError):
            text = str(error)
            if error.level == "stop":
                self._stopped = self._stopped or text
        else:
            text = self._loop.cleaned(f"{call['name']} failed: {type(error).__name__}: {error}")
            text = text[:_LONGEST_ERROR]
            self._observe(call, text, error=True)
            self._loop.log.warning("tool failed %s", text)
            kind = type(error).__name__
            emit(self._loop.listener, "tool_failed", "agent", tool=call["name"], error=kind)
        return {
            "type": "tool_result",
            "tool_use_id": call["id"],
            "content": text,
            "is_error": True,
        }

    def _observe(self, call: Json, result: Any, *, error: bool) -> None:
        self._context.record_tool(result, error=error)
        if self._guard is not None:
            self._guard.observe(call["name"], call.get("input"), result, error=error)


def _usage(reply: Completion) -> Json:
    """Return the usage in the words of Anthropic, as price functions know it."""
    used = asdict(reply.usage)
    used["cache_read_input_tokens"] = used.pop("cache_read_tokens")
    used["cache_creation_input_tokens"] = used.pop("cache_write_tokens")
    return used
