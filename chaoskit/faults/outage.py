"""The provider is down, in every way there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings
from chaoskit.steps import Refuse, Step, Wait

__all__ = ["Outage"]

Kind: TypeAlias = Literal[
    "overloaded", "unavailable", "server_error", "bad_gateway", "connect_error", "hang"
]


_EVERY_KIND: dict[Kind, float] = {
    "overloaded": 3.0,
    "unavailable": 3.0,
    "server_error": 1.0,
    "bad_gateway": 1.0,
    "connect_error": 1.0,
    "hang": 1.0,
}


def _weighted(value: object) -> object:
    return dict.fromkeys(value, 1.0) if isinstance(value, (list, tuple)) else value


Weights: TypeAlias = Annotated[
    dict[Kind, Annotated[float, Field(gt=0)]],
    Field(min_length=1),
    BeforeValidator(
        _weighted,
        json_schema_input_type=Annotated[list[Kind], Field(min_length=1)]
        | Annotated[dict[Kind, Annotated[float, Field(gt=0)]], Field(min_length=1)],
    ),
]


@settings
class Outage:
    """The provider is down; each call meets one of several kinds of down, drawn by weight."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "outage"
    when = { for = "45m" }
    kinds = ["overloaded", "hang"]
    retry_after = "10s"

    [[faults]]
    fault = "outage"
    when = { from = "50m", for = "5m" }
    kinds = { connect_error = 3, bad_gateway = 1 }
    optional = true
    """

    kinds: Weights = field(default_factory=lambda: dict(_EVERY_KIND))
    """Kinds of down: a list, or a table of kind and weight."""

    retry_after: Duration | None = None
    """How long clients are asked to wait by the kinds that say anything."""

    def admit(
        self,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,
    ) -> Refusal | tuple[Step, ...]:
        """Refuse the call in one of the ways."""
        (kind,) = strike.rng.choices(list(self.kinds), list(self.kinds.values()))
        return _DOWN[kind](self.retry_after)


_DOWN: dict[Kind, Callable[[float | None], Refusal | tuple[Step, ...]]] = {
    "overloaded": lambda wait: Refusal(kind="overloaded", retry_after=wait),
    "unavailable": lambda wait: Refusal(kind="unavailable", retry_after=wait),
    "server_error": lambda wait: Refusal(kind="server_error", retry_after=wait),
    "bad_gateway": lambda wait: Refusal(kind="bad_gateway", retry_after=wait),
    "connect_error": lambda _: (Refuse(),),
    "hang": lambda _: (Wait(float("inf")),),
}
