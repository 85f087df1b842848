"""What a simulated tool does to the records of its world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from chaoskit.settings import Duration, settings

__all__ = ["Effect", "Limit", "Verb"]

Verb: TypeAlias = Literal["create", "read", "update", "delete", "search"]
_VERBS: tuple[Verb, ...] = ("create", "read", "update", "delete", "search")
_BY_KEY = ("read", "update", "delete")


@settings
class Effect:
    """One step of what a tool does to the records of its world: exactly one of the verbs.

    `{name}` in `set` stands for the argument of that name.
    """

    example: ClassVar[str] = """
    [records.orders]
    rows = [{ id = "A-1", status = "paid" }]

    [records.refunds]

    [[tools]]
    name = "find_orders"
    input = { text = "string", status = "string?" }
    does = { search = "orders", limit = 5 }

    [[tools]]
    name = "refund_order"
    input = { order_id = "string", amount = "number" }
    does = [
        { update = "orders", by = "order_id", set = { status = "refunded" } },
        { create = "refunds", set = { note = "refund of {order_id}" } },
    ]

    [[tools]]
    name = "order_status"
    input = { order_id = "string" }
    does = { read = "orders", by = "order_id" }

    [[tools]]
    name = "forget_order"
    input = { order_id = "string" }
    does = { delete = "orders", by = "order_id" }
    """

    create: str = ""
    """Adds a record to this collection: the arguments, and what `set` says."""

    read: str = ""
    """Returns the record of this collection that `by` names."""

    update: str = ""
    """Changes the record that `by` names: to what `set` says, or else to the other arguments."""

    delete: str = ""
    """Removes the record that `by` names."""

    search: str = ""
    """Returns the records whose fields equal the arguments of their names; other texts among the
    arguments are words to look for."""

    by: str = ""
    """The argument that holds the record's key; without it the one that is called like the key."""

    set_: Annotated[dict[str, Any], Field(alias="set")] = Field(default_factory=dict)
    """Fields and their values. A value that is exactly `{name}` keeps the argument's type."""

    limit: Annotated[int, Field(ge=1)] = 20
    """How many records a search returns at most."""

    def __post_init__(self) -> None:
        named = [verb for verb in _VERBS if getattr(self, verb)]
        if len(named) != 1:
            raise ValueError(f"write one of {', '.join(_VERBS)} with the name of the records")
        if self.by and named[0] not in _BY_KEY:
            raise ValueError(f"`by` is for {', '.join(_BY_KEY)}; {named[0]} needs no key")
        if self.set_ and named[0] not in ("create", "update"):
            raise ValueError(f"`set` is for create and update; {named[0]} sets nothing")

    @property
    def verb(self) -> Verb:
        """Which of the verbs it is."""
        return next(verb for verb in _VERBS if getattr(self, verb))

    @property
    def collection(self) -> str:
        """The records that it is about."""
        return str(getattr(self, self.verb))

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.verb in ("create", "update", "delete")

    def fields(self, arguments: Mapping[str, object]) -> dict[str, object]:
        """Return the values to set, with the arguments in their places."""
        return {name: _filled(value, arguments) for name, value in self.set_.items()}


@settings
class Limit:
    """How often a tool may be called, by all users together."""

    example: ClassVar[str] = """
    [[tools]]
    name = "search_logs"
    limit = { calls = 10, per = "60s" }
    """

    calls: Annotated[int, Field(ge=1)]
    """So many calls."""

    per: Duration = 60.0
    """In any span of this length."""


def _filled(value: object, arguments: Mapping[str, object]) -> object:
    if isinstance(value, dict):
        return {name: _filled(inner, arguments) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, arguments) for inner in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    for name, argument in arguments.items():
        if value == f"{{{name}}}":
            return argument
        value = value.replace(f"{{{name}}}", str(argument))
    return value
