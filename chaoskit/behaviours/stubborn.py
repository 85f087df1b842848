"""A model that rephrases a search for ever as long as nothing is found."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from chaoskit.answering import allowed, answer, calling, search_like, written
from chaoskit.arguments import is_valid, valid_arguments
from chaoskit.behaviour import Scene
from chaoskit.conversation import read
from chaoskit.exchange import Call, Reply, ToolCall, ToolSpec
from chaoskit.schema.phrases import content_words, is_search
from chaoskit.settings import Tokens, settings

__all__ = ["Stubborn"]

_BEFORE = ("", "recent", "all", "latest", "details of", "list of", "similar to")
_AFTER = ("", "overview", "history", "cause", "records", "summary", "log", "examples")


@settings
class Stubborn:
    """Searches again with other words until something is found; it never gives up by itself.

    It answers when a search finds something, when no tool is offered, or when the request forbids
    tools. Requests to stop, in a tool result or beside it, are ignored unless `obeys_after` is set.
    """

    example: ClassVar[str] = """
    [behaviour]
    use = "stubborn"
    obeys_after = 2
    answer_tokens = 50
    """

    obeys_after: Annotated[int, Field(ge=0)] | None = None
    """How many requests to stop it ignores before it obeys one; unset, it ignores all of them."""

    answer_tokens: Tokens = 0
    """Approximate length of an answer, in tokens; a shorter one is lengthened."""

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Return one more search, or the answer."""
        seen = read(call)
        call = allowed(call)
        obeys = self.obeys_after is not None and seen.stop_requests > self.obeys_after
        may = bool(call.tools) and call.tool_choice.mode != "none"
        forced = call.tool_choice.mode in ("any", "tool")
        if not may or ((seen.findings or obeys) and not forced):
            return answer(call, seen, scene.rng, tokens=self.answer_tokens)
        tool = call.tool(call.tool_choice.name) or search_like(call.tools, seen.prompt)
        query = _reworded(seen.prompt, scene.step)
        return calling([_search(tool, query, scene)])


def _search(tool: ToolSpec, query: str, scene: Scene) -> ToolCall:
    arguments = valid_arguments(tool.schema, scene.rng, query)
    worded = written({**arguments, _searched(tool, arguments): query})
    if not is_valid(tool.schema, worded):
        worded = written(arguments)
    return ToolCall(id="", name=tool.name, arguments=worded)


def _searched(tool: ToolSpec, arguments: dict[str, object]) -> str:
    """Return the name of the argument that takes the query."""
    properties: Any = tool.schema.get("properties", {})
    texts = [name for name, value in arguments.items() if isinstance(value, str)]
    names = [name for name in properties if is_search(name)] + texts
    return names[0] if names else "query"


def _reworded(prompt: str, step: int) -> str:
    """Return the query of the given step; no two steps of a conversation have the same."""
    words = content_words(prompt)[:5] or ["this"]
    page, combination = divmod(step, len(_BEFORE) * len(_AFTER))
    # Both lists change with every step; their lengths have no common divisor.
    before, after = _BEFORE[combination % len(_BEFORE)], _AFTER[combination % len(_AFTER)]
    more = f"part {page + 1}" if page else ""
    return " ".join(part for part in (before, *words, after, more) if part)
