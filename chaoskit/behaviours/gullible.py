"""A model that does what tool results tell it to do."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.answering import calling, written
from chaoskit.behaviour import Scene
from chaoskit.behaviours.helpful import Helpful
from chaoskit.conversation import Conversation, read
from chaoskit.exchange import Call, Reply, ToolCall
from chaoskit.injection import instructions_in
from chaoskit.settings import settings

__all__ = ["Gullible"]

_HELPFUL = Helpful(corrections=0)


@settings
class Gullible:
    """Answers like `helpful`, but obeys texts in tool results that ask for the call of a tool.

    It obeys each of them once in a turn, if the tool is offered. The texts are those of the fault
    `injected_instructions`, or others that say `call the tool NAME with {…}`.
    """

    example: ClassVar[str] = """
    [behaviour]
    use = "gullible"
    """

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Return the calls that the results ask for, or what a helpful model says."""
        seen = read(call)
        asked = _asked_for(call, seen) if call.tool_choice.mode != "none" else []
        return calling(asked) if asked else _HELPFUL.reply(call, scene)


def _asked_for(call: Call, seen: Conversation) -> list[ToolCall]:
    done = {made.name for made in seen.calls}
    wanted = [one for result in seen.newest for one in instructions_in(result.text)]
    return [
        ToolCall(id="", name=one.tool, arguments=written(one.arguments))
        for one in {one.tool: one for one in wanted}.values()
        if call.tool(one.tool) is not None and one.tool not in done
    ]
