"""A tool returns a value of another type."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any, ClassVar

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.settings import settings
from chaoskit.shapes import parsed

__all__ = ["WrongTypeResult"]


@settings
class WrongTypeResult:
    """One value in the result has another type than the tool always returns."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "wrong_type_result"
    when = { tool = "search_logs" }
    """

    def result(
        self,
        result: Result,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,
    ) -> Result:
        """Change the type of one value; a result without any stays."""
        if result.error is not None or result.lost:
            return result
        value, as_text = parsed(result.value)
        changed = _changed(value, strike.rng)
        return replace(result, value=json.dumps(changed) if as_text else changed)


def _changed(value: Any, rng: random.Random) -> Any:
    """Return the value with one leaf, or an empty container, of another type."""
    if isinstance(value, dict) and value:
        name = rng.choice(list(value))
        return {**value, name: _changed(value[name], rng)}
    if isinstance(value, (list, tuple)) and value:
        at = rng.randrange(len(value))
        return [*value[:at], _changed(value[at], rng), *value[at + 1 :]]
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return len(value)
    return json.dumps(value)
