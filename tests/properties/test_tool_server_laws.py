"""Laws of the tool server: whatever is said to it, it answers; whatever is relayed, it is the same."""

import json

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.dialects.mcp import McpDialect
from chaoskit.dialects.mcp.relayed import changed_listing, changed_result, meaning, tools_in
from chaoskit.exchange import HttpRequest
from chaoskit.fault import Offered, Result
from chaoskit.jsonrpc import edited
from chaoskit.mcp import McpSettings
from chaoskit.provider.shelf import Shelf
from chaoskit.seed import derive
from chaoskit.steps import Finish, Frame, Head, Send
from chaoskit.tool_dialect import Asked, Desk, Ran

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
METHODS = st.sampled_from(
    [
        "initialize",
        "server/discover",
        "tools/list",
        "tools/call",
        "ping",
        "subscriptions/listen",
        "x",
    ]
)
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
TOOL = Offered(name="echo", schema={"type": "object"})


def optional(*values):
    """Some of these members of an object, each of them perhaps of another kind than it should be."""
    return st.fixed_dictionaries(
        {}, optional={name: st.just(value) | JSON for name, value in values}
    )


MESSAGES = st.builds(
    lambda method, own, params: {"jsonrpc": "2.0", "method": method, "params": params, **own},
    METHODS,
    optional(("id", 1), ("jsonrpc", "2.0"), ("params", {})),
    optional(
        ("name", "echo"), ("arguments", {}), ("_meta", META), ("cursor", "from-1"),
        ("protocolVersion", "2025-06-18"), ("capabilities", {}), ("clientInfo", {}),
        ("notifications", {"toolsListChanged": True}), ("requestId", 1),
    ),
)  # fmt: skip
BODIES = (
    MESSAGES.map(json.dumps).map(str.encode) | JSON.map(json.dumps).map(str.encode) | st.binary()
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "accept": st.sampled_from(["application/json, text/event-stream", "*/*", "text/html"]),
        "content-type": st.sampled_from(["application/json", "text/plain"]),
        "mcp-protocol-version": st.sampled_from(["2025-06-18", "2026-07-28", "2030-01-01"]),
        "mcp-method": METHODS,
        "mcp-name": st.sampled_from(["echo", "=?base64?ZWNobw==?=", "=?base64?é?="]),
        "mcp-session-id": st.sampled_from(["open", "closed"]),
        "last-event-id": st.text(max_size=4),
    },
)


def desk(**settings):
    """What the dialect needs, with one open session."""
    made = Desk(ids=derive(1, "ids"), wall=0.0, shelf=Shelf(), settings=McpSettings(**settings))
    made.shelf.put("session", "open", "2025-11-25")
    return made


def played(asked, at):
    """The steps of the answer to what was asked."""
    dialect = McpDialect()
    if asked.refusal is not None:
        return dialect.refuse(asked.refusal, asked, at)
    answers = {"run_tool": Ran(tool=TOOL, result=Result(value=[1])), "list_tools": (TOOL,)}
    frames = dialect.frames(asked, answers.get(asked.operation), at)
    return dialect.steps(asked, frames, 0.0, at)


@given(st.sampled_from(["GET", "POST", "DELETE", "PUT"]), HEADERS, BODIES, st.booleans())
def test_every_request_has_one_whole_answer(method, headers, body, resumable):
    """Of a status that HTTP has; what is JSON is one message of JSON-RPC, to the same id."""
    request = HttpRequest(method=method, host="t", path="/mcp", headers=headers, body=body)
    at = desk(resumable=resumable)
    asked = McpDialect().decode(request, at)
    steps = played(asked, at)
    (head,) = [step for step in steps if isinstance(step, Head)]
    assert 200 <= head.status < 500
    if asked.operation != "listen":
        assert isinstance(steps[-1], Finish)
    text = b"".join(step.data for step in steps if isinstance(step, Send))
    if head.headers.get("content-type") == "application/json" and text:
        said = json.loads(text)
        assert said["jsonrpc"] == "2.0"
        assert ("result" in said) != ("error" in said)
        assert said["id"] == asked.notes.get("id")


@given(st.lists(BODIES, max_size=5))
def test_every_line_has_one_answer_or_none(lines):
    """One where it is a request, none where it is not; and always a line."""
    at = desk()
    for line in lines:
        asked = McpDialect().heard(line, at)
        steps = played(asked, at)
        text = b"".join(step.data for step in steps if isinstance(step, Send))
        said = [json.loads(one) for one in text.splitlines()]
        assert len(said) == (1 if "id" in asked.notes else 0)
        assert text == b"" or text.endswith(b"\n")
        assert [one.get("id") for one in said if "method" not in one] == [
            asked.notes["id"] for one in said if "method" not in one
        ]


@given(JSON, st.booleans())
def test_edit_that_changes_nothing_is_no_edit(value, twice):
    """The very same frames come back."""
    frame = Frame(
        kind="content", name="", data=json.dumps({"jsonrpc": "2.0", "id": 1, "result": value})
    )
    frames = (frame,) * (2 if twice else 1)
    assert edited(frames, lambda answer: answer) is frames
    assert edited(frames, dict) is frames


RESULTS = st.fixed_dictionaries(
    {"content": st.lists(st.builds(lambda text: {"type": "text", "text": text}, st.text()), max_size=3)},
    optional={
        "structuredContent": st.dictionaries(st.text(max_size=4), JSON, max_size=2),
        "isError": st.booleans(),
        "_meta": st.just({"own": 1}),
    },
)  # fmt: skip


@given(RESULTS)
def test_failure_put_into_a_relayed_answer_is_all_that_changes(result):
    """What else the server said of it stays."""
    asked = Asked(dialect="mcp", operation="run_tool", notes={"id": 5, "era": "handshake"})
    text = json.dumps({"jsonrpc": "2.0", "id": 5, "result": result})
    made = json.loads(changed_result(asked, text, Result(error="no")))["result"]
    kept = {key: value for key, value in result.items() if key == "_meta"}
    assert made == kept | {"content": [{"type": "text", "text": "no"}], "isError": True}
    failed = meaning(text).error is not None
    assert failed is bool(result.get("isError", False))


TOOLS = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(min_size=1, max_size=4), "inputSchema": st.just({"type": "object"})},
        optional={"description": st.text(max_size=4), "icons": st.just([{"src": "x"}])},
    ),
    unique_by=lambda tool: tool["name"],
    max_size=4,
)


@given(TOOLS, st.data())
def test_tools_taken_from_a_relayed_list_leave_the_others_alone(tools, data):
    """Their icons, and whatever else we do not know of, included."""
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "nextCursor": "2"}})
    found = tools_in({"tools": tools})
    kept = tuple(tool for tool in found if data.draw(st.booleans()))
    made = json.loads(changed_listing(text, found, kept))["result"]
    names = {tool.name for tool in kept}
    assert made == {
        "tools": [tool for tool in tools if tool["name"] in names],
        "nextCursor": "2",
    }
