"""A model that says what the scenario wrote down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from chaoskit.again import ByIdentity
from chaoskit.answering import answer, written
from chaoskit.behaviour import Scene
from chaoskit.conversation import Conversation, read
from chaoskit.exchange import (
    Call,
    Found,
    Hosted,
    HostedTool,
    Part,
    Reply,
    Stop,
    Text,
    ToolCall,
)
from chaoskit.settings import settings

_PLACE = re.compile(r"\{(?:prompt|first|user|result)\}")

__all__ = ["Scripted", "ScriptedCall", "ScriptedHosted", "ScriptedSource", "ScriptedTurn"]


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
class ScriptedSource:
    """Something that a tool of the vendor found."""

    example: ClassVar[str] = """
    [behaviour]
    use = "scripted"
    turns = [
        { text = "It failed.", cites = { title = "Log", url = "https://example.com/log" } },
    ]
    """

    title: str
    """Title of the page, or name of the file."""

    url: str
    """Address of the page, or id of the file."""

    text: str = ""
    """What it says."""


@settings
class ScriptedHosted:
    """The use of a tool that the vendor runs itself, such as its web search."""

    example: ClassVar[str] = """
    [behaviour]
    use = "scripted"
    turns = [
        { hosted = { tool = "web_search", query = "{prompt}", found = [
            { title = "Log", url = "https://example.com/log", text = "The deploy failed." },
        ] }, text = "It failed." },
        { hosted = { tool = "code_execution", query = "print(6 * 7)", output = "42" } },
        { hosted = { tool = "web_fetch", query = "https://example.com", error = "unavailable" } },
        { hosted = { tool = "mcp", server = "shop", name = "find", output = "none" } },
    ]
    """

    tool: HostedTool
    """Which tool. What the vendor of the request does not have is left out."""

    query: str = ""
    """What it is asked for: words, a URL, code, or the arguments of an MCP tool as JSON text."""

    found: tuple[ScriptedSource, ...] = ()
    """What a search found, or the page that was fetched."""

    output: str = ""
    """What the code printed, or the MCP tool returned."""

    error: str = ""
    """The vendor's code for what went wrong, such as `max_uses_exceeded`."""

    name: str = ""
    """Name of the MCP tool."""

    server: str = ""
    """Label of the MCP server."""


@settings
class ScriptedTurn:
    """What the model says in one turn."""

    example: ClassVar[str] = """
    [behaviour]
    use = "scripted"
    turns = [
        { text = "Looking.", call = { tool = "search_logs", arguments = { query = "deploy" } } },
        { hosted = { tool = "web_search" }, text = "Yes.", cites = { title = "Log", url = "a" } },
        { text = "That is all I can", stop = "max_tokens" },
    ]
    """

    text: str = ""
    """The text, before any tool calls."""

    hosted: ScriptedHosted | tuple[ScriptedHosted, ...] = ()
    """What the model uses of the vendor's own tools before it says its text."""

    cites: ScriptedSource | tuple[ScriptedSource, ...] = ()
    """What the text cites."""

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
        if len(self.turns) == 1 and self.after == "repeat" and (fixed := _fixed(self.turns[0])):
            return fixed
        seen = read(call)
        if seen.step >= len(self.turns) and self.after == "answer":
            return answer(call, seen, scene.rng)
        turn = self.turns[min(seen.step, len(self.turns) - 1)]
        return _fixed(turn) or _said(turn, _places(call, seen, scene.user))


def _said(turn: ScriptedTurn, places: Mapping[str, str]) -> Reply:
    """Return a turn as the model says it, with what stands in its places."""
    calls = (turn.call,) if isinstance(turn.call, ScriptedCall) else turn.call
    used = (turn.hosted,) if isinstance(turn.hosted, ScriptedHosted) else turn.hosted
    content: list[Part] = [_hosted(one, places) for one in used]
    if turn.text:
        cited = (turn.cites,) if isinstance(turn.cites, ScriptedSource) else turn.cites
        content.append(Text(_filled(turn.text, places), sources=_sources(cited)))
    content += [
        ToolCall(id="", name=one.tool, arguments=_arguments(one.arguments, places)) for one in calls
    ]
    return Reply(content=tuple(content), stop=turn.stop or ("tool_use" if calls else "end"))


@ByIdentity
def _fixed(turn: ScriptedTurn) -> Reply | None:
    """Return what a turn always says, whatever the conversation; None where it has places."""
    return None if turn.call or turn.hosted or "{" in turn.text else _said(turn, {})


def _places(call: Call, seen: Conversation, user: str) -> Mapping[str, str]:
    asked = (message.text for message in call.messages if message.role == "user")
    return {
        "{prompt}": seen.prompt,
        "{first}": next(filter(None, asked), ""),
        "{user}": user,
        "{result}": "\n".join(result.text for result in seen.newest),
    }


def _hosted(one: ScriptedHosted, places: Mapping[str, str]) -> Hosted:
    return Hosted(
        tool=one.tool,
        query=_filled(one.query, places),
        found=_sources(one.found),
        output=one.output,
        error=one.error,
        name=one.name,
        server=one.server,
    )


def _sources(sources: tuple[ScriptedSource, ...]) -> tuple[Found, ...]:
    return tuple([Found(title=one.title, url=one.url, text=one.text) for one in sources])


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
