"""The tool calls of one turn, and the results to answer the model with, in the order it asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from typing import Any, Literal, NamedTuple

from chaoskit_guards.completion import Completion
from chaoskit_guards.errors import ArgError, GuardError, ToolTimeout
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.parallel import Parallel
from chaoskit_guards.result_blocks import are_blocks
from chaoskit_guards.result_cut import as_text
from chaoskit_guards.result_vendors import blocks_for, unwrapped
from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.shapes import as_mapping
from chaoskit_guards.tool_guard import Inner, Json, Tools
from chaoskit_guards.toolbook import shown

__all__ = ["ToolRunner"]

Vendor = Literal["anthropic", "openai", "openai_responses"]

_SCRUBBER = Scrubber()
_LONGEST_ERROR = 500


class _Asked(NamedTuple):
    """A call as the model asked for it, and the vendor in whose words."""

    call_id: str
    name: str
    arguments: object
    vendor: Vendor
    threads: list[Future[Any]]


class ToolRunner:
    """Runs the tool calls of a turn side by side; every call gets a result, whatever happens.

    Takes the answer of a router, or calls as the vendors write them: `tool_use` blocks,
    `tool_calls` of Chat Completions, `function_call` items of Responses; as SDK objects as well.
    Each result is in the words of its call. Errors are told to the model, scrubbed and short.

    Args:
        tools: the tools; a `Vet`, or a guard around one.
        max_concurrency: calls at the same time.
        sequential: tools whose calls stand alone, such as those with effects; see `Parallel`.
        deadline: seconds for all calls of a turn.
        scrubber: cleans the errors of tools; None: they are told as they are.
        clock: monotonic seconds; `time.monotonic` when it is None.
        listener: told about each call that failed.
    """

    def __init__(
        self,
        tools: Tools,
        *,
        max_concurrency: int = 8,
        sequential: Collection[str] = (),
        deadline: float | None = None,
        scrubber: Scrubber | None = _SCRUBBER,
        clock: Callable[[], float] | None = None,
        listener: Listener | None = None,
    ) -> None:
        self._inner = Inner(tools)
        self._parallel = Parallel(
            max_concurrency, sequential=sequential, deadline=deadline, clock=clock
        )
        self._scrubber = scrubber
        self._listener = listener

    def run(self, calls: Completion | Iterable[Any]) -> list[Json]:
        """Return the results of the calls of a turn, in their order.

        Raises:
            TypeError: something is no tool call.
        """
        asked = _read(calls)
        outcomes = self._parallel.map(self._dispatch, asked, [call.name for call in asked])
        return [self._result(call, out) for call, out in zip(asked, outcomes, strict=True)]

    async def arun(self, calls: Completion | Iterable[Any]) -> list[Json]:
        """Return the results without blocking; sync tools run in threads.

        Raises:
            TypeError: something is no tool call.
        """
        asked = _read(calls)
        outcomes = await self._parallel.amap(self._adispatch, asked, [call.name for call in asked])
        return [self._result(call, out) for call, out in zip(asked, outcomes, strict=True)]

    def _dispatch(self, call: _Asked) -> Any:
        result = self._inner.tools.dispatch(call.name, call.arguments)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(f"the tool {call.name!r} is async: use arun")
        return result

    async def _adispatch(self, call: _Asked) -> Any:
        return await self._inner.run(call.name, call.arguments, call.threads)

    def _result(self, call: _Asked, outcome: Any) -> Json:
        if isinstance(outcome, ToolTimeout) and any(not t.done() for t in call.threads):
            told = outcome.tool, outcome.seconds
            outcome = ToolTimeout(*told, effect=outcome.effect, running=True)
        if isinstance(outcome, ArgError):
            self._tell(call, outcome)
            return outcome.tool_result(call.call_id, call.vendor)
        failed = isinstance(outcome, Exception)
        if failed:
            self._tell(call, outcome)
            content: Any = self._told(call, outcome)
        else:
            value, failed = unwrapped(outcome)
            content = _content(value, call.vendor)
        if call.vendor == "openai":
            return {"role": "tool", "tool_call_id": call.call_id, "content": content}
        if call.vendor == "openai_responses":
            return {"type": "function_call_output", "call_id": call.call_id, "output": content}
        made: Json = {"type": "tool_result", "tool_use_id": call.call_id, "content": content}
        return {**made, "is_error": True} if failed else made

    def _told(self, call: _Asked, error: Exception) -> str:
        if isinstance(error, GuardError):
            text = str(error)
        else:
            text = f"{shown(call.name)} failed: {type(error).__name__}: {error}"
        if self._scrubber is not None:
            text = self._scrubber.scrub_text(text)
        return text[:_LONGEST_ERROR]

    def _tell(self, call: _Asked, error: Exception) -> None:
        kind, tool = type(error).__name__, shown(call.name)
        emit(self._listener, "tool_failed", "runner", tool=tool, error=kind)


def _read(calls: Completion | Iterable[Any]) -> list[_Asked]:
    found = calls.tool_calls if isinstance(calls, Completion) else calls
    return [_call(item) for item in found]


def _call(item: Any) -> _Asked:
    call = as_mapping(item) or {}
    body = as_mapping(call.get("function"))
    kind = "openai" if body is not None else call.get("type")
    try:
        if kind == "tool_use":
            return _Asked(call["id"], call["name"], call.get("input"), "anthropic", [])
        if body is not None:
            return _Asked(call["id"], body["name"], body.get("arguments"), "openai", [])
        if kind == "function_call":
            told = call.get("arguments")
            return _Asked(call["call_id"], call["name"], told, "openai_responses", [])
    except KeyError as error:
        raise TypeError(f"a tool call of type {kind} has no {error}") from None
    raise TypeError(f"{type(item).__name__} is no tool call of any vendor")


def _content(result: Any, vendor: Vendor) -> Any:
    if isinstance(result, str):
        return result
    return blocks_for(vendor, result) if are_blocks(result) else as_text(result)
