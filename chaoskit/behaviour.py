"""What the simulated model answers when nothing is broken.

A behaviour is a pure function of the conversation: it decides from the messages of the call and
from `scene.rng`, which depends on the user and on the step of the conversation only. A retried
request therefore gets the same answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from chaoskit.exchange import Call, Reply

__all__ = ["Behaviour", "Scene"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The circumstances of one answer.

    Attributes:
        rng: generator that belongs to this user and this step of the conversation.
        step: number of model turns since the last prompt of the user, from 0.
    """

    rng: random.Random
    user: str
    turn: int
    step: int


@runtime_checkable
class Behaviour(Protocol):
    """Answers calls."""

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Return the answer; `usage` is filled in by the provider, tool call ids by the dialect.

        A tool call carries an empty `id`: the dialect gives it one in its own format.
        """
        ...
