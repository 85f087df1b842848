"""Every rung of both ladders: the simulated server answers as the official one does."""

import asyncio
import json

import httpx2
import pytest
from mcp.server.mcpserver import MCPServer

from chaoskit.dialects.mcp import McpDialect
from chaoskit.exchange import HttpRequest
from chaoskit.fault import Offered, Result
from chaoskit.mcp import McpSettings
from chaoskit.provider.shelf import Shelf
from chaoskit.seed import derive
from chaoskit.steps import Head, Send
from chaoskit.tool_dialect import Desk, Ran

BOTH = "application/json, text/event-stream"
MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
SESSION = "a session"


def said(method, params=None, **more):
    """A request as JSON-RPC has it."""
    message = {"jsonrpc": "2.0", "id": 7, "method": method, **more}
    return message if params is None else message | {"params": params}


def modern(method, name="", /, *, meta=META, headers=None, **params):
    """A request of the stateless era, with the headers that belong to it."""
    own = {"mcp-protocol-version": MODERN, "mcp-method": method}
    own |= {"mcp-name": name} if name else {}
    return "POST", own | (headers or {}), said(method, {**params, "_meta": meta})


def without(key):
    """The envelope without one of its keys."""
    return {name: value for name, value in META.items() if not name.endswith(key)}


CALL = {"name": "echo", "arguments": {"text": "x"}}
NO_ID = {"jsonrpc": "2.0", "method": "notifications/anything"}
STATELESS = {
    "discover": modern("server/discover"),
    "list": modern("tools/list"),
    "call": modern("tools/call", "echo", **CALL),
    "encoded name": modern("tools/call", "=?base64?ZWNobw==?=", **CALL),
    "other name in the header": modern("tools/call", "other", **CALL),
    "no name in the header": modern("tools/call", **CALL),
    "other method in the header": modern("tools/list", headers={"mcp-method": "tools/call"}),
    "other version in the header": modern("tools/list", headers={"mcp-protocol-version": "2030"}),
    "version that nobody speaks": modern(
        "tools/list",
        meta=META | {"io.modelcontextprotocol/protocolVersion": "2030"},
        headers={"mcp-protocol-version": "2030"},
    ),
    "no envelope": ("POST", {"mcp-protocol-version": MODERN}, said("tools/list", {})),
    "no capabilities": modern("tools/list", meta=without("clientCapabilities")),
    "no version": modern("tools/list", meta=without("protocolVersion")),
    "no client info": modern("tools/list", meta=without("clientInfo")),
    "unknown method": modern("tools/sing"),
    "ping is gone": modern("ping"),
    "handshake is gone": modern("initialize", **HELLO),
    "call without a name": modern("tools/call", arguments={}),
    "call with a list of arguments": modern("tools/call", "echo", name="echo", arguments=[]),
    "notification": ("POST", {"mcp-protocol-version": MODERN}, NO_ID),
    "notification of a future": ("POST", {"mcp-protocol-version": "2030"}, NO_ID),
    "no JSON": ("POST", {"mcp-protocol-version": MODERN}, b"{"),
    "a list": ("POST", {"mcp-protocol-version": MODERN}, [said("tools/list")]),
    "a response": ("POST", {"mcp-protocol-version": MODERN}, {"jsonrpc": "2.0", "id": 1, "result": {}}),
    "id is null": ("POST", {"mcp-protocol-version": MODERN}, said("tools/list", {"_meta": META}, id=None)),
    "takes JSON only": modern("tools/list", headers={"accept": "application/json"}),
    "takes anything": modern("tools/list", headers={"accept": "*/*"}),
    "GET": ("GET", {"mcp-protocol-version": MODERN}, b""),
    "DELETE": ("DELETE", {"mcp-protocol-version": MODERN}, b""),
}  # fmt: skip
IN = {"mcp-session-id": SESSION}
HANDSHAKE = {
    "initialize": ("POST", {}, said("initialize", HELLO)),
    "initialize, unknown version": ("POST", {}, said("initialize", HELLO | {"protocolVersion": "2030"})),
    "initialize, no client": ("POST", {}, said("initialize", {"protocolVersion": "2025-06-18"})),
    "list": ("POST", IN, said("tools/list")),
    "call": ("POST", IN, said("tools/call", CALL)),
    "ping": ("POST", IN, said("ping")),
    "unknown method": ("POST", IN, said("tools/sing")),
    "call without a name": ("POST", IN, said("tools/call", {"arguments": {}})),
    "notification": ("POST", IN, NO_ID),
    "response": ("POST", IN, {"jsonrpc": "2.0", "id": 1, "result": {}}),
    "no session": ("POST", {}, said("tools/list")),
    "unknown session": ("POST", {"mcp-session-id": "other"}, said("tools/list")),
    "no JSON": ("POST", IN, b"{"),
    "no message": ("POST", IN, {"hello": 1}),
    "takes JSON only": ("POST", IN | {"accept": "application/json"}, said("tools/list")),
    "PUT": ("PUT", IN, b""),
    "GET without events": ("GET", IN | {"accept": "application/json"}, b""),
    "DELETE without a session": ("DELETE", {}, b""),
    "DELETE": ("DELETE", IN, b""),
}  # fmt: skip


