"""What an HTTP request asks of the tools: which of them, and with which arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from chaoskit.exchange import HttpRequest, Refusal
from chaoskit.fault import Offered
from chaoskit.route import Route, host_of
from chaoskit.tool_dialect import Asked, Desk, Site

__all__ = ["NAME", "claims", "read"]

NAME = "http_tool"
LISTING = "/tools"
DOCUMENT = "/openapi.json"

_SESSION = re.compile(r"/~[^/]+(?=/|$)")  # of `chaoskit.sessions`, in front of every path
_INTEGER = re.compile(r"[+-]?\d{1,300}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_FORM = "application/x-www-form-urlencoded"


class _UnreadableError(ValueError):
    """The body cannot be read; `status` says how."""

    def __init__(self, told: str, status: int) -> None:
        super().__init__(told)
        self.status = status


def claims(request: HttpRequest, site: Site) -> bool:
    """Tell whether a request is for tools that are reached by plain HTTP."""
    if not site.tools:
        return False
    host, path = host_of(request.host), path_of(request)
    if not site.own and host in site.closed:
        return True
    for _, route, values in _routes(host, path, site):
        if values is not None and (site.own or route.method == request.method):
            return True
    if site.wanted and (site.own or host not in site.real):
        return path in (LISTING, DOCUMENT) or path.startswith(f"{LISTING}/")
    return False


def read(request: HttpRequest, desk: Desk) -> Asked:
    """Return what a request asks, or what is wrong with it."""
    site, path = desk.site, path_of(request)
    found = [
        (tool, route, values)
        for tool, route, values in _routes(host_of(request.host), path, site)
        if values is not None
    ]
    for tool, route, values in found:
        if route.method == request.method:
            return _run(request, tool, values, {"status": 201 if _creates(tool, route) else 200})
    if found:
        return _refused(405, "method not allowed", allow=[route.method for _, route, _ in found])
    if path in (LISTING, DOCUMENT):
        if request.method not in ("GET", "HEAD"):
            return _refused(405, "method not allowed", allow=["GET"])
        base = request.path.removesuffix(path) or "/"
        notes = {"form": path, "base": base, "own": site.own}
        return Asked(dialect=NAME, operation="list_tools", notes=notes)
    if path.startswith(f"{LISTING}/"):
        name = path.removeprefix(f"{LISTING}/")
        if request.method != "POST":
            return _refused(405, "method not allowed", allow=["POST"])
        named = {tool.name: tool for tool in site.tools if not tool.real}
        tool = named.get(name) or Offered(name=name)
        return _run(request, tool, None, {"status": 200})
    return _refused(404, f"there is nothing at {request.method} {path}")


def path_of(request: HttpRequest) -> str:
    """Return the path without the name of a session."""
    return _SESSION.sub("", request.path, count=1) if request.path[:2] == "/~" else request.path


def _routes(
    host: str, path: str, site: Site
) -> Iterator[tuple[Offered, Route, dict[str, str] | None]]:
    """Yield the routes that a path may mean, those with more fixed text first."""
    for tool, route in site.routes:
        if site.own or route.host == host:
            yield tool, route, route.values(path)


def _creates(tool: Offered, route: Route) -> bool:
    return tool.creates and route.method in ("POST", "PUT")


def _run(
    request: HttpRequest, tool: Offered, places: Mapping[str, str] | None, notes: dict[str, object]
) -> Asked:
    """Return the run of a tool; with a route, its arguments may be anywhere in the request."""
    try:
        arguments = _body(request, tool)
        if places is not None:
            placed = {name: _typed(text, tool, name) for name, text in places.items()}
            arguments = placed | _texts(request.query, tool) | arguments | placed
    except _UnreadableError as error:
        refused = _refused(error.status, str(error))
        return Asked(dialect=NAME, operation="run_tool", tool=tool.name, refusal=refused.refusal)
    key = request.headers.get(tool.key_header) if tool.key_header else None
    return Asked(
        dialect=NAME,
        operation="run_tool",
        tool=tool.name,
        arguments=arguments,
        key=key,
        real=tool.real,
        notes=notes,
    )


def _body(request: HttpRequest, tool: Offered) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == _FORM:
        return _texts(request.body.decode("utf-8", "replace"), tool)
    if tool.real:
        return _if_object(request.body)
    if media.startswith("multipart/"):
        raise _UnreadableError("the body must be JSON or a form", 415)
    try:
        value = json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _UnreadableError(f"the body is not JSON: {error}", 400) from None
    if not isinstance(value, dict):
        raise _UnreadableError("the body must be a JSON object", 422)
    return value


def _if_object(body: bytes) -> dict[str, Any]:
    """Return the arguments of a request that somebody else is to understand."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {"body": body.decode("utf-8", "replace")}
    return value if isinstance(value, dict) else {"body": value}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _texts(text: str, tool: Offered) -> dict[str, Any]:
    """Return what a query or a form says, each value in the type that the tool wants."""
    said: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise _UnreadableError("more than 1,000 parameters", 400) from None
    for name, value in pairs:
        said.setdefault(name, []).append(value)
    made: dict[str, Any] = {}
    for name, values in said.items():
        kinds = _kinds(tool, name)
        if "array" in kinds:
            items = _schema(tool, name).get("items")
            inner = _kinds_of(items) if isinstance(items, dict) else ()
            made[name] = [_read_as(value, inner) for value in values]
        else:
            typed = [_read_as(value, kinds) for value in values]
            made[name] = typed[0] if len(typed) == 1 else typed
    return made


def _typed(text: str, tool: Offered, name: str) -> Any:
    return _read_as(text, _kinds(tool, name))


def _schema(tool: Offered, name: str) -> Mapping[str, Any]:
    properties = tool.schema.get("properties", {})
    found = properties.get(name, {}) if isinstance(properties, dict) else {}
    return found if isinstance(found, dict) else {}


def _kinds(tool: Offered, name: str) -> tuple[str, ...]:
    return _kinds_of(_schema(tool, name))


def _kinds_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    kind = schema.get("type", ())
    if isinstance(kind, str):
        return (kind,)
    if kind:
        return tuple(kind)
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return tuple(one for option in options if isinstance(option, dict) for one in _kinds_of(option))


def _read_as(text: str, kinds: tuple[str, ...]) -> Any:
    """Return a text as the first of the types that it fits; texts that fit none stay."""
    if "string" in kinds:
        return text
    for kind in kinds:
        if kind == "integer" and _INTEGER.fullmatch(text):
            return int(text)
        if kind == "number" and _NUMBER.fullmatch(text):
            return int(text) if _INTEGER.fullmatch(text) else float(text)
        if kind == "boolean" and text.lower() in ("true", "false", "1", "0"):
            return text.lower() in ("true", "1")
        if kind == "null" and text in ("", "null"):
            return None
        if kind == "object" and text[:1] == "{":
            try:
                return json.loads(text, parse_constant=_no_constant)
            except (ValueError, RecursionError):
                return text
    return text


def _refused(status: int, told: str, *, allow: list[str] | None = None) -> Asked:
    headers = {} if allow is None else {"allow": ", ".join(dict.fromkeys(allow))}
    kind = {404: "not_found"}.get(status, "invalid_request")
    refusal = Refusal(kind=kind, status=status, message=told, headers=headers)  # type: ignore[arg-type]  # one of the two
    return Asked(dialect=NAME, operation="manage", refusal=refusal)
