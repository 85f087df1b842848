"""How pytest treats a scenario file that it collects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from chaoskit.settings import settings

__all__ = ["Collected", "Variant"]

Value: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One combination of a matrix.

    Attributes:
        label: what tells it from the others, for the name of the test; empty when it is alone.
        agent: place of the agent; empty for the one that is named elsewhere.
        keywords: what is passed to the agent besides the prompt.
    """

    label: str = ""
    seed: int | None = None
    agent: str = ""
    keywords: Mapping[str, Value] = field(default_factory=dict)


@settings
class Collected:
    """What only pytest asks of a scenario file; `chaoskit run` passes it by."""

    example: ClassVar[str] = """
    [pytest]
    skip = "not before the release"
    xfail = "we have no fallback yet"
    marks = ["nightly"]
    matrix = { seeds = [1, 2], model = ["claude-sonnet-4-6", "claude-haiku-4-5"] }
    """

    skip: str = ""
    """Why the test is skipped; empty to run it."""

    xfail: str = ""
    """Why the test is expected to fail; empty when it is not."""

    marks: tuple[str, ...] = ()
    """Names of further markers, for `-m`; they are registered where yours are."""

    matrix: dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """One test for each combination: `seeds` and `agents` (`module:callable`), or any keyword that
    the agent's function takes, such as `model = ["claude-sonnet-4-6", "gpt-5.4"]`."""

    def __post_init__(self) -> None:
        if not all(isinstance(seed, int) for seed in self.matrix.get("seeds", ())):
            raise ValueError("`seeds` are whole numbers")
        if not all(isinstance(agent, str) for agent in self.matrix.get("agents", ())):
            raise ValueError("`agents` are texts, `module:callable`")

    def variants(self) -> Iterator[Variant]:
        """Yield the combinations, the last axis varying fastest."""
        for values in product(*self.matrix.values()):
            chosen = dict(zip(self.matrix, values, strict=True))
            label = "-".join(
                f"seed{value}" if axis == "seeds" else str(value) for axis, value in chosen.items()
            )
            seed, agent = chosen.pop("seeds", None), chosen.pop("agents", "")
            yield Variant(
                label=label,
                seed=None if seed is None else int(seed),
                agent=str(agent),
                keywords=chosen,
            )
