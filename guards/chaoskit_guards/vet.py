"""Check what a model passes to a tool before the tool runs.

What is wrong is told to the model in one message: every problem with its place, what was expected,
the nearest known name, and never the value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from typing import Any, Literal, ParamSpec, Protocol, Self, TypeVar, cast

from chaoskit_guards.argcontainers import Field, Record
from chaoskit_guards.arghints import Arg, Hints, Model
from chaoskit_guards.argjson import Ambiguous, loads
from chaoskit_guards.argnodes import Repaired, kind_of, nearest
from chaoskit_guards.argschema import compile_schema
from chaoskit_guards.errors import ArgError, ArgProblem
from chaoskit_guards.events import Listener, emit

__all__ = ["Arg", "ArgError", "ArgSpec", "GuardedTool", "Vendor", "Vet"]

P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

Json = dict[str, Any]
Vendor = Literal["anthropic", "openai", "openai_responses"]
"""Whose form a tool declaration has."""


class ArgSpec:
    """Base of classes whose annotations declare the arguments of a tool.

    A name with a value is optional; the value is its default. Where a spec is nested in another
    one, the tool gets an object of it. Constructing one checks as well.

    Raises:
        ArgError: the values break the declaration.
    """

    def __init__(self, **values: Any) -> None:
        record = _record_of(type(self))
        problems: list[ArgProblem] = []
        made = record.members(values, "", problems, None)
        if problems:
            raise ArgError(type(self).__name__, tuple(problems))
        self.__dict__.update(made)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({values})"

    @classmethod
    def _unchecked(cls, **values: Any) -> Self:
        made = cls.__new__(cls)
        made.__dict__.update(values)
        return made

    @classmethod
    def schema(cls) -> Json:
        """Return the JSON Schema of the arguments."""
        return _record_of(cls).schema()


def _record_of(spec: type) -> Record:
    record: Record | None = spec.__dict__.get("__chaoskit_guards_record__")
    if record is None:
        record = Hints(ArgSpec).record(spec)
        type.__setattr__(spec, "__chaoskit_guards_record__", record)
    return record


class GuardedTool(Protocol[P, T_co]):
    """A tool whose arguments are checked before it runs."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Check and run.

        Raises:
            ArgError: the arguments break the declaration; the tool did not run.
        """

    def from_model(self, arguments: object) -> T_co:
        """Check and run with what the model wrote: an object, or JSON text.

        Raises:
            ArgError: it is no JSON object, or breaks the declaration; the tool did not run.
        """

    def schema(self, vendor: Vendor = "anthropic") -> Json:
        """Return the declaration to offer to the model."""


class Vet:
    """Guards tools, and remembers them by name.

    Args:
        unknown: `refuse` names that are not declared, or `drop` them.
        null: `refuse` null where it is not declared, or take it as `absent` for an argument that
            may be absent, since models write it where they mean the default.
        repair: make what only has the wrong wrapping right, without loss: a list or object that
            came as JSON text (never where a string is admitted), and null as under `absent`.
        listener: told about every refusal and every repair, with places only.
    """

    def __init__(
        self,
        *,
        unknown: Literal["refuse", "drop"] = "refuse",
        null: Literal["refuse", "absent"] = "refuse",
        repair: bool = False,
        listener: Listener | None = None,
    ) -> None:
        self._unknown = unknown
        self._nulls = repair or null == "absent"
        self._repair = repair
        self._listener = listener
        self._tools: dict[str, GuardedTool[..., Any]] = {}

    def guard(
        self,
        schema: Any = None,
        *,
        name: str | None = None,
        description: str | None = None,
    ) -> Callable[[Callable[P, T]], GuardedTool[P, T]]:
        """Decorate a tool.

        `schema` is an `ArgSpec`, a dataclass, a TypedDict, a pydantic model or a JSON Schema; by
        default the function's own annotations. Sync functions stay sync, async ones async.

        Raises:
            TypeError: the schema cannot be checked, or does not fit the function.
        """

        def decorate(function: Callable[P, T]) -> GuardedTool[P, T]:
            tool = str(name or getattr(function, "__name__", type(function).__name__))
            told = description if description is not None else inspect.getdoc(function) or ""
            check = _Check(tool, _compiled(schema, function), function, self)
            declared = schema if isinstance(schema, Mapping) else None
            guarded = _wrapped(function, check, told, declared)
            self._tools[tool] = guarded
            return cast("GuardedTool[P, T]", guarded)

        return decorate

    def dispatch(self, name: str, arguments: object) -> Any:
        """Run a guarded tool by name with what the model wrote.

        Raises:
            ArgError: there is no such tool, or the arguments are wrong.
        """
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            problem = f"there is no such tool{nearest(name, list(self._tools))} (tools: {known})"
            raise ArgError(str(name)[:64], (ArgProblem(pointer="", message=problem),))
        return tool.from_model(arguments)

    def schemas(self, vendor: Vendor = "anthropic") -> list[Json]:
        """Return the declarations of all guarded tools."""
        return [tool.schema(vendor) for tool in self._tools.values()]

    @property
    def strict(self) -> bool:
        """Whether nothing is repaired."""
        return not self._nulls

    def admit(self, tool: str, record: Record | Model, given: Any) -> Json:
        """Return the arguments to run a tool with.

        Raises:
            ArgError: they break the declaration.
        """
        problems: list[ArgProblem] = []
        repairs = Repaired(unwraps=self._repair) if self._nulls else None
        if self._unknown == "drop" and isinstance(given, Mapping):
            known = record.fields if isinstance(record, Record) else record.names
            if isinstance(record, Model) or record.extra is None:
                given = {key: value for key, value in given.items() if key in known}
        try:
            if isinstance(record, Record):
                made = record.members(given, "", problems, repairs)
            else:
                model = record.check(given, "", problems, repairs)
                names = () if problems else record.model.model_fields
                made = {name: getattr(model, name) for name in names}
        except RecursionError:
            problems = [ArgProblem(pointer="", message="is nested too deeply")]
            made = {}
        if problems:
            if self._listener is not None:
                self._tell("refused", tool, [p.pointer for p in problems])
            raise ArgError(tool, tuple(problems))
        if repairs:
            self._tell("repaired", tool, repairs)
        return made

    def _tell(self, kind: str, tool: str, places: list[str]) -> None:
        emit(self._listener, kind, "vet", tool=tool, places=tuple(places))


def _compiled(schema: Any, function: Callable[..., Any]) -> Record | Model:
    if schema is None:
        return _from_signature(function)
    if isinstance(schema, Mapping):
        return compile_schema(schema)
    if isinstance(schema, type):
        if issubclass(schema, ArgSpec):
            return _record_of(schema)
        node = Hints(ArgSpec).node(schema)
        if isinstance(node, Record | Model):
            return node
    raise TypeError(f"{schema!r} does not declare arguments")


def _from_signature(function: Callable[..., Any]) -> Record:
    hints, parameters = Hints(ArgSpec), _parameters(function)
    while isinstance(function, partial):
        function = function.func
    told = function if inspect.isroutine(function) else type(function).__call__
    known = hints.annotations(told)
    record = Record()
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = {} if parameter.default is parameter.empty else {"default": parameter.default}
        record.fields[name] = hints.field(name, known.get(name, Any), **default)
    return record


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters that arguments of the model may fill."""
    found = dict(inspect.signature(function).parameters)
    first = next(iter(found), None)
    if first in ("self", "cls"):
        del found[first]
    return found


