"""Checks of what contains other values: lists and objects."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chaoskit_guards.argjson import loads
from chaoskit_guards.argnodes import (
    Anything,
    Json,
    Node,
    Problems,
    Repaired,
    Repairs,
    child,
    exact_of,
    length_problem,
    mismatch,
    nearest,
)
from chaoskit_guards.errors import ArgProblem

__all__ = ["NO_DEFAULT", "Field", "ListOf", "Record", "TupleOf"]

NO_DEFAULT: Any = object()
"""Where a member has no default; None may be one."""

_LISTS = (list, tuple)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,40}")


def _from_text(value: Any, kind: type, pointer: str, repairs: Repaired) -> Any:
    """Return the list or object that a string holds as JSON; else the value itself."""
    if not isinstance(value, str) or not repairs.unwraps:
        return value
    try:
        found = loads(value)
    except ValueError:
        return value
    if not isinstance(found, kind):
        return value
    repairs.append(pointer)
    return found


class ListOf:
    """Admits lists of one kind of item."""

    admits_text = False
    admits_null = False
    expects = "a list"

    def __init__(
        self,
        item: Node,
        *,
        min_length: int | None = None,
        max_length: int | None = None,
        unique: bool = False,
        build: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        self.item = item
        self.min_length = min_length
        self.max_length = max_length
        self.unique = unique
        self._bounded = unique or min_length is not None or max_length is not None
        self._build = build
        self._exact = exact_of(item)

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:
        """Admit a list whose items pass."""
        if repairs is not None:
            value = _from_text(value, list, pointer, repairs)
        if value.__class__ is not list and not isinstance(value, _LISTS):
            mismatch(self, value, pointer, problems)
            return value
        if self._bounded:
            problem = length_problem(len(value), self.min_length, self.max_length, "item")
            if problem is None and self.unique and _has_twins(value):
                problem = "must not hold the same item twice"
            if problem is not None:
                problems.append(ArgProblem(pointer=pointer, message=problem))
        if self._exact is not None and all(item.__class__ is self._exact for item in value):
            return list(value) if self._build is None else self._build(list(value))
        before, check = len(problems), self.item.check
        made = [
            check(item, f"{pointer}/{index}", problems, repairs) for index, item in enumerate(value)
        ]
        return made if self._build is None or len(problems) > before else self._build(made)

    def schema(self) -> Json:
        """Return the schema of these lists."""
        made: Json = {"type": "array", "items": self.item.schema()}
        if self.min_length is not None:
            made["minItems"] = self.min_length
        if self.max_length is not None:
            made["maxItems"] = self.max_length
        if self.unique:
            made["uniqueItems"] = True
        return made


def _has_twins(items: Sequence[Any]) -> bool:
    try:
        texts = [json.dumps(item, sort_keys=True) for item in items]
    except (TypeError, ValueError):
        return False
    return len(set(texts)) < len(texts)


class TupleOf:
    """Admits lists whose places each have their own kind."""

    admits_text = False
    admits_null = False

    def __init__(self, items: Sequence[Node]) -> None:
        self.items = list(items)
        self.expects = f"a list of {len(self.items)} items"

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:
        """Admit a list of that length whose items pass."""
        if repairs is not None:
            value = _from_text(value, list, pointer, repairs)
        if not isinstance(value, _LISTS) or len(value) != len(self.items):
            problems.append(ArgProblem(pointer=pointer, message=f"must be {self.expects}"))
            return value
        return tuple(
            node.check(item, f"{pointer}/{index}", problems, repairs)
            for index, (node, item) in enumerate(zip(self.items, value, strict=True))
        )

    def schema(self) -> Json:
        """Return the schema of these lists."""
        size = len(self.items)
        places = [node.schema() for node in self.items]
        return {"type": "array", "prefixItems": places, "minItems": size, "maxItems": size}


class Field:
    """One member of a record."""

    __slots__ = (
        "default",
        "description",
        "exact",
        "factory",
        "name",
        "node",
        "required",
        "suffix",
    )

    def __init__(
        self,
        name: str,
        node: Node,
        *,
        required: bool,
        default: Any = NO_DEFAULT,
        factory: Callable[[], Any] | None = None,
        description: str = "",
    ) -> None:
        self.name = name
        self.suffix = child("", name)
        self.node = node
        self.exact = exact_of(node)
        self.required = required
        self.default = default
        self.factory = factory
        self.description = description

    @property
    def has_default(self) -> bool:
        """Whether there is a value to use when it is absent."""
        return self.default is not NO_DEFAULT or self.factory is not None

    def make_default(self) -> Any:
        """Return the value to use when it is absent; a list or dict of its own each time."""
        if self.factory is not None:
            return self.factory()
        if isinstance(self.default, list | dict | set):
            return copy.deepcopy(self.default)
        return self.default

    def schema(self) -> Json:
        """Return the schema of the member."""
        made = self.node.schema()
        if self.description:
            made = {**made, "description": self.description}
        if self.default is not NO_DEFAULT and _is_json(self.default):
            made = {**made, "default": self.default}
        return made


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


class Record:
    """Admits objects with named members.

    `extra` is what happens to names that it does not know: None refuses them, a node checks them.
    """

    admits_text = False
    admits_null = False
    expects = "an object"

    def __init__(
        self,
        fields: Mapping[str, Field] | None = None,
        *,
        extra: Node | None = None,
        build: Callable[..., Any] | None = None,
        name: str = "",
        min_length: int | None = None,
        max_length: int | None = None,
    ) -> None:
        self.fields: dict[str, Field] = dict(fields or {})
        self.extra = extra
        self.build = build
        self.kind: type | None = None
        self.name = name
        self.min_length = min_length
        self.max_length = max_length
        self._exporting = False

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:
        """Admit an object whose members pass, or what the tool itself would get."""
        if self.kind is not None and isinstance(value, self.kind):
            return value
        if repairs is not None:
            value = _from_text(value, dict, pointer, repairs)
        if value.__class__ is not dict and not isinstance(value, Mapping):
            mismatch(self, value, pointer, problems)
            return value
        before = len(problems)
        made = self.members(value, pointer, problems, repairs)
        if self.build is None or len(problems) > before:
            return made
        try:
            return self.build(**made)
        except (TypeError, ValueError):
            # The text of a check of the user's own could quote the value.
            problems.append(ArgProblem(pointer=pointer, message=f"is not a valid {self.name}"))
            return value

    def members(
        self, value: Mapping[Any, Any], pointer: str, problems: Problems, repairs: Repairs
    ) -> dict[str, Any]:
        """Return the members to use, defaults included."""
        made: dict[str, Any] = {}
        fields = self.fields
        for name, item in value.items():
            field = fields.get(name)
            if field is None:
                made.update(self._check_extra(name, item, pointer, problems, repairs))
            elif item.__class__ is field.exact:
                made[name] = item
            elif (
                item is None
                and repairs is not None
                and not field.required
                and not field.node.admits_null
            ):
                repairs.append(pointer + field.suffix)  # null where it may be absent
            else:
                made[name] = field.node.check(item, pointer + field.suffix, problems, repairs)
        if len(made) < len(fields) or self.extra is not None:
            for name, field in fields.items():
                if name in made:
                    continue
                if field.required:
                    problems.append(
                        ArgProblem(
                            pointer=pointer + field.suffix,
                            message=f"is missing, must be {field.node.expects}",
                        )
                    )
                elif field.has_default and not problems:
                    made[name] = field.make_default()
        if self.min_length is not None or self.max_length is not None:
            problem = length_problem(len(value), self.min_length, self.max_length, "member")
            if problem is not None:
                problems.append(ArgProblem(pointer=pointer, message=problem))
        return made

    def _check_extra(
        self, name: Any, item: Any, pointer: str, problems: Problems, repairs: Repairs
    ) -> dict[str, Any]:
        if self.extra is not None:
            return {name: self.extra.check(item, child(pointer, name), problems, repairs)}
        known = nearest(name, list(self.fields))
        if isinstance(name, str) and _SAFE_NAME.fullmatch(name):
            problems.append(ArgProblem(pointer=child(pointer, name), message=f"is unknown{known}"))
        else:
            problems.append(ArgProblem(pointer=pointer, message=f"has an unknown name{known}"))
        return {}

    def schema(self) -> Json:
        """Return the schema of these objects; where it contains itself, an object of any form."""
        if self._exporting:
            return {"type": "object"}
        self._exporting = True
        try:
            made: Json = {
                "type": "object",
                "properties": {name: field.schema() for name, field in self.fields.items()},
            }
            required = [name for name, field in self.fields.items() if field.required]
            if required:
                made["required"] = required
            if self.extra is None:
                made["additionalProperties"] = False
            elif not isinstance(self.extra, Anything):
                made["additionalProperties"] = self.extra.schema()
            if self.min_length is not None:
                made["minProperties"] = self.min_length
            if self.max_length is not None:
                made["maxProperties"] = self.max_length
            return made
        finally:
            self._exporting = False
