"""Adding faults, behaviours and checks of one's own to the catalogues.

    import chaoskit
    from chaoskit.exchange import Refusal

    @chaoskit.register_fault
    class Maintenance:
        \"\"\"The provider is being maintained.\"\"\"

        message: str = "We will be back soon."
        \"\"\"What it says.\"\"\"

        def admit(self, call, strike):
            return Refusal(kind="unavailable", message=self.message)

From then on `fault = "maintenance"` is as good as any other in a scenario file, with `message` as a
setting of it. The class becomes a frozen, validated dataclass: its annotated attributes are the
settings, the texts under them and its docstring are what `chaoskit list` shows. `example`, a text
of TOML, is shown in the reference.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, dataclass_transform, overload

from pydantic.errors import PydanticUserError

from chaoskit.behaviours import BEHAVIOURS
from chaoskit.checks import CHECKS
from chaoskit.errors import UsageError
from chaoskit.faults import FAULTS
from chaoskit.registry import Registry, title_of
from chaoskit.scenario_problems import keys_of
from chaoskit.scenario_schema import schema_of
from chaoskit.scenario_tables import Kept, Strikes
from chaoskit.settings import defaults, settings

__all__ = ["register_behaviour", "register_check", "register_fault", "registered_for_a_while"]

C = TypeVar("C", bound=type[Any])

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_FAULT_METHODS = {
    "admit": ("call", "strike"),
    "reply": ("reply", "call", "strike"),
    "frames": ("frames", "make", "strike"),
    "steps": ("steps", "strike"),
    "result": ("result", "request", "strike"),
}


@overload
def register_fault(cls: C, /) -> C: ...
@overload
def register_fault(*, name: str) -> Callable[[C], C]: ...
@dataclass_transform(kw_only_default=True, frozen_default=True)
def register_fault(cls: Any = None, /, *, name: str = "") -> Any:
    """Make a class a fault of scenario files; it has one of the methods of `chaoskit.fault`.

    Args:
        name: how it is called there; the name of the class in small letters unless set.

    Raises:
        UsageError: it cannot be one, or the name is taken.
    """
    return _registering(FAULTS, name, cls, _FAULT_METHODS, ("fault", *keys_of(Strikes)))


@overload
def register_behaviour(cls: C, /) -> C: ...
@overload
def register_behaviour(*, name: str) -> Callable[[C], C]: ...
@dataclass_transform(kw_only_default=True, frozen_default=True)
def register_behaviour(cls: Any = None, /, *, name: str = "") -> Any:
    """Make a class a behaviour of scenario files: `reply(call, scene)` returns the model's answer.

    Args:
        name: how it is called there; the name of the class in small letters unless set.

    Raises:
        UsageError: it cannot be one, or the name is taken.
    """
    return _registering(BEHAVIOURS, name, cls, {"reply": ("call", "scene")}, ("use",))


@overload
def register_check(cls: C, /) -> C: ...
@overload
def register_check(*, name: str) -> Callable[[C], C]: ...
@dataclass_transform(kw_only_default=True, frozen_default=True)
def register_check(cls: Any = None, /, *, name: str = "") -> Any:
    """Make a class a promise of scenario files: `judge(journal)` returns a judgement.

    `outcome: ClassVar[bool]` is True for a promise on what users get, by which the healthy run is
    judged too; without it the promise is on how the agent goes about it.

    Args:
        name: how it is called there; the name of the class in small letters unless set.

    Raises:
        UsageError: it cannot be one, or the name is taken.
    """
    beside = ("check", "outcome", *keys_of(Kept))
    return _registering(CHECKS, name, cls, {"judge": ("journal",)}, beside)


@contextmanager
def registered_for_a_while() -> Iterator[None]:
    """Forget afterwards what is registered in the meantime."""
    with ExitStack() as stack:
        for registry in (FAULTS, BEHAVIOURS, CHECKS):
            stack.enter_context(registry.kept())
        yield


def _registering(
    registry: Registry[Any],
    name: str,
    cls: Any,
    methods: dict[str, tuple[str, ...]],
    beside: Sequence[str],
) -> Any:
    def register(cls: Any) -> Any:
        if not isinstance(cls, type):
            raise UsageError(f"a {registry.kind} is a class; {cls!r} is none")
        own = name or _in_small_letters(cls.__name__)
        if not _NAME.fullmatch(own):
            raise UsageError(
                f"{own!r} cannot be the name of a {registry.kind}; write small letters, digits "
                "and single underscores, such as 'polite_refusal'"
            )
        _check_methods(registry.kind, cls, methods)
        made = _with_settings(registry.kind, cls)
        if taken := [key for key in keys_of(made) if key in beside]:
            raise UsageError(
                f"{title_of(cls)} cannot have a setting called {taken[0]!r}: the key means "
                f"something else beside a {registry.kind}; choose another name"
            )
        registry.register(own, made)
        return made

    return register if cls is None else register(cls)


def _check_methods(kind: str, cls: type, methods: dict[str, tuple[str, ...]]) -> None:
    """Ask for exactly one of the methods, with its parameters.

    Raises:
        UsageError: it is missing, there are several, or it is called in another way.
    """
    found = [name for name in methods if callable(getattr(cls, name, None))]
    if len(found) != 1:
        words = " or ".join(f"{name}({', '.join(given)})" for name, given in methods.items())
        exactly = "exactly one method of" if len(methods) > 1 else "the method"
        has = f"; it has {' and '.join(found)}" if found else ""
        raise UsageError(f"{title_of(cls)} is no {kind}: it needs {exactly} {words}{has}")
    (name,) = found
    method = getattr(cls, name)
    told = f"{title_of(cls)}.{name}"
    if inspect.iscoroutinefunction(method):
        raise UsageError(f"{told} must be a plain method: a {kind} does not wait")
    given = methods[name]
    try:
        inspect.signature(method).bind(None, *given)
    except TypeError:
        raise UsageError(
            f"{told} is called with ({', '.join(given)}), but takes "
            f"{inspect.signature(method)}; write def {name}(self, {', '.join(given)})"
        ) from None
    except ValueError:  # a builtin without a signature
        return


def _with_settings(kind: str, cls: Any) -> Any:
    """Return the class as validated settings.

    Raises:
        UsageError: a setting cannot be read from a file.
    """
    try:
        made = cls if "__pydantic_fields__" in vars(cls) else settings(cls)
        schema_of(made)
        defaults(made)
    except (PydanticUserError, NameError, TypeError, ValueError) as error:
        told = str(error).splitlines()[0]
        raise UsageError(
            f"the settings of {title_of(cls)} cannot be read from a file: {told}; annotate them "
            "with texts, numbers, flags, lists, tables or the types of chaoskit.settings, and "
            "make the class no dataclass, or a frozen one"
        ) from None
    made.__doc__ = cls.__doc__ if cls.__doc__ and not cls.__doc__.startswith("<") else None
    if kind == "check" and not hasattr(made, "outcome"):
        made.outcome = False
    return made


def _in_small_letters(name: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[0-9]+", name)
    return "_".join(words).lower()
