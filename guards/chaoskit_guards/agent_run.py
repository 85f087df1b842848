"""One run of a tool loop: its conversation, its tools, and when it has to end."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from chaoskit_guards.completion import Completion
from chaoskit_guards.errors import ActionRefused, ArgError, LoopDetectedError, ToolError
from chaoskit_guards.events import emit
from chaoskit_guards.stop import RunContext, StopEvaluator

if TYPE_CHECKING:
    from chaoskit_guards.agent import AgentLoop

__all__ = ["Answer", "Run", "ToolEvent"]

Json = dict[str, Any]

_LONGEST_ERROR = 500


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEvent:
    """What a tool of a streaming run does.

    Attributes:
        kind: `called`, then `returned` or `failed`.
        name: name of the tool.
        call_id: names the call.
        value: arguments of the call, or the text that goes back to the model; without secrets.
    """

    kind: Literal["called", "returned", "failed"]
    name: str
    call_id: str
    value: Any


class Run:
    """One run: its conversation, and when it has to end."""

    def __init__(self, loop: AgentLoop, messages: Sequence[Any]) -> None:
        self.calls: list[Json] = []
        self._loop = loop
        self._log = list(messages)
        self._specs: list[Json] | None = None
        self._guard = loop.loop() if loop.loop is not None else None
        self._offer()
        self._gate = loop.gate() if loop.gate is not None else None
        if self._gate is not None:
            for name in _called(messages):
                self._gate.saw(name)
        self._stop = StopEvaluator(loop.conditions)
        self._context = RunContext(clock=loop.clock)
        self._stopped = ""
        self._text: str | None = None
        self.unshown = ""
        """The part of the answer that is not the model's."""

    def request(self) -> Json | None:
        """Return what to ask next; None when the answer is there."""
        if self._text is not None:
            return None
        self._offer()
        loop, shown = self._loop, self._log
        if loop.window is not None:
            shown = loop.window.trim(shown, system=loop.system, tools=self._specs)
        request = {
            "messages": shown,
            "max_tokens": loop.max_tokens,
            "system": loop.system,
            "tools": self._specs,
        }
        if not self._fits(request):
            return None
        if self._specs:
            self._stopped = self._stopped or self._stop.check(self._context).reason
            request["tool_choice"] = {"type": "none" if self._stopped else "auto"}
        return request

    def _fits(self, request: Json) -> bool:
        """Tell whether it can be sent; a request that is too large ends the run."""
        loop = self._loop
        if loop.fit is None:
            return True
        asked = {name: request[name] for name in ("messages", "system", "tools")}
        report = loop.fit(**asked, max_output_tokens=loop.max_tokens)
        if report.verdict != "over":
            return True
        emit(loop.listener, "too_large", "agent", tokens=report.tokens, window=report.window)
        self._text = self.unshown = loop.too_large
        self._stopped = self._stopped or str(report)
        said = [{"type": "text", "text": loop.too_large}]
        self._log.append({"role": "assistant", "content": said})
        return False

    def take(self, reply: Completion) -> None:
        """Count an answer and note what it wants."""
        if self._loop.cache is not None:
            self._loop.cache.record(
                cache_read_tokens=reply.usage.cache_read_tokens,
                input_tokens=reply.usage.input_tokens,
                cache_creation_tokens=reply.usage.cache_write_tokens,
                prefix={"system": self._loop.system, "tools": self._specs},
            )
        counted = {
            "model": reply.model,
            "usage": reply.usage.in_anthropic_words(),
            "content": reply.content,
        }
        self._context.record_response(counted, usd=self._loop.cost(reply))
        self.calls = [] if self._stopped else reply.tool_calls
        self._log.append(reply.message)
        if not self.calls:
            self._text = reply.text
            self.unshown = "" if reply.text else self._loop.nothing

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

    def tools(self) -> list[Json]:
        """Run the tools of a turn and return their results in order."""
        parallel = self._loop.parallel
        if parallel is None:
            return [self.tool(call) for call in self.calls]
        outcomes = parallel.map(self.tool, self.calls, [call["name"] for call in self.calls])
        return self._told(outcomes)

    async def atools(self) -> list[Json]:
        """Run the tools of a turn without blocking and return their results in order."""
        parallel = self._loop.parallel
        if parallel is None:
            return await asyncio.gather(*map(self.atool, self.calls))
        names = [call["name"] for call in self.calls]
        return self._told(await parallel.amap(self.atool, self.calls, names))

    async def atool(self, call: Json) -> Json:
        """Run one tool without blocking, where it is async or its guards have an async form."""
        try:
            guarded = getattr(self._loop.tools, "adispatch", None)
            result = self._begin(call, guarded)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:  # noqa: BLE001 - the tool is the user's; the model can react
            return self._failed(call, error)
        return self._done(call, result)

    def called(self, call: Json) -> ToolEvent:
        """Return what to tell of a call that is about to run."""
        value = self._loop.cleaned(call.get("input"))
        return ToolEvent(kind="called", name=call["name"], call_id=call["id"], value=value)

    def returned(self, call: Json, result: Json) -> ToolEvent:
        """Return what to tell of a call that has run."""
        kind: Literal["failed", "returned"] = "failed" if result.get("is_error") else "returned"
        value = self._loop.cleaned(result["content"])
        return ToolEvent(kind=kind, name=call["name"], call_id=call["id"], value=value)

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

    def _offer(self) -> None:
        """Look which tools there are; those of a server may change between two steps."""
        specs = self._loop.tools.schemas() if self._loop.tools is not None else None
        if specs and specs != self._specs and self._guard is not None:
            self._guard.know(specs)
        self._specs = specs

    def _told(self, outcomes: Sequence[Json | Exception]) -> list[Json]:
        """Return the results, also of calls that had no time."""
        told = []
        for call, outcome in zip(self.calls, outcomes, strict=True):
            if isinstance(outcome, ToolError):
                told.append(self._failed(call, outcome))
            elif isinstance(outcome, Exception):
                raise outcome  # whatever a tool does wrong has become a result before
            else:
                told.append(outcome)
        return told

    def _begin(self, call: Json, dispatch: Callable[[str, object], Any] | None = None) -> Any:
        name, arguments = call["name"], call.get("input")
        self._loop.log.info("tool call %s %s", name, self._loop.cleaned(arguments))
        if self._guard is not None:
            self._guard.record(name, arguments, turn=self._context.iters)
        if self._gate is not None:
            self._gate.check(name, arguments)
        assert self._loop.tools is not None  # noqa: S101 - a model calls only what it was offered
        return (dispatch or self._loop.tools.dispatch)(name, arguments)

    def _done(self, call: Json, result: Any) -> Json:
        self._observe(call, result, error=False)
        self._loop.log.info("tool result %s", self._loop.cleaned(result))
        return {"type": "tool_result", "tool_use_id": call["id"], "content": _written(result)}

    def _failed(self, call: Json, error: Exception) -> Json:
        if isinstance(error, ArgError):
            self._observe(call, str(error), error=True)
            return error.tool_result(call["id"])
        if isinstance(error, ActionRefused):
            text = str(error)
        elif isinstance(error, LoopDetectedError):
            text = str(error)
            if error.level == "stop":
                self._stopped = self._stopped or text
        else:
            told = (
                str(error)  # written for the model
                if isinstance(error, ToolError)
                else f"{call['name']} failed: {type(error).__name__}: {error}"
            )
            text = self._loop.cleaned(told)
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
        if self._gate is not None:
            self._gate.saw(call["name"])
        self._context.record_tool(result, error=error)
        if self._guard is not None:
            self._guard.observe(call["name"], call.get("input"), result, error=error)


def _called(messages: Sequence[Any]) -> list[str]:
    """Return the names of the tools that a conversation has called."""
    return [
        part["name"]
        for message in messages
        if isinstance(message, dict) and isinstance(message.get("content"), list)
        for part in message["content"]
        if isinstance(part, dict) and part.get("type") == "tool_use"
    ]


def _written(result: Any) -> str:
    if isinstance(result, str):
        return result
    try:
        return json.dumps(result, default=str)
    except (TypeError, ValueError, RecursionError):  # odd keys, or it contains itself
        return str(result)
