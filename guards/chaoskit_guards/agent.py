"""The guards together: a tool loop in which each of them has its place.

The window shows what fits and a report refuses what does not, the budget books before and settles
after each call, retries surround the router with its breakers, the cache benchmark hears each
answer, the vet checks what the model passes to tools, the loop guard and the stop conditions end
what goes nowhere, and everything that is logged or told is scrubbed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Protocol

from chaoskit_guards.agent_run import Answer, Run, ToolEvent
from chaoskit_guards.budget import BudgetWindow
from chaoskit_guards.completion import Completion
from chaoskit_guards.conditions import Condition, MaxIters, NoProgress
from chaoskit_guards.events import Listener
from chaoskit_guards.gate import ActionGate
from chaoskit_guards.loop import LoopGuard
from chaoskit_guards.parallel import Parallel
from chaoskit_guards.price import Price, cost
from chaoskit_guards.retry import with_retry
from chaoskit_guards.retry_config import RetryConfig
from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_stream import ScrubbingStream
from chaoskit_guards.settings import Random
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.tool_guard import Tools
from chaoskit_guards.window import MessageWindow

if TYPE_CHECKING:
    from chaoskit_guards.cachebench import CacheBenchmark
    from chaoskit_guards.fit import FitReport

__all__ = ["AgentLoop", "Answer", "Model", "ToolEvent", "Tools"]

Json = dict[str, Any]

_SCRUBBER = Scrubber()
_RETRY = RetryConfig(deadline=240.0)
_CONDITIONS: tuple[Condition, ...] = (MaxIters(20), NoProgress())
_NOTHING = "I could not finish this. Please try a more specific question."
_TOO_LARGE = "This is more than I can read at once. Please ask for a smaller part of it."


class Model(Protocol):
    """Answers a conversation; a `FallbackRouter` does."""

    def complete(self, messages: Sequence[Any], max_tokens: int, **keywords: Any) -> Completion:
        """Return the answer to `messages`; the keywords are system, tools and tool_choice."""

    async def acomplete(
        self, messages: Sequence[Any], max_tokens: int, **keywords: Any
    ) -> Completion:
        """Return the answer without blocking."""


class AgentLoop:
    """Asks a model and runs its tools until there is an answer; one object serves all users.

    Args:
        model: a router, or anything with its `complete` and `acomplete`.
        tools: the guarded tools: a `Vet`, or guards around one.
        system: system prompt, text or blocks.
        max_tokens: bound of one answer.
        window: trims what is sent; the conversation itself stays whole.
        fit: makes the report of a request, such as `partial(FitReport, model=…)`; what is over
            the model's window even when it is trimmed ends the run instead of being sent.
        retry: repeats calls that no provider answered; its deadline also bounds the budget's wait.
        budget: is asked before each call and told after it.
        price: gives the USD of a call from its model and usage, for `MaxUsd` and the budget.
        parallel: runs the tools of one turn side by side; None: one after the other, except that
            async ones run side by side without any bound.
        cache: is told the usage and the prefix of each call.
        loop: makes the loop guard of a run.
        gate: makes the action gate of a run; it also sees the tools of earlier turns.
        conditions: when a run has to come to an end; the model then answers without tools.
        scrubber: cleans what is logged, errors told to the model, and the answer.
        logger: is told about tool calls and their results.
        nothing: the answer where the model has none.
        too_large: the answer where the request does not fit.
        listener: told about failing tools and the end of each run, and about retries.
        clock: monotonic seconds; `time.monotonic` when it is None.
        sleep: waits between retries; `time.sleep` when it is None.
        async_sleep: `asyncio.sleep` when it is None.
        rng: source of their jitter; the `random` module when it is None.

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
        fit: Callable[..., FitReport] | None = None,
        retry: RetryConfig | None = _RETRY,
        budget: BudgetWindow | None = None,
        price: Price | None = None,
        parallel: Parallel | None = None,
        cache: CacheBenchmark | None = None,
        loop: Callable[[], LoopGuard] | None = LoopGuard,
        gate: Callable[[], ActionGate] | None = None,
        conditions: Sequence[Condition] = _CONDITIONS,
        scrubber: Scrubber | None = _SCRUBBER,
        logger: logging.Logger | None = None,
        nothing: str = _NOTHING,
        too_large: str = _TOO_LARGE,
        listener: Listener | None = None,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
        async_sleep: Callable[[float], Awaitable[object]] | None = None,
        rng: Random | None = None,
    ) -> None:
        self.model = model
        self.tools = tools
        self.system = system
        self.max_tokens = max_tokens
        self.window = window
        self.fit = fit
        self.price = price
        self.parallel = parallel
        self.cache = cache
        self.loop = loop
        self.gate = gate
        self.conditions = conditions
        self.nothing = nothing
        self.too_large = too_large
        self.listener = listener
        self.log = logger or logging.getLogger("chaoskit_guards.agent")
        self._budget = budget
        self._answered_by = ""  # the model whose price is expected next
        self._patience = None if retry is None else retry.deadline
        self._scrubber = scrubber
        self.clock = clock
        patiently = (
            (lambda ask: ask)
            if retry is None
            else with_retry(
                retry,
                clock=clock,
                sleep=sleep,
                async_sleep=async_sleep,
                rng=rng,
                listener=listener,
            )
        )
        self._ask: Callable[..., Any] = patiently(self._complete)
        self._aask: Callable[..., Any] = patiently(self._acomplete)
        self._pieces: Callable[..., Any] = patiently(self._stream)
        self._apieces: Callable[..., Any] = patiently(self._astream)

    def run(self, messages: Sequence[Any]) -> Answer:
        """Return the answer to a conversation that ends with the user's turn."""
        run = Run(self, messages)
        while (request := run.request()) is not None:
            run.take(self._ask(request))
            run.give(run.tools())
        return run.answer()

    async def arun(self, messages: Sequence[Any]) -> Answer:
        """Return the answer without blocking; async tools of one turn run side by side."""
        run = Run(self, messages)
        while (request := run.request()) is not None:
            run.take(await self._aask(request))
            run.give(await run.atools())
        return run.answer()

    def stream(self, messages: Sequence[Any]) -> Generator[str | ToolEvent | Answer, None, None]:
        """Give the text in pieces and what the tools do; the last item is the `Answer`.

        The guards are those of `run`. Once a piece of a turn is out, neither a retry nor another
        provider takes that turn over. Text is let go a little late, so that no secret is shown in
        two halves. A model without `stream` answers in one piece.
        """
        run = Run(self, messages)
        while (request := run.request()) is not None:
            shown = _Shown(self._scrubber)
            with closing(self._pieces(request)) as pieces:
                for piece in pieces:
                    if text := shown.feed(piece):
                        yield text
            run.take(shown.reply())
            results = []
            if self.parallel is None:
                for call in run.calls:
                    yield run.called(call)
                    results.append(run.tool(call))
                    yield run.returned(call, results[-1])
            else:
                yield from map(run.called, run.calls)
                results = run.tools()
                yield from map(run.returned, run.calls, results)
            run.give(results)
        if run.unshown:
            yield run.unshown
        yield run.answer()

    async def astream(
        self, messages: Sequence[Any]
    ) -> AsyncGenerator[str | ToolEvent | Answer, None]:
        """Give the same without blocking; async tools of one turn run side by side."""
        run = Run(self, messages)
        while (request := run.request()) is not None:
            shown = _Shown(self._scrubber)
            async with aclosing(self._apieces(request)) as pieces:
                async for piece in pieces:
                    if text := shown.feed(piece):
                        yield text
            run.take(shown.reply())
            for call in run.calls:
                yield run.called(call)
            results = await run.atools()
            for call, result in zip(run.calls, results, strict=True):
                yield run.returned(call, result)
            run.give(results)
        if run.unshown:
            yield run.unshown
        yield run.answer()

    def cleaned(self, value: Any) -> Any:
        """Return a copy without secrets."""
        return value if self._scrubber is None else self._scrubber.scrub(value)

    def cost(self, reply: Completion) -> float | None:
        """Return the USD of a call: None without a price function, NaN where it does not know."""
        if self.price is None:
            return None
        usd = cost(self.price, reply.model, reply.usage.in_anthropic_words())
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

    def _stream(self, request: Json) -> Generator[str | Completion, None, None]:
        """Give the pieces of an answer, then the whole."""
        streaming: Callable[..., Any] | None = getattr(self.model, "stream", None)
        if streaming is None:
            reply = self._complete(request)
            yield from (*([reply.text] if reply.text else ()), reply)
            return
        booked = None if self._budget is None else self._budget.reserve(**self._estimate(request))
        begun = False
        try:
            stream = streaming(**request)
            for piece in stream:
                begun = True
                yield piece
        except BaseException:
            if booked is not None and not begun:
                booked.cancel(sent=True)  # what has begun is paid: its estimate stays booked
            raise
        if booked is not None:
            booked.settle(**self._used(stream.completion))
        yield stream.completion

    async def _astream(self, request: Json) -> AsyncGenerator[str | Completion, None]:
        streaming: Callable[..., Any] | None = getattr(self.model, "stream", None)
        if streaming is None:
            reply = await self._acomplete(request)
            for item in (*([reply.text] if reply.text else ()), reply):
                yield item
            return
        budget = self._budget
        booked = None if budget is None else await budget.areserve(**self._estimate(request))
        begun = False
        try:
            stream = streaming(**request)
            async with aclosing(aiter(stream)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
        except BaseException:
            if booked is not None and not begun:
                await booked.acancel(sent=True)
            raise
        if booked is not None:
            await booked.asettle(**self._used(stream.completion))
        yield stream.completion

    def _estimate(self, request: Json) -> Json:
        beside = [{"role": "user", "content": request["system"]}] if request["system"] else []
        said = [*beside, *(request["tools"] or ()), *request["messages"]]
        expected = {"messages": said, "max_tokens": self.max_tokens, "timeout": self._patience}
        if self.price is not None:
            usage = {"input_tokens": count_tokens(said), "output_tokens": self.max_tokens}
            expected["usd"] = cost(self.price, self._answered_by, usage) or 0.0
        return expected

    def _used(self, reply: Completion) -> dict[str, float]:
        used: dict[str, float] = {
            "input_tokens": reply.usage.prompt_tokens,
            "output_tokens": reply.usage.output_tokens,
        }
        usd, self._answered_by = self.cost(reply), reply.model
        return used if usd is None or math.isnan(usd) else {**used, "usd": usd}


class _Shown:
    """What is let out of one turn."""

    def __init__(self, scrubber: Scrubber | None) -> None:
        self._clean = None if scrubber is None else ScrubbingStream(scrubber)
        self._reply: Completion | None = None

    def feed(self, item: str | Completion) -> str:
        """Take a piece, or the whole at the end, and return the text to show."""
        if isinstance(item, Completion):
            self._reply = item
            return "" if self._clean is None else self._clean.flush()
        return item if self._clean is None else self._clean.feed(item)

    def reply(self) -> Completion:
        """Return the whole answer."""
        assert self._reply is not None  # noqa: S101 - a stream ends with it or with an error
        return self._reply
