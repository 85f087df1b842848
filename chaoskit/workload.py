"""Who asks what, and when."""

from __future__ import annotations

import random
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.settings import Duration, settings

__all__ = ["Workload"]


@settings
class Workload:
    """The users of a scenario. Each of them has one conversation with the agent."""

    example: ClassVar[str] = """
    [workload]
    users = 20
    arrive = "60s"
    prompt = "Why did deploy {turn} of {user} fail?"
    turns = 3
    every = "30s"
    # or
    [workload]
    prompts = ["Why did the last deploy fail?", "And the one before?"]
    turns = 2
    session = false
    # or
    [workload]
    users = 6
    sessions = 2
    prompt = "Where is order A-{user}?"
    """

    users: Annotated[int, Field(ge=1)] = 1
    """How many users there are; they are called `user-1`, `user-2`, …"""

    arrive: Duration = 0.0
    """Time over which the users arrive, evenly but not exactly so; 0 for all at once."""

    prompt: str | None = None
    """What every user asks in every turn. `{user}` and `{turn}` stand for name and number."""

    prompts: tuple[str, ...] = ()
    """What a user asks, one turn after the other and then again from the first."""

    turns: Annotated[int, Field(ge=1)] = 1
    """How many questions each user asks."""

    every: Duration = 0.0
    """Time between the beginnings of a user's turns; 0 to ask on as soon as answered."""

    session: bool = True
    """Whether the turns of a user are one conversation."""

    sessions: Annotated[int, Field(ge=1)] | None = None
    """How many session ids the users share, as where a cache, a cookie or a tenant mixes them up;
    each has one of its own unless set."""

    def __post_init__(self) -> None:
        if (self.prompt is None) == (not self.prompts):
            raise ValueError("write what is asked: either `prompt`, or a list of `prompts`")

    def names(self) -> tuple[str, ...]:
        """Return the names of the users, in order."""
        return tuple(f"user-{number}" for number in range(1, self.users + 1))

    def session_of(self, index: int) -> str:
        """Return the session id of a user, by the index among the names."""
        if self.sessions is None:
            return self.names()[index]
        return f"session-{index % self.sessions + 1}"

    def arrivals(self, rng: random.Random) -> tuple[float, ...]:
        """Return when each user arrives, in seconds: one in each of as many equal spans of time."""
        span = self.arrive / self.users
        return tuple((number + rng.random()) * span for number in range(self.users))

    def questions(self, user: str) -> tuple[str, ...]:
        """Return what a user asks, turn by turn."""
        texts = self.prompts or (self.prompt or "",)
        return tuple(
            texts[turn % len(texts)].replace("{user}", user).replace("{turn}", str(turn + 1))
            for turn in range(self.turns)
        )
