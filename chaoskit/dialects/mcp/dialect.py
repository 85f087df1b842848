"""The dialect itself, which joins reading, results and carriers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chaoskit.dialects.mcp import http, lines, results
from chaoskit.dialects.mcp.lines import DEAF
from chaoskit.dialects.mcp.messages import INVALID_PARAMS, failure, notification, response
from chaoskit.dialects.mcp.refusing import error_of, refuse
from chaoskit.exchange import HttpRequest, Refusal
from chaoskit.fault import FrameMaker
from chaoskit.steps import Frame, Step
from chaoskit.tool_dialect import Answer, Asked, Desk, Ran, Site

__all__ = ["McpDialect"]

_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


class McpDialect:
    """The Model Context Protocol, 2024-11-05 to 2026-07-28, over HTTP and standard streams."""

    name = "mcp"

    def claims(self, request: HttpRequest, site: Site) -> bool:
        """Tell whether the request is in this dialect."""
        by_path = request.path.rstrip("/").endswith("/mcp")
        declared = request.host.partition(":")[0] in site.hosts
        if by_path or "mcp-protocol-version" in request.headers:
            return site.wanted or declared
        if not declared:
            return False
        return (
            "mcp-session-id" in request.headers
            or "text/event-stream" in request.headers.get("accept", "")
            or b'"jsonrpc"' in request.body
        )

    def decode(self, request: HttpRequest, desk: Desk) -> Asked:
        """Return what is asked over HTTP."""
        return http.read(request, desk)

    def heard(self, line: bytes, desk: Desk) -> Asked:
        """Return what is asked by a line of the standard input."""
        return lines.heard(line, desk)

    def frames(self, asked: Asked, answer: Answer, desk: Desk) -> tuple[Frame, ...]:
        """Return the messages of the answer; none where it has no body."""
        notes = asked.notes
        if asked.operation == "listen":
            return _stream(asked, desk)
        if "id" not in notes:
            return ()
        modern = notes["era"] == "modern"
        result: dict[str, Any] | None = {}
        if isinstance(answer, Ran):
            result = results.called(answer.result, answer.tool, modern=modern)
        elif answer is not None:
            page = desk.settings.page
            result = results.listed(answer, notes.get("cursor"), page=page, modern=modern)
        elif asked.operation == "connect":
            result = _opened(asked, desk)
        if result is None:
            return (failure(notes["id"], INVALID_PARAMS, "Invalid cursor"),)
        return (response(notes["id"], results.stamped(result) if modern else result),)

    def maker(self, asked: Asked) -> FrameMaker:
        """Return what makes frames for faults."""
        return _OnLines(asked) if asked.notes["carrier"] == "stdio" else _Maker(asked)

    def steps(
        self, asked: Asked, frames: tuple[Frame, ...], seconds: float, desk: Desk
    ) -> tuple[Step, ...]:
        """Encode an answer."""
        if asked.notes["carrier"] == "stdio":
            return lines.spoken(asked, frames, seconds)
        if asked.operation == "connect" and asked.notes["era"] == "handshake":
            session = f"{desk.ids.getrandbits(128):032x}"
            desk.shelf.put("session", session, asked.notes["version"])
            asked = replace(asked, notes={**asked.notes, "session": session})
        elif asked.operation == "listen" and asked.notes.get("after") is not None:
            due, _ = _missed(asked, desk)
            seconds = max(0.0, due - desk.wall)
        return http.answered(asked, frames, seconds, desk)

    def refuse(self, refusal: Refusal, asked: Asked, desk: Desk) -> tuple[Step, ...] | None:
        """Encode a refusal; None where it makes no sense for this request."""
        return refuse(refusal, asked, desk)


def _opened(asked: Asked, desk: Desk) -> dict[str, Any]:
    if asked.notes["era"] == "modern":
        return results.discovered(desk.settings)
    if asked.notes["carrier"] == "stdio":
        desk.shelf.put("opened", "", asked.notes["version"])
    return results.initialized(str(asked.notes["version"]), desk.settings)


def _stream(asked: Asked, desk: Desk) -> tuple[Frame, ...]:
    """Return the first messages of a stream that stays open."""
    if asked.notes["era"] == "handshake":
        return _missed(asked, desk)[1]
    wanted = asked.notes["filter"]
    honoured = (
        {key: value for key, value in wanted.items() if value} if isinstance(wanted, dict) else {}
    )
    params = {"notifications": honoured, "_meta": {_SUBSCRIPTION: asked.notes["id"]}}
    return (notification("notifications/subscriptions/acknowledged", params),)


def _missed(asked: Asked, desk: Desk) -> tuple[float, tuple[Frame, ...]]:
    """Return what a client asks for again, and when it is due, in unix seconds."""
    after = asked.notes.get("after")
    kept = None if after is None else desk.shelf.get("event", str(after))
    return kept if isinstance(kept, tuple) else (0.0, ())


class _Maker:
    """Makes frames for faults."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def error(self, refusal: Refusal) -> Frame:
        """Return the error that answers the request."""
        return error_of(refusal, self._asked)

    def progress(self, done: int, total: int) -> Frame | None:
        """Return the message on how far a tool has come, if the client wants to know."""
        token = self._asked.notes.get("token")
        if token is None:
            return None
        params = {"progressToken": token, "progress": done, "total": total}
        return notification("notifications/progress", params)

    def tools_changed(self) -> Frame | None:
        """Return the message on other tools; stateless clients get it where they listen for it."""
        method, notes = "notifications/tools/list_changed", self._asked.notes
        if notes.get("era") == "handshake":
            return notification(method)
        wanted = notes.get("filter")
        if not (isinstance(wanted, dict) and wanted.get("toolsListChanged")):
            return None
        return notification(method, {"_meta": {_SUBSCRIPTION: notes["id"]}})


class _OnLines(_Maker):
    """Makes frames for faults where the process may write other things between them."""

    def noise(self, text: str) -> Frame:
        """Return a line that is no message."""
        return Frame(kind="ping", name="", data=text)

    def deaf(self) -> Frame:
        """Return what stands for the end of the standard input."""
        return DEAF
