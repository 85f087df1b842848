"""One tool of the agent, simulated: it runs in place of the agent's function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from chaoskit.errors import ChaoskitError
from chaoskit.fault import Result, ToolRequest
from chaoskit.seed import derive
from chaoskit.tool import SimulatedToolError, ToolHost, ToolSettings, as_text
from chaoskit.tools.results import make
from chaoskit.who import running_tool

__all__ = ["SimulatedTool"]

_WHOLE = frozenset({"args", "arguments", "input", "kwargs", "params", "payload", "tool_input"})


class SimulatedTool:
    """Answers like the settings say; the run's host hears of every call and may change the answer.

    Args:
        original: the agent's own function, without any patch; None where there is none.
    """

    def __init__(
        self, tool: ToolSettings, host: ToolHost, original: Callable[..., Any] | None = None
    ) -> None:
        self.tool = tool
        self._host = host
        self._original = original
        self._signature = _signature(original)
        annotated = self._signature is not None and self._signature.return_annotation in (
            str,
            "str",
        )
        self._as_text = tool.returns == "text" or (tool.returns == "auto" and annotated)

    def __repr__(self) -> str:
        return f"<SimulatedTool {self.tool.name}>"

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run as a plain function.

        Raises:
            SimulatedToolError: the scenario, or a fault, lets the tool fail.
            TypeError: the agent's function does not take these arguments.
        """
        request, began = self._begin(args, kwargs)
        if self.tool.latency:
            self._host.sleep(self.tool.latency)
        if not self.tool.real or self._original is None:
            return self._end(request, began, self._result(request))
        try:
            with running_tool():
                value = self._original(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the agent's tool may raise anything
            return self._failed(request, began, error)
        if inspect.isawaitable(value):
            return self._finish(request, began, value)
        return self._end(request, began, Result(value=value))

    async def awaited(self, *args: object, **kwargs: object) -> object:
        """Run as a coroutine function.

        Raises:
            SimulatedToolError: the scenario, or a fault, lets the tool fail.
            TypeError: the agent's function does not take these arguments.
        """
        request, began = self._begin(args, kwargs)
        if self.tool.latency:
            await self._host.pause(self.tool.latency)
        if not self.tool.real or self._original is None:
            return self._end(request, began, self._result(request))
        try:
            with running_tool():
                running = self._original(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the agent's tool may raise anything
            return self._failed(request, began, error)
        return await self._finish(request, began, running)

    def respond(self, arguments: Mapping[str, object]) -> Result:
        """Run for a client that reaches the tool over a wire; the time is the server's business."""
        request = ToolRequest(tool=self.tool.name, arguments=dict(arguments))
        began = self._host.now()
        self._host.before(self.tool, request)
        return self._after(request, began, self._result(request))

    def _begin(
        self, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> tuple[ToolRequest, float]:
        request = ToolRequest(tool=self.tool.name, arguments=self._bound(args, kwargs))
        began = self._host.now()
        self._host.before(self.tool, request)
        return request, began

    def _bound(self, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
        """Return the arguments by name, as the agent's function would see them."""
        if self._signature is None:
            named: dict[str, object] = {f"arg{n}": value for n, value in enumerate(args, 1)}
            return {**named, **kwargs}
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.tool.name}() {error}") from None
        named = {}
        for index, (name, value) in enumerate(bound.arguments.items()):
            kind = self._signature.parameters[name].kind
            if index == 0 and name in ("self", "cls"):
                continue
            if kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            else:
                named[name] = list(value) if kind is inspect.Parameter.VAR_POSITIONAL else value
        if len(named) == 1 and not _WHOLE.isdisjoint(named):
            (only,) = named.values()
            if isinstance(only, Mapping):
                return {str(key): value for key, value in only.items()}
        return named

    def _result(self, request: ToolRequest) -> Result:
        if self.tool.error is not None:
            return Result(error=self.tool.error)
        rng = derive(self._host.seed, "tool", self.tool.name, as_text(request.arguments))
        try:
            value = make(self.tool.result, rng)
        except ChaoskitError as error:
            raise self._host.failed(error) from None
        return Result(value=as_text(value) if self._as_text else value)

    def _after(
        self, request: ToolRequest, began: float, result: Result, *, raised: bool = False
    ) -> Result:
        seconds = self._host.now() - began
        return self._host.after(self.tool, request, result, seconds=seconds, raised=raised)

    async def _finish(
        self, request: ToolRequest, began: float, running: Awaitable[object]
    ) -> object:
        try:
            with running_tool():
                value = await running
        except Exception as error:  # noqa: BLE001 - the agent's tool may raise anything
            return self._failed(request, began, error)
        return self._end(request, began, Result(value=value))

    def _end(self, request: ToolRequest, began: float, result: Result) -> object:
        return _outcome(self._after(request, began, result))

    def _failed(self, request: ToolRequest, began: float, error: Exception) -> object:
        result = Result(error=f"{type(error).__name__}: {error}")
        changed = self._after(request, began, result, raised=True)
        if changed is result:
            raise error
        return _outcome(changed)


def _outcome(result: Result) -> object:
    if result.error is not None:
        raise SimulatedToolError(result.error)
    return result.value


def _signature(original: Callable[..., Any] | None) -> inspect.Signature | None:
    if original is None:
        return None
    try:
        return inspect.signature(original)
    except (TypeError, ValueError):  # a builtin without one
        return None
