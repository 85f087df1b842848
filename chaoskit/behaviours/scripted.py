"""A model that says what the scenario wrote down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from chaoskit.answering import answer, written
from chaoskit.behaviour import Scene
from chaoskit.conversation import Conversation, read
from chaoskit.exchange import Call, Part, Reply, Stop, Text, ToolCall
from chaoskit.settings import settings

_PLACE = re.compile(r"\{(?:prompt|first|user|result)\}")

__all__ = ["Scripted", "ScriptedCall", "ScriptedTurn"]


@settings
class ScriptedCall:
    """One tool call of a scripted turn."""

    example: ClassVar[str] = """
    [behaviour]
    use = "scripted"
    turns = [{ call = { tool = "search_logs", arguments = '{"query": ' } }, { text = "Done." }]
    """

    tool: str
    """Name of the tool, offered or not."""

    arguments: dict[str, Any] | str = ""
    """The arguments as a table, or the JSON text itself, which may be broken; empty is `{}`."""


@settings
class ScriptedTurn:
    """What the model says in one turn."""

    example: ClassVar[str] = """
    [behaviour]
    use = "scripted"
    turns = [
        { text = "Looking.", call = { tool = "search_logs", arguments = { query = "deploy" } } },
        { text = "That is all I can", stop = "max_tokens" },
    ]
    """

    text: str = ""
    """The text, before any tool calls."""

    call: ScriptedCall | tuple[ScriptedCall, ...] = ()
    """One tool call or several."""

    stop: Stop | None = None
    """Why the model stopped; by default what the content implies."""


@settings
class Scripted:
    """Replays turns, the first one after each question of the user.

    In texts and in arguments `{prompt}` stands for the question, `{first}` for the first one of the
    conversation, `{user}` for the name of whoever asks, `{result}` for the newest tool results.
    """

    example: ClassVar[str] = """
    [behaviour]
    use = "scripted"
    after = "answer"
    turns = [
        { text = "Looking.", call = { tool = "search_logs", arguments = { query = "deploy" } } },
        { text = "The deploy failed." },
    ]
    """

    turns: tuple[ScriptedTurn, ...]
    """The turns, in order."""

    after: Literal["repeat", "answer"] = "repeat"
    """After the last turn: repeat it, or answer from what the tools found."""

    def __post_init__(self) -> None:
        if not self.turns:
            raise ValueError("a script has one turn at least")

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Return the turn that the script has for this step of the conversation."""
        seen = read(call)
        if seen.step >= len(self.turns) and self.after == "answer":
            return answer(call, seen, scene.rng)
        turn = self.turns[min(seen.step, len(self.turns) - 1)]
        calls = (turn.call,) if isinstance(turn.call, ScriptedCall) else turn.call
        places = _places(call, seen, scene.user) if calls or "{" in turn.text else {}
        content: list[Part] = [Text(_filled(turn.text, places))] if turn.text else []
        content += [
            ToolCall(id="", name=one.tool, arguments=_arguments(one.arguments, places))
            for one in calls
        ]
        return Reply(content=tuple(content), stop=turn.stop or ("tool_use" if calls else "end"))


def _places(call: Call, seen: Conversation, user: str) -> Mapping[str, str]:
    asked = (message.text for message in call.messages if message.role == "user")
    return {
        "{prompt}": seen.prompt,
        "{first}": next(filter(None, asked), ""),
        "{user}": user,
        "{result}": "\n".join(result.text for result in seen.newest),
    }


def _arguments(arguments: dict[str, Any] | str, places: Mapping[str, str]) -> str:
    if isinstance(arguments, str):
        return arguments or "{}"
    return written({name: _filled_in(value, places) for name, value in arguments.items()})


def _filled_in(value: object, places: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _filled(value, places)
    if isinstance(value, dict):
        return {name: _filled_in(inner, places) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled_in(inner, places) for inner in value]
    return value


def _filled(text: str, places: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda match: places[match[0]], text) if "{" in text else text
