"""The dialect itself: results as JSON, failures as statuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chaoskit.dialects.http_tool.openapi import document
from chaoskit.dialects.http_tool.reading import DOCUMENT, NAME, claims, read
from chaoskit.exchange import HttpReply, HttpRequest, Refusal, RefusalKind
from chaoskit.fault import FrameMaker, Offered, Result
from chaoskit.player import Passed
from chaoskit.steps import Frame, Step
from chaoskit.timed import plain
from chaoskit.tool import as_text
from chaoskit.tool_dialect import Answer, Asked, Desk, Ran, Site

__all__ = ["HttpToolDialect"]

_JSON = "application/json"
_STATUS: Mapping[RefusalKind, int] = {
    "invalid_request": 400,
    "authentication": 401,
    "billing": 402,
    "permission": 403,
    "not_found": 404,
    "timeout": 504,
    "conflict": 409,
    "too_large": 413,
    "rate_limited": 429,
    "quota_exhausted": 429,
    "server_error": 500,
    "bad_gateway": 502,
    "unavailable": 503,
    "overloaded": 503,
    "context_overflow": 400,
}
_KINDS: Mapping[int, RefusalKind] = {
    401: "authentication",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    429: "rate_limited",
    502: "bad_gateway",
    503: "unavailable",
    504: "timeout",
}
_OF_MCP = ("session_expired", "unsupported_version")


class HttpToolDialect:
    """Plain HTTP and JSON."""

    name = NAME

    def claims(self, request: HttpRequest, site: Site) -> bool:
        """Tell whether the request is in this dialect, and for this server."""
        return claims(request, site)

    def decode(self, request: HttpRequest, desk: Desk) -> Asked:
        """Return what is asked."""
        return read(request, desk)

    def frames(self, asked: Asked, answer: Answer, desk: Desk) -> tuple[Frame, ...]:
        """Return the body of the answer."""
        if isinstance(answer, Ran):
            data = _text_of(answer.result)
        elif asked.notes.get("form") == DOCUMENT:
            url, own = str(asked.notes["base"]), bool(asked.notes["own"])
            data = _written(document(answer or (), url=url, own=own))
        else:
            data = _written({"tools": [_listed(tool) for tool in answer or ()]})
        del desk
        return (Frame(kind="content", name="", data=data),)

    def maker(self, asked: Asked) -> FrameMaker:
        """Return what makes frames for faults."""
        del asked
        return _Maker()

    def steps(
        self, asked: Asked, frames: tuple[Frame, ...], seconds: float, desk: Desk
    ) -> tuple[Step, ...]:
        """Encode an answer."""
        del desk
        status = int(str(asked.notes.get("status", 200)))
        return plain(_reply(status, "".join(frame.data for frame in frames)), wait=seconds)

    def failure(self, ran: Ran) -> Refusal | None:
        """Return the refusal that tells of a failure; None where the tool did not fail."""
        result = ran.result
        if result.error is None or result.lost:
            return None
        return Refusal(
            kind=result.kind,
            status=422 if result.kind == "invalid_request" else 0,
            message=result.error,
            retry_after=result.retry_after,
        )

    def refuse(self, refusal: Refusal, asked: Asked, desk: Desk) -> tuple[Step, ...] | None:
        """Encode a refusal; None where it belongs to another protocol."""
        del asked
        code = refusal.code or ""
        if code in _OF_MCP or code.lstrip("-").isdigit():
            return None
        status = refusal.status or _STATUS[refusal.kind]
        headers = {**refusal.retry_headers(desk.wall), **refusal.headers}
        if refusal.body is not None:
            return plain(HttpReply.whole(status, headers, refusal.body))
        if status == 401:
            headers.setdefault("www-authenticate", "Bearer")
        return plain(_reply(status, _written(_error(refusal)), headers))

    def told(self, passed: Passed) -> Result:
        """Return what a tool gave back, by the answer of its real server."""
        status, text = passed.reply.status, passed.body.decode("utf-8", "replace")
        if status >= 400:
            kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request")
            return Result(error=text or f"HTTP {status}", kind=kind)
        if _JSON not in passed.reply.headers.get("content-type", _JSON):
            return Result(value=text, raw=True)
        try:
            return Result(value=json.loads(text))
        except (ValueError, RecursionError):
            return Result(value=text, raw=True)

    def retold(self, result: Result, passed: Passed | None, desk: Desk) -> tuple[Step, ...]:
        """Encode a result that is not as the real server told it, or was never asked for."""
        del desk
        status = 200 if passed is None or passed.reply.status >= 400 else passed.reply.status
        media = _JSON
        if passed is not None and result.raw:
            media = passed.reply.headers.get("content-type", media)
        return plain(_reply(status, _text_of(result), {"content-type": media}))


def _text_of(result: Result) -> str:
    """Return a value as JSON, unless it is the text of an answer already."""
    value = result.value
    if isinstance(value, str):
        return value if result.raw else _written(value)
    return as_text(value)


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _reply(status: int, text: str, headers: Mapping[str, str] | None = None) -> HttpReply:
    body = text.encode("utf-8", "replace")
    return HttpReply.whole(status, {"content-type": _JSON, **(headers or {})}, body)


def _error(refusal: Refusal) -> dict[str, Any]:
    told = refusal.message or refusal.kind.replace("_", " ")
    return {"error": {"code": refusal.code or refusal.kind, "message": told}}


def _listed(tool: Offered) -> dict[str, Any]:
    made: dict[str, Any] = {"name": tool.name, "description": tool.description}
    made |= {"input": {"type": "object", **tool.schema}}
    if tool.output:
        made["output"] = dict(tool.output)
    if tool.route is not None:
        made["http"] = str(tool.route)
    return made


class _Maker:
    """Makes frames for faults."""

    def error(self, refusal: Refusal) -> Frame:
        """Return what tells of an error where an answer had begun."""
        return Frame(kind="error", name="", data=_written(_error(refusal)))
