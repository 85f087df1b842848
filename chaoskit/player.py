"""What a player is: it performs the timed steps of exchanges, reading the clock."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.quick import quick
from chaoskit.sockets import Socket
from chaoskit.steps import Step

__all__ = [
    "LARGEST",
    "Ending",
    "Exchange",
    "Host",
    "Passed",
    "Passing",
    "Roomy",
    "answering",
    "largest",
]

LARGEST = 32 * 1024 * 1024
"""Bytes that the body of a request may have where its host says nothing else."""

Ending: TypeAlias = Literal[
    "complete", "unfinished", "closed", "reset", "refused", "timeout", "abandoned"
]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request that is being answered.

    Attributes:
        call: its number in the run, from 1.
        began: seconds since the run began.
        whole: the answer is what the provider meant to send; False when a fault ended the stream
            of events before its terminator.
        error_frame: the stream reports an error after HTTP 200.
        socket: the provider accepts to go on as this WebSocket, and no step is to be performed.
        note: what its host wants to be reminded of when it has ended.
    """

    call: int
    user: str
    turn: int
    began: float
    steps: tuple[Step, ...]
    whole: bool = True
    error_frame: bool = False
    socket: Socket | None = None
    note: object = None


class Host(Protocol):
    """The world behind a player."""

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request is for the simulated provider."""
        ...

    def exchange(self, request: HttpRequest) -> Exchange:
        """Answer a request; nothing has been performed yet.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        ...

    def delivered(self, exchange: Exchange, how: Ending, *, sent_content: bool) -> None:
        """Take note of how an exchange ended for the client."""
        ...

    def blocked(self, host: str, caller: str) -> None:
        """Take note of an attempt to reach another host."""
        ...


@runtime_checkable
class Roomy(Protocol):
    """A host that takes larger bodies with some of its requests."""

    def largest(self, request: HttpRequest) -> int:
        """Return how many bytes the body of a request may have, of which the head is known."""
        ...


def largest(host: object, request: HttpRequest) -> int:
    """Return how many bytes the body of a request to any host may have, or to none."""
    return host.largest(request) if isinstance(host, Roomy) else LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The answer of a real host. `body` is that of the reply without its content-encoding."""

    reply: HttpReply
    body: bytes


@runtime_checkable
class Passing(Host, Protocol):
    """A host that lets some of its requests go on to the real one."""

    def passes(self, request: HttpRequest) -> bool:
        """Tell whether a request that it claims goes on to the real host."""
        ...

    def passing(self, request: HttpRequest) -> Generator[None, Passed, Exchange]:
        """Answer a request.

        Each time the real host is to be asked, whoever drives this sends its answer, or throws the
        exception that came instead.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        ...


def answering(host: Host, request: HttpRequest) -> Generator[None, Passed, Exchange]:
    """Answer a request by any host, for players that can ask real ones."""
    if isinstance(host, Passing):
        return (yield from host.passing(request))
    return host.exchange(request)
