"""What an argument must look like: small checks that nest.

Type hints and JSON Schemas are both compiled to these, so that both mean the same. A check returns
the value to use and adds every problem that it finds; it never quotes the value, which may hold a
secret. `repairs` is None where only strict data is admitted; otherwise each lossless repair adds
its pointer.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

from chaoskit_guards.errors import ArgProblem

__all__ = [
    "Anything",
    "Boolean",
    "Choice",
    "Converted",
    "Json",
    "Node",
    "Null",
    "Number",
    "Problems",
    "Repaired",
    "Repairs",
    "Text",
    "child",
    "exact_of",
    "kind_of",
    "length_problem",
    "mismatch",
    "nearest",
]

Json = dict[str, Any]
Problems = list[ArgProblem]


class Repaired(list[str]):
    """The pointers of what was repaired.

    Attributes:
        unwraps: whether lists and objects that came as JSON text are repaired, or null only.
    """

    def __init__(self, *, unwraps: bool = True) -> None:
        super().__init__()
        self.unwraps = unwraps


Repairs = Repaired | None

_NUMBERS = (int, float)
_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def exact_of(node: object) -> type | None:
    """Return the class whose every value passes unchanged, where there is one: the short way."""
    exact: type | None = getattr(node, "exact", None)
    return exact


class Node(Protocol):
    """One check."""

    expects: str
    """What it admits, for the model to read: `a string`."""
    admits_text: bool
    """Whether some string passes, so that a string is never taken for JSON text."""
    admits_null: bool
    """Whether null passes."""

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:
        """Return the value to use; add what is wrong to `problems`."""

    def schema(self) -> Json:
        """Return the JSON Schema."""


def kind_of(value: object) -> str:
    """Return what a value is, without the value."""
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def nearest(name: object, known: Sequence[str]) -> str:
    """Return "; did you mean …?" for the known name that is near, or nothing."""
    close = difflib.get_close_matches(name, known, 1) if isinstance(name, str) else []
    return f"; did you mean {close[0]!r}?" if close else ""


def child(pointer: str, key: object) -> str:
    """Return the JSON pointer (RFC 6901) of a member."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def mismatch(node: Node, value: object, pointer: str, problems: Problems) -> None:
    """Add that a value is of the wrong kind."""
    problems.append(
        ArgProblem(pointer=pointer, message=f"must be {node.expects}, not {kind_of(value)}")
    )


class Anything:
    """Admits every value."""

    expects = "anything"
    admits_text = True
    admits_null = True

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit it."""
        return value

    def schema(self) -> Json:
        """Return the schema that admits everything."""
        return {}


class Null:
    """Admits null."""

    expects = "null"
    admits_text = False
    admits_null = True

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit null only."""
        if value is not None:
            mismatch(self, value, pointer, problems)
        return value

    def schema(self) -> Json:
        """Return the schema of null."""
        return {"type": "null"}


class Boolean:
    """Admits true and false; 0 and 1 are numbers."""

    expects = "a boolean"
    exact = bool
    admits_text = False
    admits_null = False

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit booleans."""
        if value is not True and value is not False:
            mismatch(self, value, pointer, problems)
        return value

    def schema(self) -> Json:
        """Return the schema of booleans."""
        return {"type": "boolean"}


class Text:
    """Admits strings."""

    expects = "a string"
    admits_text = True
    admits_null = False

    def __init__(
        self,
        *,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
    ) -> None:
        self.min_length = min_length
        self.max_length = max_length
        self.pattern = None if pattern is None else re.compile(pattern)
        self._plain = min_length is None and max_length is None and pattern is None
        self.exact = str if self._plain else None

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit strings of the right length and form."""
        if value.__class__ is not str and not isinstance(value, str):
            mismatch(self, value, pointer, problems)
            return value
        if self._plain:
            return value
        problem = length_problem(len(value), self.min_length, self.max_length, "character")
        if problem is None and self.pattern is not None and not self.pattern.search(value):
            problem = f"must match the pattern {self.pattern.pattern[:80]!r}"
        if problem is not None:
            problems.append(ArgProblem(pointer=pointer, message=problem))
        return value

    def schema(self) -> Json:
        """Return the schema of these strings."""
        made: Json = {"type": "string"}
        if self.min_length is not None:
            made["minLength"] = self.min_length
        if self.max_length is not None:
            made["maxLength"] = self.max_length
        if self.pattern is not None:
            made["pattern"] = self.pattern.pattern
        return made


