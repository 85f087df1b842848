"""What a player is: it performs the timed steps of exchanges, reading the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from chaoskit.exchange import HttpRequest
from chaoskit.steps import Step

__all__ = ["Ending", "Exchange", "Host"]

Ending: TypeAlias = Literal[
    "complete", "unfinished", "closed", "reset", "refused", "timeout", "abandoned"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request that is being answered.

    Attributes:
        call: its number in the run, from 1.
        began: seconds since the run began.
        whole: the answer is what the provider meant to send; False when a fault ended the stream
            of events before its terminator.
        error_frame: the stream reports an error after HTTP 200.
        note: what its host wants to be reminded of when it has ended.
    """

    call: int
    user: str
    turn: int
    began: float
    steps: tuple[Step, ...]
    whole: bool = True
    error_frame: bool = False
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
