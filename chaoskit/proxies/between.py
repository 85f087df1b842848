"""What becomes of one request between a client and a real server of tools.

Requests for tools go through the same stages as those to simulated ones, but the run itself is the
real server's. What no fault changes is passed on as it came.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from chaoskit.dialects.mcp import McpDialect
from chaoskit.dialects.mcp.relayed import (
    asked_of,
    changed_listing,
    changed_result,
    meaning,
    numbered,
    tools_in,
)
from chaoskit.fault import Offered, Result, ToolRequest
from chaoskit.player import Exchange
from chaoskit.steps import Frame, Step
from chaoskit.tool_dialect import Asked
from chaoskit.toolbox import Toolbox
from chaoskit.toolserver import ToolServer
from chaoskit.who import over_a_wire

__all__ = ["Ask", "Between", "Encode"]

Ask = Callable[[int], Awaitable[str]]
"""Sends the request to the real server, once more for each number, and returns its answer."""

Encode = Callable[[tuple[Frame, ...], float], tuple[Step, ...]]
"""Makes the steps of an answer that comes after so many seconds."""

_DIALECT = McpDialect()


class Between:
    """Lets faults strike what a client and a real server say to each other about tools."""

    def __init__(self, server: ToolServer, toolbox: Toolbox) -> None:
        self._server = server
        self._toolbox = toolbox
        self._seen: dict[str, Offered] = {}

    def looks_at(self, message: dict[str, Any], carrier: str) -> Asked | None:
        """Return what a message of the client asks; None for what is passed on without a look."""
        return asked_of(message, carrier)

    async def exchange(self, asked: Asked, ask: Ask, encode: Encode) -> Exchange:
        """Answer a request, by the real server where nothing stands in its way.

        Raises:
            RunStopped: the run exceeded its bounds, or the scenario is mistaken.
        """
        visit = self._server.begin(_DIALECT, asked, self._server.desk())
        refused = self._server.admit(visit)
        if refused is not None:
            return refused
        seconds = 0.0
        if asked.operation == "run_tool":
            text, seconds = await self._run(asked, ask)
        elif asked.operation == "list_tools":
            text = self._listed(await ask(0))
        else:
            text = await ask(0)
        frame = Frame(kind="content", name="message", data=text)
        return self._server.close(visit, (frame,), lambda frames: encode(frames, seconds))

    async def _run(self, asked: Asked, ask: Ask) -> tuple[str, float]:
        """Return the answer to a call, and how much later than it came."""
        tool = self._toolbox.adopt(self._seen.get(asked.tool) or Offered(name=asked.tool))
        request = ToolRequest(tool=tool.name, arguments=dict(asked.arguments))
        began = self._toolbox.now()
        with over_a_wire("mcp"):
            run = self._toolbox.before(tool, request, admitted=True)
        text, result = "", run.instead
        if result is None:
            for number in range(run.times):
                text = await ask(number)
            if run.times > 1:
                text = numbered(text, asked.notes["id"])
            result = meaning(text)
            if run.breaks is not None:
                result = Result(error=run.breaks)
        seconds = self._toolbox.now() - began
        raised = run.instead is None and result.error is not None
        with over_a_wire("mcp"):
            given = self._toolbox.after(
                tool, request, result, run=run, seconds=seconds, raised=raised
            )
        late = float("inf") if given.lost else given.seconds
        if given is result and text and run.breaks is None:
            return text, late
        return changed_result(asked, text, given), late

    def _listed(self, text: str) -> str:
        """Return a page of the list of tools as a fault makes it."""
        try:
            found = tools_in(json.loads(text).get("result", {}))
        except (ValueError, AttributeError):
            return text
        self._seen |= {tool.name: tool for tool in found}
        with over_a_wire("mcp"):
            now = self._toolbox.offer(found)
        return text if now == found else changed_listing(text, found, now)