def length_problem(length: int, low: int | None, high: int | None, unit: str) -> str | None:
    """Return what is wrong with a length, or None."""
    if low is not None and length < low:
        return f"must have at least {low} {unit}{'' if low == 1 else 's'}, has {length}"
    if high is not None and length > high:
        return f"must have at most {high} {unit}{'' if high == 1 else 's'}, has {length}"
    return None


class Number:
    """Admits integers, or all numbers; JSON does not tell 3 from 3.0."""

    admits_text = False
    admits_null = False

    def __init__(
        self,
        *,
        integer: bool,
        ge: float | None = None,
        gt: float | None = None,
        le: float | None = None,
        lt: float | None = None,
        multiple_of: float | None = None,
    ) -> None:
        self.integer = integer
        self.expects = "an integer" if integer else "a number"
        self._bounds = [
            (limit, fits, words, keyword)
            for limit, fits, words, keyword in (
                (ge, operator.ge, "at least", "minimum"),
                (gt, operator.gt, "more than", "exclusiveMinimum"),
                (le, operator.le, "at most", "maximum"),
                (lt, operator.lt, "less than", "exclusiveMaximum"),
                (multiple_of, _is_multiple, "a multiple of", "multipleOf"),
            )
            if limit is not None
        ]
        self.exact = int if integer and not self._bounds else None

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit numbers within the bounds."""
        if value.__class__ is not int and (
            isinstance(value, bool) or not isinstance(value, _NUMBERS)
        ):
            mismatch(self, value, pointer, problems)
            return value
        if isinstance(value, float):
            if not math.isfinite(value) or (self.integer and not value.is_integer()):
                problems.append(ArgProblem(pointer=pointer, message=f"must be {self.expects}"))
                return value
            if self.integer:
                value = int(value)
        elif not self.integer and abs(value) <= 2**53:
            value = float(value)
        for limit, fits, words, _ in self._bounds:
            if not fits(value, limit):
                problems.append(ArgProblem(pointer=pointer, message=f"must be {words} {limit:g}"))
        return value

    def schema(self) -> Json:
        """Return the schema of these numbers."""
        bounds = {keyword: limit for limit, _, _, keyword in self._bounds}
        return {"type": "integer" if self.integer else "number", **bounds}


def _is_multiple(value: float, limit: float) -> bool:
    if isinstance(value, int) and isinstance(limit, int):
        return value % limit == 0
    quotient = value / limit
    return math.isclose(quotient, round(quotient), rel_tol=1e-9, abs_tol=1e-12)


class Choice:
    """Admits a few values; `results` are what they stand for, such as members of an enum."""

    def __init__(self, values: Sequence[Any], results: Sequence[Any] | None = None) -> None:
        self.values = list(values)
        pairs = list(zip(self.values, self.values if results is None else results, strict=True))
        plain = all(isinstance(v, Hashable) for v in self.values)
        # Python takes 1 for True; JSON does not.
        self._table = {(isinstance(v, bool), v): made for v, made in pairs} if plain else None
        shown = ", ".join(repr(v)[:60] for v in self.values[:12])
        more = ", …" if len(self.values) > 12 else ""
        self.expects = f"one of {shown}{more}" if len(self.values) > 1 else shown
        self.admits_text = any(isinstance(v, str) for v in self.values)
        self.admits_null = None in self.values

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit one of the values; 1 is not true."""
        key = (isinstance(value, bool), value)
        if self._table is not None:
            if isinstance(value, Hashable) and key in self._table:
                return self._table[key]
        elif value in self.values:
            return value
        hint = nearest(value, [v for v in self.values if isinstance(v, str)])
        problems.append(ArgProblem(pointer=pointer, message=f"must be {self.expects}{hint}"))
        return value

    def schema(self) -> Json:
        """Return the schema of these values."""
        names = {str: "string", bool: "boolean", int: "integer", float: "number"}
        kinds = {names.get(type(v)) for v in self.values}
        made: Json = {"enum": self.values}
        kind = kinds.pop() if len(kinds) == 1 else None
        return {"type": kind, **made} if kind else made


class Converted:
    """Admits strings that stand for something else, such as a date."""

    admits_text = True
    admits_null = False

    def __init__(self, convert: Callable[[str], Any], expects: str, schema: Json) -> None:
        self._convert = convert
        self._schema = schema
        self.expects = expects

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:  # noqa: ARG002 - one shape for all checks
        """Admit strings that convert."""
        if not isinstance(value, str):
            mismatch(self, value, pointer, problems)
            return value
        try:
            return self._convert(value)
        except (ArithmeticError, ValueError):
            problems.append(ArgProblem(pointer=pointer, message=f"must be {self.expects}"))
            return value

    def schema(self) -> Json:
        """Return the schema of these strings."""
        return dict(self._schema)