def shape(status, kind, body):
    """What of an answer has to be the same: not the words of errors, nor the server's name."""
    found = [line[5:] for line in body.splitlines() if line.startswith("data:")]
    text = found[-1] if found else body
    try:
        message = json.loads(text) if text else {}
    except ValueError:
        message = {}
    error = message.get("error", {})
    return {
        "status": status,
        "kind": kind.partition(";")[0] if status < 300 and text else "",
        "id": message.get("id"),
        "code": error.get("code"),
        "result": sorted(message.get("result", {})),
        "supported": (error.get("data") or {}).get("supported")
        if isinstance(error.get("data"), dict)
        else None,
    }


def simulated(method, headers, body):
    """The answer of the dialect."""
    desk = Desk(ids=derive(1, "ids"), wall=0.0, shelf=Shelf(), settings=McpSettings())
    desk.shelf.put("session", SESSION, "2025-06-18")
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"accept": BOTH, "content-type": "application/json"} | headers
    request = HttpRequest(method=method, host="t", path="/mcp", headers=own, body=raw)
    dialect = McpDialect()
    asked = dialect.decode(request, desk)
    tool = Offered(
        name="echo",
        schema={"type": "object", "properties": {"text": {"type": "string"}}},
        output={"type": "object", "properties": {"result": {"type": "string"}}},
    )
    if asked.refusal is not None:
        steps = dialect.refuse(asked.refusal, asked, desk)
    else:
        answer = {
            "run_tool": Ran(tool=tool, result=Result(value={"result": "x"})),
            "list_tools": (tool,),
        }.get(asked.operation)
        steps = dialect.steps(asked, dialect.frames(asked, answer, desk), 0.0, desk)
    (head,) = [step for step in steps if isinstance(step, Head)]
    text = b"".join(step.data for step in steps if isinstance(step, Send)).decode()
    return shape(head.status, head.headers.get("content-type", ""), text)


def official(method, headers, body):
    """The answer of the official server."""
    server = MCPServer("official", log_level="CRITICAL")

    @server.tool()
    def echo(text: str) -> str:
        return text

    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def main():
        app = server.streamable_http_app(host="127.0.0.1")
        async with server.session_manager.run():
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8000"
            ) as client:
                own = {"accept": BOTH, "content-type": "application/json"} | headers
                if own.get("mcp-session-id") == SESSION:
                    opened = await client.post(
                        "/mcp",
                        json=said("initialize", HELLO),
                        headers={"accept": BOTH},
                    )
                    own["mcp-session-id"] = opened.headers["mcp-session-id"]
                    await client.post(
                        "/mcp",
                        json={"jsonrpc": "2.0", "method": "notifications/initialized"},
                        headers=own | {"accept": BOTH},
                    )
                answer = await client.request(method, "/mcp", content=raw, headers=own)
                kind = answer.headers.get("content-type", "")
                return shape(answer.status_code, kind, answer.text)

    return asyncio.run(main())


@pytest.mark.parametrize("name", STATELESS)
def test_stateless_request_is_answered_alike(name):
    """Status, content type, id, error code, and what is in the result."""
    assert simulated(*STATELESS[name]) == official(*STATELESS[name])


@pytest.mark.parametrize("name", HANDSHAKE)
def test_request_of_the_handshake_era_is_answered_alike(name):
    """Status, content type, id, error code, and what is in the result."""
    assert simulated(*HANDSHAKE[name]) == official(*HANDSHAKE[name])
