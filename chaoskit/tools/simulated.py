"""One tool of the agent, simulated: it runs in place of the agent's function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from chaoskit.fault import Result, Run, ToolRequest
from chaoskit.tool import (
    SimulatedToolError,
    SimulatedToolTimeout,
    ToolHost,
    ToolSettings,
    as_text,
)
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
        self._signature = _declared(tool) if original is None else _signature(original)
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
        request, began, run = self._begin(args, kwargs)
        if self.tool.latency:
            self._host.sleep(self.tool.latency)
        original = self._really(run)
        if original is None:
            return self._give(self._simulated(request, began, run))
        try:
            with running_tool():
                value = original(*args, **kwargs)
                if not inspect.isawaitable(value):
                    for _ in range(run.times - 1):
                        value = original(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the agent's tool may raise anything
            return self._give(self._failed(request, began, run, error))
        if inspect.isawaitable(value):
            return self._finish(request, began, run, value, lambda: original(*args, **kwargs))
        return self._give(self._returned(request, began, run, value))

    async def awaited(self, *args: object, **kwargs: object) -> object:
        """Run as a coroutine function.

        Raises:
            SimulatedToolError: the scenario, or a fault, lets the tool fail.
            TypeError: the agent's function does not take these arguments.
        """
        request, began, run = self._begin(args, kwargs)
        if self.tool.latency:
            await self._host.pause(self.tool.latency)
        original = self._really(run)
        if original is None:
            return await self._give_later(self._simulated(request, began, run))
        try:
            with running_tool():
                running = original(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the agent's tool may raise anything
            return await self._give_later(self._failed(request, began, run, error))
        return await self._finish(request, began, run, running, lambda: original(*args, **kwargs))

    def respond(self, arguments: Mapping[str, object], *, key: str | None = None) -> Result:
        """Run for a client that reaches the tool over a wire; the waiting is the server's business.

        Rules that refuse a request before it reaches the tool are the server's business as well.

        Args:
            key: the idempotency key that came beside the arguments.
        """
        request = ToolRequest(tool=self.tool.name, arguments=dict(arguments), key=key)
        began = self._host.now()
        run = self._host.before(self.tool, request, admitted=True)
        result = self._simulated(request, began, run)
        return replace(result, seconds=self.tool.latency + result.seconds)

    def _begin(
        self, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> tuple[ToolRequest, float, Run]:
        request = ToolRequest(tool=self.tool.name, arguments=self._bound(args, kwargs))
        return request, self._host.now(), self._host.before(self.tool, request)

    def _really(self, run: Run) -> Callable[..., Any] | None:
        """Return the agent's own function where it is to run."""
        return self._original if self.tool.real and run.instead is None else None

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

    def _simulated(self, request: ToolRequest, began: float, run: Run) -> Result:
        result = run.instead
        if result is None:
            for _ in range(run.times):
                result = self._result(request, run)
            result = self._broken(run, result or Result())
        return self._after(request, began, run, result)

    def _result(self, request: ToolRequest, run: Run) -> Result:
        if self.tool.error is not None:
            return Result(error=self.tool.error)
        try:
            value = self._host.carry_out(self.tool, request, run)
        except SimulatedToolError as error:
            return Result(error=str(error), kind=error.kind)
        if not self._as_text or isinstance(value, str):
            return Result(value=value)
        return Result(value=as_text(value), raw=True)

    def _broken(self, run: Run, result: Result) -> Result:
        return result if run.breaks is None else Result(error=run.breaks)

    def _returned(self, request: ToolRequest, began: float, run: Run, value: object) -> Result:
        return self._after(request, began, run, self._broken(run, Result(value=value)))

    def _after(
        self,
        request: ToolRequest,
        began: float,
        run: Run,
        result: Result,
        *,
        raised: Exception | None = None,
    ) -> Result:
        seconds = self._host.now() - began
        given = self._host.after(
            self.tool, request, result, run=run, seconds=seconds, raised=raised is not None
        )
        if raised is not None and given is result:
            raise raised
        return given

    async def _finish(
        self,
        request: ToolRequest,
        began: float,
        run: Run,
        running: Awaitable[object],
        again: Callable[[], Awaitable[object]],
    ) -> object:
        try:
            with running_tool():
                value = await running
                for _ in range(run.times - 1):
                    value = await again()
        except Exception as error:  # noqa: BLE001 - the agent's tool may raise anything
            return await self._give_later(self._failed(request, began, run, error))
        return await self._give_later(self._returned(request, began, run, value))

    def _failed(self, request: ToolRequest, began: float, run: Run, error: Exception) -> Result:
        """Return what faults make of an exception of the agent's own function.

        Raises:
            Exception: that very one, where they leave it as it is.
        """
        result = Result(error=f"{type(error).__name__}: {error}")
        return self._after(request, began, run, result, raised=error)

    def _give(self, result: Result) -> object:
        if result.seconds:
            self._host.sleep(result.seconds)
        return _outcome(result)

    async def _give_later(self, result: Result) -> object:
        if result.seconds:
            await self._host.pause(result.seconds)
        return _outcome(result)


def _outcome(result: Result) -> object:
    if result.lost:
        raise SimulatedToolTimeout(result.error or "the tool did not answer in time")
    if result.error is not None:
        raise SimulatedToolError(result.error)
    return result.value


def _declared(tool: ToolSettings) -> inspect.Signature | None:
    """Return the signature of a function with the arguments of the tool, where it has any."""
    arguments = tool.schema.get("properties", {})
    required = tool.schema.get("required", ())
    if not arguments or not all(name.isidentifier() for name in arguments):
        return None
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if name in required else None,
            )
            for name in sorted(arguments, key=lambda name: name not in required)
        ]
    )


def _signature(original: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(original)
    except (TypeError, ValueError):  # a builtin without one
        return None
