"""What the simulated model answers when nothing is broken.

A behaviour is a pure function of the conversation: it decides from the messages of the call and
from `scene.rng`, which depends on the user and on the step of the conversation only. A retried
request therefore gets the same answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from chaoskit.exchange import Call, Reply

__all__ = ["Behaviour", "Scene"]


class Scene:
    """The circumstances of one answer.

    Attributes:
        step: number of model turns since the last prompt of the user, from 0.

    Args:
        rng: the generator, or what makes it when it is first asked for.
    """

    __slots__ = ("_rng", "step", "turn", "user")

    def __init__(
        self, *, rng: random.Random | Callable[[], random.Random], user: str, turn: int, step: int
    ) -> None:
        self._rng = rng
        self.user = user
        self.turn = turn
        self.step = step

    def __repr__(self) -> str:
        return f"<Scene of {self.user!r}, turn {self.turn}, step {self.step}>"

    @property
    def rng(self) -> random.Random:
        """The generator that belongs to this user and this step of the conversation."""
        if not isinstance(self._rng, random.Random):
            self._rng = self._rng()
        return self._rng


@runtime_checkable
class Behaviour(Protocol):
    """Answers calls."""

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Return the answer; `usage` is filled in by the provider, tool call ids by the dialect.

        A tool call carries an empty `id`: the dialect gives it one in its own format.
        """
        ...
