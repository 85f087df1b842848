"""What the model says to a call: the behaviour is asked, for each choice that is wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chaoskit.asking import ask
from chaoskit.behaviour import Behaviour, Scene
from chaoskit.exchange import Call, Reply, Text
from chaoskit.seed import derive

__all__ = ["drawn", "several"]

_TRIES = 4  # a model that has few words says some of them twice


def _step(call: Call) -> int:
    """Return how often the model has spoken since the user's latest words."""
    step = 0
    for message in reversed(call.messages):
        if message.role == "assistant":
            step += 1
        elif message.role == "user":
            for part in message.content:
                if isinstance(part, Text):
                    return step
    return step


def drawn(behaviour: Behaviour, call: Call, *, seed: int, user: str, turn: int) -> Reply:
    """Return the answer of a behaviour, or as many as the call wants.

    Raises:
        UsageError: the behaviour failed, or answered something else, and is not chaoskit's own.
    """
    step = _step(call)

    def draw(choice: int) -> Reply:
        extra = (choice,) if choice else ()
        scene = Scene(
            rng=lambda: derive(seed, "scene", user, turn, step, *extra),
            user=user,
            turn=turn,
            step=step,
        )
        reply: Reply = ask(behaviour, "reply", call, scene)
        return reply

    wanted = call.options.get("n")
    return several(draw, wanted) if isinstance(wanted, int) else draw(0)


def several(draw: Callable[[int], Reply], wanted: int) -> Reply:
    """Return the first answer with the others, which differ as far as the model can differ.

    Args:
        draw: returns the answer that belongs to a number; 0 is that of a single answer.
    """
    found = [draw(0)]
    for choice in range(1, wanted):
        for attempt in range(_TRIES):
            one = draw(choice + attempt * wanted)
            if one not in found:
                break
        found.append(one)
    return replace(found[0], others=tuple(found[1:]))
