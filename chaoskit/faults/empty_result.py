"""A tool finds nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import JsonValue

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.settings import settings

__all__ = ["EmptyResult"]


@settings
class EmptyResult:
    """The tool works and finds nothing: an empty value of the shape that it always returns."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "empty_result"
    when = { tool = "search_logs" }
    value = []
    """

    value: JsonValue = None
    """What to return; without it the tool's own result is emptied."""

    def result(
        self,
        result: Result,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> Result:
        """Empty the result."""
        if result.error is not None:
            return result
        empty = _emptied(result.value) if self.value is None else self.value
        return result if empty == result.value else replace(result, value=empty)


def _emptied(value: Any) -> Any:
    """Return the empty value of the same shape."""
    match value:
        case str():
            return _emptied_text(value)
        case list() | tuple():
            return type(value)()
        case dict():
            return _without_items(value) if _holds_list(value) else {}
        case _:
            return value


def _holds_list(value: Any) -> bool:
    return isinstance(value, list) or (
        isinstance(value, dict) and any(map(_holds_list, value.values()))
    )


def _without_items(value: Any) -> Any:
    """Return the value with its lists emptied, and with 0 where it told how long they were."""
    if isinstance(value, list):
        return []
    if not isinstance(value, dict):
        return value
    lengths = {len(inner) for inner in value.values() if isinstance(inner, list)}
    return {
        name: 0 if type(inner) is int and inner in lengths else _without_items(inner)
        for name, inner in value.items()
    }


def _emptied_text(text: str) -> str:
    if text.lstrip()[:1] not in ("{", "["):
        return ""
    try:
        return json.dumps(_emptied(json.loads(text)), ensure_ascii=False)
    except ValueError:
        return ""
