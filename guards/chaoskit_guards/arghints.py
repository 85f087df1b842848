"""Type hints compiled to checks."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import re
import types
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from chaoskit_guards.argchoices import AnyOf
from chaoskit_guards.argcontainers import NO_DEFAULT, Field, ListOf, Record, TupleOf
from chaoskit_guards.argnodes import (
    Anything,
    Boolean,
    Choice,
    Converted,
    Node,
    Null,
    Number,
    Problems,
    Repairs,
    Text,
    child,
    nearest,
)
from chaoskit_guards.errors import ArgProblem

__all__ = ["Arg", "Hints"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arg:
    """Bounds and description of an argument: `limit: Annotated[int, Arg(ge=1, le=50)]`.

    Objects with the same attributes, such as those of annotated-types and pydantic's Field, are
    understood as well, and a plain string is a description.
    """

    description: str = ""
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


_BOUNDS = ("ge", "gt", "le", "lt", "multiple_of")
_LENGTHS = ("min_length", "max_length")
_LISTS: dict[Any, Any] = {
    list: None,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: None,
    collections.abc.Iterable: None,
    collections.abc.Collection: None,
    collections.abc.MutableSequence: None,
    collections.abc.Set: frozenset,
}
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def _text(kind: str) -> dict[str, Any]:
    return {"type": "string", "format": kind}


_CONVERTED: dict[Any, tuple[Any, str, dict[str, Any]]] = {
    dt.datetime: (
        dt.datetime.fromisoformat,
        "a date and time such as '2026-11-22T07:00:00Z'",
        _text("date-time"),
    ),
    dt.date: (
        dt.date.fromisoformat,
        "a date such as '2026-11-22'",
        _text("date"),
    ),
    dt.time: (dt.time.fromisoformat, "a time such as '07:00'", _text("time")),
    decimal.Decimal: (decimal.Decimal, "a decimal number as a string", {"type": "string"}),
    pathlib.Path: (pathlib.Path, "a path", {"type": "string"}),
    uuid.UUID: (uuid.UUID, "a UUID", _text("uuid")),
}


class Hints:
    """Compiles the type hints of one declaration; classes that contain themselves are fine."""

    def __init__(self, spec: type) -> None:
        self._spec = spec
        self._known: dict[type, Record] = {}

    def node(self, hint: Any, bounds: Mapping[str, Any] | None = None) -> Node:
        """Return the check of a hint.

        Raises:
            TypeError: there is no such check; said when the tool is declared.
        """
        bounds = bounds or {}
        origin = get_origin(hint)
        if origin is not None:
            return self._generic(hint, origin, get_args(hint), bounds)
        if hint is str:
            return Text(**_only(bounds, (*_LENGTHS, "pattern")))
        if hint is bool:
            return Boolean()
        if hint is int or hint is float:
            return Number(integer=hint is int, **_only(bounds, _BOUNDS))
        if hint is None or hint is type(None):
            return Null()
        if hint is Any or hint is object or isinstance(hint, typing.TypeVar):
            return Anything()
        if hint in _LISTS or hint is tuple:
            build = tuple if hint is tuple else _LISTS[hint]
            return ListOf(Anything(), build=build, **_only(bounds, _LENGTHS))
        if hint in _MAPPINGS:
            return Record(extra=Anything(), **_only(bounds, _LENGTHS))
        if hint in _CONVERTED:
            return Converted(*_CONVERTED[hint])
        if isinstance(hint, typing.NewType):
            return self.node(hint.__supertype__, bounds)
        if hasattr(hint, "__value__"):  # `type X = …`
            return self.node(hint.__value__, bounds)
        if isinstance(hint, type):
            return self._class(hint)
        raise TypeError(f"no check for the annotation {hint!r}")

    def record(self, kind: type) -> Record:
        """Return the check of a class with annotations: spec, dataclass, TypedDict.

        Raises:
            TypeError: it is no such class, or an annotation cannot be checked.
        """
        if kind in self._known:
            return self._known[kind]
        record = self._known[kind] = Record(name=kind.__name__)
        for name, hint in self.annotations(kind).items():
            record.fields[name] = self.field(name, hint, **self._default(kind, name, hint))
        if not typing.is_typeddict(kind):
            record.kind = kind
            record.build = getattr(kind, "_unchecked", kind)
        return record

    def field(
        self,
        name: str,
        hint: Any,
        *,
        default: Any = NO_DEFAULT,
        factory: Any = None,
        required: bool | None = None,
    ) -> Field:
        """Return one member; it is required where it has no default."""
        description, _ = _metadata(hint)
        if required is None:
            required = default is NO_DEFAULT and factory is None
        return Field(
            name,
            self.node(hint),
            required=required,
            default=default,
            factory=factory,
            description=description,
        )

    def annotations(self, kind: Any) -> dict[str, Any]:
        """Return the hints of a class or function, strings resolved.

        Raises:
            TypeError: a string names something that cannot be found from here.
        """
        try:
            hints = get_type_hints(kind, include_extras=True)
        except NameError as error:
            raise TypeError(
                f"{kind.__qualname__}: the annotation names {error.name!r}, which cannot be found "
                "in its module; define it there, before the tool"
            ) from error
        return {
            name: hint
            for name, hint in hints.items()
            if not name.startswith("_") and get_origin(hint) is not typing.ClassVar
        }

    def _default(self, kind: type, name: str, hint: Any) -> dict[str, Any]:
        if dataclasses.is_dataclass(kind):
            field = next(f for f in dataclasses.fields(kind) if f.name == name)
            missing = dataclasses.MISSING
            return {
                "default": NO_DEFAULT if field.default is missing else field.default,
                "factory": None if field.default_factory is missing else field.default_factory,
            }
        if typing.is_typeddict(kind):
            origin = get_origin(hint)
            if origin in (typing.Required, typing.NotRequired):
                return {"required": origin is typing.Required}
            return {"required": name in getattr(kind, "__required_keys__", ())}
        return {"default": getattr(kind, name, NO_DEFAULT)}

    def _generic(
        self, hint: Any, origin: Any, args: tuple[Any, ...], bounds: Mapping[str, Any]
    ) -> Node:
        if origin is Annotated:
            _, found = _metadata(hint)
            return self.node(args[0], {**bounds, **found})
        if origin in (typing.Required, typing.NotRequired):
            return self.node(args[0], bounds)
        if origin is Literal:
            return Choice(args)
        if origin is Union or origin is types.UnionType:
            return AnyOf([self.node(arg, bounds) for arg in args])
        if origin in _LISTS:
            return ListOf(
                self.node(args[0]),
                build=_LISTS[origin],
                unique=origin in (set, frozenset, collections.abc.Set),
                **_only(bounds, _LENGTHS),
            )
        if origin is tuple:
            if len(args) == 2 and args[1] is ...:
                return ListOf(self.node(args[0]), build=tuple, **_only(bounds, _LENGTHS))
            return TupleOf([self.node(arg) for arg in args])
        if origin in _MAPPINGS:
            if args[0] not in (str, Any):
                raise TypeError(f"the names of a JSON object are strings, not {args[0]!r}")
            return Record(extra=self.node(args[1]), **_only(bounds, _LENGTHS))
        raise TypeError(f"no check for the annotation {hint!r}")

    def _class(self, kind: type) -> Node:
        if issubclass(kind, enum.Enum):
            return Choice([member.value for member in kind], list(kind))
        if hasattr(kind, "model_validate_json") and hasattr(kind, "model_json_schema"):
            return Model(kind)
        if (
            issubclass(kind, self._spec)
            or dataclasses.is_dataclass(kind)
            or typing.is_typeddict(kind)
        ):
            return self.record(kind)
        raise TypeError(f"no check for the annotation {kind.__qualname__}")


def _only(bounds: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: bounds[name] for name in names if name in bounds}


def _metadata(hint: Any) -> tuple[str, dict[str, Any]]:
    """Return description and bounds of an Annotated hint, by the names of their attributes."""
    description, bounds = "", dict[str, Any]()
    todo = list(get_args(hint)[1:]) if get_origin(hint) is Annotated else []
    for item in todo:
        if isinstance(item, str):
            description = item
            continue
        description = getattr(item, "description", None) or description
        for name in (*_BOUNDS, *_LENGTHS, "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                bounds[name] = value.pattern if isinstance(value, re.Pattern) else value
        todo += [part for part in getattr(item, "metadata", ()) if part is not item]
    return description, bounds


class Model:
    """Admits what a pydantic model admits, strictly, and refuses the names it would drop."""

    admits_text = False
    admits_null = False
    expects = "an object"

    def __init__(self, model: Any) -> None:
        self.model = model
        names = {*model.model_fields}
        names |= {f.alias for f in model.model_fields.values() if f.alias}
        self.names = sorted(names)
        self._open = model.model_config.get("extra") == "allow"

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit what the model admits."""
        if not isinstance(value, Mapping):
            problems.append(ArgProblem(pointer=pointer, message="must be an object"))
            return value
        before = len(problems)
        if not self._open:
            problems += [
                ArgProblem(
                    pointer=child(pointer, name), message=f"is unknown{nearest(name, self.names)}"
                )
                for name in value
                if name not in self.names
            ]
        try:
            made = self.model.model_validate_json(json.dumps(value), strict=True)
        except (TypeError, ValueError) as error:
            told = getattr(error, "errors", None)
            if told is None:
                problems.append(ArgProblem(pointer=pointer, message="is no JSON object"))
                return value
            for one in told(include_url=False, include_context=False, include_input=False):
                place = pointer + "".join(child("", part) for part in one["loc"])
                if one["type"] == "extra_forbidden":
                    continue
                # A validator of the user's own may quote the value; pydantic's own texts do not.
                own = one["type"] in ("value_error", "assertion_error")
                problems.append(
                    ArgProblem(pointer=place, message="is not valid" if own else one["msg"][:200])
                )
            return value
        return value if len(problems) > before else made

    def schema(self) -> dict[str, Any]:
        """Return the model's own schema."""
        made: dict[str, Any] = self.model.model_json_schema()
        return made
