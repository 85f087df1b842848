"""What a scenario says of itself, what it asks of an agent, and what happens on its own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from chaoskit.settings import Duration, settings

__all__ = ["Happening", "Need", "Story"]

Need: TypeAlias = Literal[
    "tools", "tool_functions", "tool_server", "effects", "history", "startup", "cacheable_prompt"
]


@settings
class Story:
    """What a scenario says of itself."""

    example: ClassVar[str] = """
    title = "Rate limits at 6pm"
    day = 2
    story = "Twenty users arrive within a minute. The limit is 50 requests a minute."
    needs = ["tools", "history"]
    """

    title: str
    """A few words for the scorecard."""

    day: Annotated[int, Field(ge=0)] = 0
    """Day of the week it belongs to, 1 to 7; 8 and more for what follows; 0 for none."""

    story: str = ""
    """What happens, and what it teaches."""

    needs: tuple[Need, ...] = ()
    """What the agent must have for the scenario to say anything about it."""


@settings
class Happening:
    """Something that happens to the agent's world at a set time."""

    example: ClassVar[str] = """
    [[events]]
    at = "10m"
    do = "deploy"
    """

    at: Duration
    """When, counted from the beginning of the run."""

    do: Literal["deploy"]
    """`deploy`: new instances of the agent start, and the provider's prompt caches are empty."""