class _Check:
    """Turns a call into checked keywords; made once per tool."""

    def __init__(
        self, tool: str, record: Record | Model, function: Callable[..., Any], vet: Vet
    ) -> None:
        parameters = _parameters(function)
        self.tool = tool
        self.record = record
        self.admitted = partial(vet.admit, tool, record)
        self._bound = list(inspect.signature(function).parameters)[:1] not in (
            [],
            list(parameters)[:1],
        )
        self._names = list(parameters)
        self._agree(parameters)

    def __call__(self, args: tuple[Any, ...], kwargs: Json) -> tuple[tuple[Any, ...], Json]:
        """Return what to call the function with."""
        own = args[:1] if self._bound else ()
        if len(args) > len(own):
            kwargs = {**dict(zip(self._names, args[len(own) :], strict=False)), **kwargs}
        return own, self.admitted(kwargs)

    def parsed(self, arguments: object) -> Json:
        """Return what the model wrote as an object.

        Raises:
            ArgError: it is none.
        """
        if isinstance(arguments, str | bytes):
            try:
                arguments = loads(arguments or "{}")
            except RecursionError:
                raise self._refusal("is nested too deeply") from None
            except Ambiguous as error:
                raise self._refusal(str(error)) from None
            except ValueError:
                raise self._refusal("the arguments are no valid JSON, or cut off") from None
        if arguments is None:
            return {}
        if not isinstance(arguments, Mapping):
            raise self._refusal(f"the arguments must be an object, not {kind_of(arguments)}")
        return dict(arguments)

    def _refusal(self, message: str) -> ArgError:
        return ArgError(self.tool, (ArgProblem(pointer="", message=message),))

    def _agree(self, parameters: Mapping[str, inspect.Parameter]) -> None:
        """Compare declaration and signature, so that they cannot drift apart unseen."""
        fields: dict[str, Field] | None = None
        if isinstance(self.record, Record):
            fields, names, closed = self.record.fields, [*self.record.fields], True
            closed = self.record.extra is None
        else:
            names, closed = [*self.record.model.model_fields], True
        kinds = {p.kind for p in parameters.values()}
        problems = []
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            problems += [
                f"{n!r} is declared, but no parameter" for n in names if n not in parameters
            ]
            if not closed:
                problems.append("unknown names are admitted, but there is no **parameter")
        for name, parameter in parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY:
                problems.append(f"{name!r} is positional only")
            elif parameter.default is not parameter.empty:
                continue
            elif name not in names:
                problems.append(f"the parameter {name!r} is not declared")
            elif fields is not None and not (fields[name].required or fields[name].has_default):
                problems.append(f"{name!r} may be absent, but the parameter has no default")
        if problems:
            raise TypeError(f"{self.tool}: declaration and function differ: {'; '.join(problems)}")


