"""The agent does not go round in circles."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit import advice
from chaoskit.check import Finding, Judgement
from chaoskit.evidence import Turn, turns
from chaoskit.journal import Journal
from chaoskit.settings import settings

__all__ = ["NoToolLoop"]

_NOTHING = re.compile(
    r"\W*(no|zero|0|none|nothing|null|empty)\b.{0,80}"
    r"|.{0,80}\b(not found|no results?|no match(es)?)\W*",
    re.IGNORECASE | re.DOTALL,
)


@settings
class NoToolLoop:
    """Within a turn, no call is repeated for the same result, and no search finds nothing for long.

    The same call with a new result is polling, not a loop. Equal calls side by side in one answer
    of the model count once, and so do those of a retried request.
    """

    example: ClassVar[str] = """
    [[promises]]
    check = "no_tool_loop"
    max_identical = 3
    max_empty = 6
    """

    outcome: ClassVar[bool] = False

    max_identical: Annotated[int, Field(ge=1)] = 5
    """The most equal calls, by tool, arguments and result."""
    max_empty: Annotated[int, Field(ge=1)] = 10
    """The most empty results in a row."""

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return (
            f"no turn repeats a tool call more than {self.max_identical} times, "
            f"or takes more than {self.max_empty} empty results in a row"
        )

    def judge(self, journal: Journal) -> Judgement:
        """Judge a run by its journal."""
        judged = 0
        findings: list[Finding] = []
        for turn in turns(journal):
            judged += bool(turn.tool_calls or turn.ran)
            findings.extend(
                Finding(
                    message=f"{turn.name}: {message}",
                    at=turn.ended,
                    user=turn.user,
                    turn=turn.turn,
                    call=turn.exchanges[-1].request.call if turn.exchanges else 0,
                    cost_usd=turn.cost_usd,
                    advice=f"{advice.LOOP}; {advice.STOP}",
                )
                for message in self._loops(turn)
            )
        return Judgement.of(judged, findings, nothing="no tool was called")

    def _loops(self, turn: Turn) -> Iterator[str]:
        equal = _asked(turn)
        for call, count in _ran(turn).items():
            equal[call] = max(equal[call], count)
        for (tool, arguments, _), count in equal.items():
            if count > self.max_identical:
                yield (
                    f"{count} calls of {tool} with {arguments[:120]} and the same result; "
                    f"{self.max_identical} are allowed"
                )
        longest = row = 0
        for text in [result.text for result in turn.results] or [ran.result for ran in turn.ran]:
            row = row + 1 if _is_empty(text) else 0
            longest = max(longest, row)
        if longest > self.max_empty:
            yield f"{longest} empty tool results in a row; {self.max_empty} are allowed"


def _asked(turn: Turn) -> Counter[tuple[str, str, str]]:
    """Count the calls that the model made, by tool, arguments and the result that it was given."""
    texts = {result.call_id: result.text for result in turn.results}
    by_step = {
        (
            exchange.request.step,
            called.tool,
            _canonical(called.arguments),
            texts.get(called.call_id, ""),
        ): None
        for exchange, called in turn.tool_calls
    }
    return Counter((tool, arguments, text) for _, tool, arguments, text in by_step)


def _ran(turn: Turn) -> Counter[tuple[str, str, str]]:
    return Counter((ran.tool, _canonical(ran.arguments), ran.result) for ran in turn.ran)


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":"))
    except ValueError:
        return arguments


def _is_empty(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return not text.strip() or _NOTHING.fullmatch(text.strip()) is not None
    if isinstance(value, str):
        return not value.strip() or _NOTHING.fullmatch(value.strip()) is not None
    if isinstance(value, dict):
        held = [item for item in value.values() if isinstance(item, (list, dict))]
        return not value or (bool(held) and not any(held))
    return value is None or value == []
