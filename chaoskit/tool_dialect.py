"""What a wire protocol by which tools are reached is: requests in, the steps of answers out.

It knows of no fault and of no tool. `ToolServer` asks it for every request, in this order:

    decode    bytes          -> Asked             what is wanted; what is wrong with it
    frames    Asked, Answer  -> frames            the messages of the answer
    steps     frames, time   -> timed steps       their bytes, and when they come
    refuse    Refusal        -> steps             an answer of what stands before the tools

All are pure: what is to be kept between requests goes to the shelf of the desk.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeAlias, runtime_checkable

from chaoskit.dialect import Shelf
from chaoskit.exchange import HttpRequest, Refusal
from chaoskit.fault import FrameMaker, Offered, Result
from chaoskit.match import ToolOperation
from chaoskit.mcp import McpSettings
from chaoskit.player import Passed
from chaoskit.route import Route
from chaoskit.steps import Frame, Step

__all__ = [
    "Answer",
    "Asked",
    "ByStatus",
    "Desk",
    "InLines",
    "Ran",
    "Relayed",
    "Site",
    "ToolDialect",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One decoded request to a tool server.

    Attributes:
        tool: the tool to run; empty for other operations.
        key: the idempotency key that comes beside the arguments.
        real: a real host is to carry it out.
        refusal: with what a production server answers instead, since the request is wrong.
        notes: what is left of the request, for the dialect that decoded it only.
    """

    dialect: str
    operation: ToolOperation
    tool: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    key: str | None = None
    real: bool = False
    refusal: Refusal | None = None
    notes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a tool server stands, and what it has.

    Attributes:
        hosts: those of the agent's MCP servers.
        tools: the declared tools, as they are where nothing is wrong.
        wanted: there are tools to serve; where not, only declared hosts are answered.
        own: it listens itself, so that requests are for it whatever host they name.
        spared: hosts that the agent may reach for real.
    """

    tools: tuple[Offered, ...] = ()
    hosts: tuple[str, ...] = ()
    wanted: bool = True
    own: bool = False
    spared: tuple[str, ...] = ()

    @cached_property
    def routes(self) -> tuple[tuple[Offered, Route], ...]:
        """The tools that stand in an API, those with fewer places in their paths first."""
        found = [(tool, tool.route) for tool in self.tools if tool.route is not None]
        return tuple(sorted(found, key=lambda pair: len(pair[1].names)))

    @cached_property
    def real(self) -> frozenset[str]:
        """The hosts that answer for themselves what is not for a tool."""
        passing = (route.host for tool, route in self.routes if tool.real)
        return frozenset([*passing, *self.spared])

    @cached_property
    def closed(self) -> frozenset[str]:
        """The hosts that are simulated, all of them."""
        return frozenset(route.host for _, route in self.routes) - self.real


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a dialect finds at hand when it answers.

    Attributes:
        ids: generator for ids of sessions and events.
        wall: unix seconds on the run's clock.
        shelf: what is kept between requests.
        settings: the `[mcp]` table of the scenario.
        site: where the server stands, and its tools.
    """

    ids: random.Random
    wall: float
    shelf: Shelf
    settings: McpSettings
    site: Site = field(default_factory=Site)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of a run, and the tool as it is offered."""

    tool: Offered
    result: Result


Answer: TypeAlias = Ran | tuple[Offered, ...] | None
"""What came of a run, the tools that are listed, or None where the dialect itself knows."""


class ToolDialect(Protocol):
    """One wire protocol of tools."""

    @property
    def name(self) -> str:
        """Name as it stands in journals and scenario files."""
        ...

    def claims(self, request: HttpRequest, site: Site) -> bool:
        """Tell whether the request is in this dialect, and for this server."""
        ...

    def decode(self, request: HttpRequest, desk: Desk) -> Asked:
        """Return what is asked; what no server could read is a refused `manage`."""
        ...

    def frames(self, asked: Asked, answer: Answer, desk: Desk) -> tuple[Frame, ...]:
        """Return the messages of the answer; none where it has no body."""
        ...

    def maker(self, asked: Asked) -> FrameMaker:
        """Return what makes frames for faults."""
        ...

    def steps(
        self, asked: Asked, frames: tuple[Frame, ...], seconds: float, desk: Desk
    ) -> tuple[Step, ...]:
        """Encode an answer.

        Args:
            seconds: when it comes; `float("inf")` for never.
        """
        ...

    def refuse(self, refusal: Refusal, asked: Asked, desk: Desk) -> tuple[Step, ...] | None:
        """Encode a refusal; None where it makes no sense for this request."""
        ...


@runtime_checkable
class ByStatus(ToolDialect, Protocol):
    """A dialect in which a tool that fails is a request that is refused."""

    def failure(self, ran: Ran) -> Refusal | None:
        """Return the refusal that tells of a failure; None where the tool did not fail."""
        ...


@runtime_checkable
class Relayed(ToolDialect, Protocol):
    """A dialect in which requests can go on to a real server."""

    def told(self, passed: Passed) -> Result:
        """Return what a tool gave back, by the answer of its real server."""
        ...

    def retold(self, result: Result, passed: Passed | None, desk: Desk) -> tuple[Step, ...]:
        """Encode a result that is not as the real server told it, or was never asked for."""
        ...


@runtime_checkable
class InLines(ToolDialect, Protocol):
    """A dialect that is spoken over standard streams, too.

    Notes of what it heard say the `id` of a request, and what a `cancel` `cancels`.
    """

    def heard(self, line: bytes, desk: Desk) -> Asked:
        """Return what a line asks."""
        ...
