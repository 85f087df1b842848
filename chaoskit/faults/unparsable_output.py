"""The model writes JSON that programs cannot read."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Literal, TypeAlias

from pydantic import Field

from chaoskit.exchange import Call, Reply, Text
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["UnparsableOutput"]

Kind: TypeAlias = Literal["fence", "prose", "trailing_comma", "single_quotes", "missing_brace"]


@settings
class UnparsableOutput:
    """An answer that is JSON comes in a fence, amid prose, with a comma too many, or unfinished."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "unparsable_output"
    kinds = ["fence", "trailing_comma"]

    [behaviour]
    use = "scripted"
    turns = [{ text = '{ "summary": "two deploys failed" }' }]
    """

    kinds: tuple[Kind, ...] = Field(
        default=("fence", "prose", "trailing_comma", "single_quotes", "missing_brace"),
        min_length=1,
    )
    """The ways in which it is damaged; each answer meets one of them."""

    def reply(
        self,
        reply: Reply,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,
    ) -> Reply:
        """Damage the text, if it is an object or a list of JSON."""
        if reply.tool_calls or not _is_json(reply.text):
            return reply
        # Without texts and truths in it, JSON in the quotes of Python is JSON still.
        made = [_DAMAGE[kind](reply.text, strike.rng) for kind in self.kinds]
        damaged = [text for text in made if not _is_json(text)]
        if not damaged:
            return reply
        others = [part for part in reply.content if not isinstance(part, Text)]
        return replace(reply, content=(*others, Text(strike.rng.choice(damaged))))


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False


def _prose(text: str, rng: random.Random) -> str:
    before = rng.choice(("Here is the JSON you asked for:", "Sure! This is the result:"))
    return f"{before}\n\n{text}\n\nLet me know if you need anything else."


_DAMAGE: Mapping[Kind, Callable[[str, random.Random], str]] = {
    "fence": lambda text, _: f"```json\n{text}\n```",
    "prose": _prose,
    "trailing_comma": lambda text, _: f"{text.rstrip()[:-1].rstrip()},{text.rstrip()[-1]}",
    "single_quotes": lambda text, _: repr(json.loads(text)),
    "missing_brace": lambda text, _: text.rstrip()[:-1],
}
