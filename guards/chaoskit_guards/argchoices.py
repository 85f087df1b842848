"""Checks of alternatives and combinations of other checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaoskit_guards.argnodes import Json, Node, Null, Problems, Repaired, Repairs, mismatch
from chaoskit_guards.errors import ArgProblem

__all__ = ["AllOf", "AnyOf", "Later"]


class AnyOf:
    """Admits what one of several checks admits; with `exact`, one and no other."""

    def __init__(self, options: Sequence[Node], *, exact: bool = False) -> None:
        self.options = list(options)
        self.exact = exact
        others = [node for node in self.options if not isinstance(node, Null)]
        self._only = others[0] if len(others) == 1 and not exact else None  # X or null
        self.expects = " or ".join(dict.fromkeys(node.expects for node in self.options))
        self.admits_text = any(node.admits_text for node in self.options)
        self.admits_null = any(node.admits_null for node in self.options)

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:
        """Admit what an option admits, strictly first, repaired second."""
        if self._only is not None:
            if value is None and self.admits_null:
                return None
            return self._only.check(value, pointer, problems, repairs)
        found: list[Problems] = []
        results: list[Any] = []
        for node in self.options:
            mine: Problems = []
            made = node.check(value, pointer, mine, None)
            if not mine and not self.exact:
                return made
            if mine:
                found.append(mine)
            else:
                results.append(made)
        if len(results) == 1:
            return results[0]
        if results:
            problems.append(ArgProblem(pointer=pointer, message="fits more than one of its forms"))
            return value
        if repairs is not None and not self.admits_text:
            for node in self.options:
                tried = Repaired(unwraps=repairs.unwraps)
                mine = []
                made = node.check(value, pointer, mine, tried)
                if not mine:
                    repairs += tried
                    return made
        self._explain(value, pointer, found, problems)
        return value

    def _explain(self, value: Any, pointer: str, found: list[Problems], problems: Problems) -> None:
        deeper = [mine for mine in found if all(p.pointer != pointer for p in mine)]
        if len(deeper) == 1:
            problems += deeper[0]  # only this form was meant
        else:
            mismatch(self, value, pointer, problems)

    def schema(self) -> Json:
        """Return the schema of the options."""
        return {"oneOf" if self.exact else "anyOf": [node.schema() for node in self.options]}


class AllOf:
    """Admits what every check admits."""

    def __init__(self, parts: Sequence[Node]) -> None:
        self.parts = list(parts)
        self.expects = self.parts[0].expects
        self.admits_text = all(node.admits_text for node in self.parts)
        self.admits_null = all(node.admits_null for node in self.parts)

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:
        """Admit what passes everywhere."""
        for node in self.parts:
            value = node.check(value, pointer, problems, repairs)
        return value

    def schema(self) -> Json:
        """Return the schema of the parts."""
        return {"allOf": [node.schema() for node in self.parts]}


class Later:
    """Stands for a check that is still being made, where a declaration contains itself."""

    admits_text = False
    admits_null = False
    expects = "an object"

    def __init__(self) -> None:
        self.node: Node | None = None

    def check(self, value: Any, pointer: str, problems: Problems, repairs: Repairs) -> Any:
        """Do what the check behind it does."""
        if self.node is None:
            raise TypeError("a declaration refers to nothing but itself")
        return self.node.check(value, pointer, problems, repairs)

    def schema(self) -> Json:
        """Return the schema behind it."""
        return {} if self.node is None else self.node.schema()
