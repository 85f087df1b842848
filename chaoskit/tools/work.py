"""What a simulated tool does to its world, step by step, and what it returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from chaoskit.effect import Effect
from chaoskit.errors import UsageError
from chaoskit.tools.view import RecordsView

__all__ = ["work"]


def work(
    steps: Sequence[Effect],
    arguments: Mapping[str, object],
    view: RecordsView,
    *,
    aside: str = "",
    share: float = 1.0,
) -> object:
    """Carry out the steps of a tool and return what the last one brought.

    Args:
        aside: the argument that is no field of a record, such as an idempotency key.
        share: the part of the changes that is made: of several steps that write, the first ones;
            of a single one, the first of its fields.

    Raises:
        RecordError: the records do not allow it; earlier steps have happened.
        UsageError: a step is about records, or an argument, that there are not.
    """
    rest = {name: value for name, value in arguments.items() if name != aside}
    writing = sum(step.writes for step in steps)
    kept = math.floor(share * writing) if writing > 1 else math.ceil(share * writing)
    value: object = None
    for step in steps:
        if step.writes:
            if not kept:
                return value
            kept -= 1
        value = _carried_out(step, rest, view, share if writing == 1 else 1.0)
    return value


def _carried_out(
    step: Effect, arguments: Mapping[str, object], view: RecordsView, share: float
) -> object:
    collection = step.collection
    if step.verb == "search":
        return _found(step, arguments, view)
    if step.verb == "create":
        given = {name: value for name, value in arguments.items() if value is not None}
        return view.create(collection, _part({**given, **step.fields(arguments)}, share))
    by = step.by or view.records.key_of(collection)
    if by not in arguments:
        raise UsageError(
            f"a step that should {step.verb} {collection} finds no argument {by!r}; name the "
            "argument that holds the record's key with `by`"
        )
    key = arguments[by]
    if step.verb == "read":
        return view.read(collection, key)
    if step.verb == "delete":
        return view.delete(collection, key)
    others = {name: value for name, value in arguments.items() if name != by}
    return view.update(collection, key, _part(step.fields(arguments) or others, share))


def _found(step: Effect, arguments: Mapping[str, object], view: RecordsView) -> object:
    known = [name for name in arguments if view.records.has(step.collection, name)]
    where = {name: arguments[name] for name in known}
    texts = [v for name, v in arguments.items() if name not in known and isinstance(v, str)]
    return view.search(step.collection, " ".join(texts), where=where, limit=step.limit)


def _part(fields: dict[str, object], share: float) -> dict[str, object]:
    """Return the first of the fields."""
    return dict(list(fields.items())[: math.ceil(share * len(fields))])
