"""A model that calls what fits, corrects itself after errors, and answers from the results."""

from __future__ import annotations

import random
from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.answering import allowed, answer, calling, fitting, search_like, tool_call
from chaoskit.behaviour import Scene
from chaoskit.conversation import Conversation, is_error, read
from chaoskit.exchange import Call, Reply, ToolCall, ToolSpec
from chaoskit.schema.phrases import content_words
from chaoskit.searching import searched
from chaoskit.settings import Tokens, settings

__all__ = ["Helpful"]


@settings
class Helpful:
    """Calls the offered tools that fit the question, then answers from what they found.

    A tool fits when its name or description shares a word with the question; a single tool always
    does. `tool_choice` is obeyed. After an error it calls again with valid arguments; it gives up
    honestly after `corrections` failures in a row, or as soon as it is told to stop. Where the
    request offers the vendor's own search and nothing else fits, it searches, and cites what that
    found.
    """

    example: ClassVar[str] = """
    [behaviour]
    use = "helpful"
    calls_per_turn = 2
    parallel = 2
    corrections = 1
    answer_tokens = 400
    """

    calls_per_turn: Annotated[int, Field(ge=0)] = 1
    """How many model turns call tools before the answer, where tools are offered."""

    parallel: Annotated[int, Field(ge=1)] = 1
    """How many tools it calls at once, where so many calls make sense and the request allows it."""

    corrections: Annotated[int, Field(ge=0)] = 3
    """How often in a row it corrects a call that brought an error."""

    answer_tokens: Tokens = 0
    """Approximate length of an answer, in tokens; a shorter one is lengthened."""

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Return tool calls, or the answer."""
        seen = read(call)
        call = allowed(call)
        choice = call.tool_choice
        if not call.tools or choice.mode == "none":
            return self._answer(call, seen, scene.rng)
        if choice.mode == "tool" and (named := call.tool(choice.name)):
            return calling([tool_call(named, scene.rng, seen.prompt)])
        forced = choice.mode == "any"
        if seen.failures and (forced or self._corrects(seen)):
            return calling(_again(call, seen, scene.rng))
        if not seen.failures and (forced or self._goes_on(seen)):
            calls = self._calls(call, seen, scene.rng)
            if calls:
                return calling(calls)
        return self._answer(call, seen, scene.rng)

    def _answer(self, call: Call, seen: Conversation, rng: random.Random) -> Reply:
        """Return the answer, after a search of the vendor's where nothing else was looked up."""
        said = answer(call, seen, rng, tokens=self.answer_tokens)
        if call.hosted and call.tool_choice.mode != "none" and not seen.step:
            return searched(said, call, seen.prompt)
        return said

    def _corrects(self, seen: Conversation) -> bool:
        return seen.failures <= self.corrections and not seen.stop_requests

    def _goes_on(self, seen: Conversation) -> bool:
        good = sum(not any(map(is_error, results)) for results in seen.rounds)
        return good < self.calls_per_turn and not seen.stop_requests

    def _calls(self, call: Call, seen: Conversation, rng: random.Random) -> list[ToolCall]:
        """Return calls of the tools that fit and were not called yet, or of all that fit."""
        fits = fitting(call.tools, seen.prompt)
        if not fits and call.tool_choice.mode == "any":
            fits = [search_like(call.tools, seen.prompt)]
        done = {made.name for made in seen.calls}
        fresh = [tool for tool in fits if tool.name not in done]
        if not fresh and call.tool_choice.mode == "any":
            # Where it may not answer in words, a tool that it has not called yet may take them.
            fresh = [tool for tool in call.tools if tool.name not in done]
        fresh = fresh or fits
        wanted = self.parallel if call.tool_choice.parallel else 1
        words = content_words(seen.prompt)
        made: list[ToolCall] = []
        for index in range(wanted if fresh else 0):
            turn = index // len(fresh) + seen.step
            hint = " ".join(words[turn:] + words[:turn]) if turn else seen.prompt
            one = tool_call(fresh[index % len(fresh)], rng, hint)
            if one not in made:
                made.append(one)
        return made


def _again(call: Call, seen: Conversation, rng: random.Random) -> list[ToolCall]:
    """Return the failed calls of the newest results, corrected; each different one once."""
    made: list[ToolCall] = []
    for result in seen.newest:
        if is_error(result):
            failed = seen.called(result)
            one = tool_call(_meant(call.tools, failed, seen.prompt), rng, seen.prompt)
            if one not in made:
                made.append(one)
    return made


def _meant(tools: tuple[ToolSpec, ...], failed: ToolCall | None, prompt: str) -> ToolSpec:
    offered = next((tool for tool in tools if failed and tool.name == failed.name), None)
    return offered or search_like(tools, prompt)
