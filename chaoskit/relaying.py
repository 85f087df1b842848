"""A tool whose real host carries it out: what faults make of the request and of its answer."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from chaoskit.fault import Result, ToolRequest
from chaoskit.player import Passed
from chaoskit.tool import ToolHost, ToolSettings
from chaoskit.tool_dialect import Asked, Relayed
from chaoskit.who import over_a_wire

__all__ = ["Outcome", "relayed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a tool.

    Attributes:
        passed: the last answer of the real host; None where it gave none.
        same: that answer is what the caller gets, maybe later.
    """

    result: Result
    passed: Passed | None
    same: bool


def relayed(
    asked: Asked, tool: ToolSettings, dialect: Relayed, host: ToolHost
) -> Generator[None, Passed, Outcome]:
    """Let faults strike a tool that a real host carries out.

    Each time that one is to be asked, whoever drives this sends its answer, or throws the exception
    that came instead; a fault may put a result in its place.
    """
    request = ToolRequest(tool=tool.name, arguments=dict(asked.arguments), key=asked.key)
    began = host.now()
    with over_a_wire(asked.dialect):
        run = host.before(tool, request, admitted=True)
    passed: Passed | None = None
    told: Result | None = None
    raised: Exception | None = None
    if run.instead is None:
        try:
            for _ in range(run.times):
                passed = yield
        except Exception as error:  # noqa: BLE001 - a transport may raise anything
            raised = error
        else:
            told = None if passed is None else dialect.told(passed)
    result = run.instead or told or Result(error=f"{type(raised).__name__}: {raised}")
    if run.breaks is not None:
        result, raised = Result(error=run.breaks), None
    with over_a_wire(asked.dialect):
        given = host.after(
            tool, request, result, run=run, seconds=host.now() - began, raised=raised is not None
        )
    if raised is not None and given is result:
        raise raised
    return Outcome(result=given, passed=passed, same=told is not None and _same(given, told))


def _same(result: Result, told: Result) -> bool:
    return not result.lost and result.value is told.value and result.error == told.error
