"""A tool returns far too much."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any, ClassVar

from chaoskit.fault import Result, Strike, ToolRequest
from chaoskit.settings import SomeTokens, settings

__all__ = ["OversizedResult"]

_CHARACTERS = 4  # of English text to a token
_TEXT = (
    "the request from worker reached shard and was retried after timeout while cache entry for "
    "deploy stayed stale so health check on node reported latency above limit before release "
    "rolled back service queue drained connection pool closed with warning in region"
)


@settings
class OversizedResult:
    """The tool returns a flood of text in the shape that it always returns."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "oversized_result"
    when = { tool = "search_logs" }
    tokens = 20_000
    """

    tokens: SomeTokens = 50_000
    """How large the result becomes, in tokens of about four characters."""

    def result(
        self,
        result: Result,
        request: ToolRequest,  # noqa: ARG002 - the stage's signature
        strike: Strike,
    ) -> Result:
        """Pad the result."""
        missing = self.tokens * _CHARACTERS - len(str(result.value))
        if result.error is not None or missing <= 0:
            return result
        padded = _padded(result.value, missing, strike.rng)
        return result if padded is result.value else replace(result, value=padded)


def _padded(value: Any, characters: int, rng: random.Random) -> Any:
    """Return the value with so many characters more, in its longest part."""
    match value:
        case str() if (data := _parsed(value)) is not None:
            return json.dumps(_padded(data, characters, rng), ensure_ascii=False)
        case str():
            return f"{value}\n{_lines(characters, rng)}" if value else _lines(characters, rng)
        case list() | tuple() if value:
            size = len(str([*value]))
            return type(value)(value) * (1 + -(-characters // size))
        case list() | tuple():
            return type(value)(_lines(characters, rng).splitlines())
        case dict():
            parts = [name for name in value if isinstance(value[name], (str, list, tuple, dict))]
            longest = max(parts, key=lambda name: len(str(value[name])), default="text")
            return {**value, longest: _padded(value.get(longest, ""), characters, rng)}
        case _:
            return value


def _parsed(text: str) -> Any:
    """Return the object or list that a text is the JSON of, else None."""
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None


def _lines(characters: int, rng: random.Random) -> str:
    """Return lines of words, cut to the given length."""
    words = rng.choices(_TEXT.split(), k=characters // 3 + 1)
    lines = [" ".join(words[start : start + 12]) for start in range(0, len(words), 12)]
    return "\n".join(lines)[:characters]