def _wrapped(
    function: Callable[..., Any], check: _Check, description: str, declared: Any
) -> GuardedTool[..., Any]:
    guarded: Any
    from_model: Any
    call = function if inspect.isroutine(function) else type(function).__call__
    if inspect.iscoroutinefunction(call):

        async def guarded(*args: Any, **kwargs: Any) -> Any:
            if not args:
                return await function(**check.admitted(kwargs))
            own, admitted = check(args, kwargs)
            return await function(*own, **admitted)

        async def from_model(arguments: object) -> Any:
            return await guarded(**check.parsed(arguments))

    else:

        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not args:
                return function(**check.admitted(kwargs))
            own, admitted = check(args, kwargs)
            return function(*own, **admitted)

        def from_model(arguments: object) -> Any:
            return guarded(**check.parsed(arguments))

    def schema(vendor: Vendor = "anthropic") -> Json:
        parameters = dict(declared) if declared is not None else check.record.schema()
        told = {"description": description} if description else {}
        if vendor == "anthropic":
            return {"name": check.tool, **told, "input_schema": parameters}
        entry = {"name": check.tool, **told, "parameters": parameters}
        if vendor == "openai":
            return {"type": "function", "function": entry}
        return {"type": "function", **entry}

    update_wrapper(guarded, function)
    guarded.from_model = from_model
    guarded.schema = schema
    return cast("GuardedTool[..., Any]", guarded)
