"""What the official client, in both eras, sees of every fault; in process, on virtual time."""

import pytest
from mcp import Client, MCPError

from chaoskit.journal import Failed, RanTool, RunEnded, Served, Struck

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
BOTH = pytest.mark.parametrize("mode", ["legacy", "auto"])


URL = "https://tools.test/mcp"


def rule(fault, when="", **settings):
    """One entry of [[faults]]."""
    more = "\n".join(f"{key} = {value}" for key, value in settings.items())
    narrowed = f"when = {{ {when} }}\n" if when else ""
    return f'\n[[faults]]\nfault = "{fault}"\n{narrowed}{more}\n'


SEARCH = 'tool = "search"'


@ERAS
def test_healthy_server_lists_and_runs_tools(world, ask, mode):
    """Both eras, forced and negotiated; structured content where a schema promises it."""

    async def body(client):
        tools = (await client.list_tools()).tools
        counted = await client.call_tool("count", {"of": "apples"})
        return (
            client.protocol_version,
            [tool.name for tool in tools],
            await ask(client),
            counted.structured_content,
        )

    answer, journal = world(body, mode=mode)
    version = "2025-11-25" if mode == "legacy" else "2026-07-28"
    assert answer == (version, ["search", "count"], ("ok", "found it"), {"number": 3})
    assert [event.tool for event in journal.of(RanTool)] == ["count", "search"]
    assert {event.dialect for event in journal.of(Served)} == {"mcp"}
    assert not journal.of(Failed)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_server_of_one_revision_is_negotiated_with(world, ask, version):
    """`auto` probes, is refused, and shakes hands."""

    async def body(client):
        return client.protocol_version, await ask(client)

    answer, _ = world(body, more=f'\n[mcp]\nversions = ["{version}"]\n')
    assert answer == (version, ("ok", "found it"))


@BOTH
def test_failures_inside_of_tools_are_results(world, ask, mode):
    """The model is to see them; only what is no call of a tool is an error of the protocol."""

    async def body(client):
        return (
            await ask(client, query=5),
            (await ask(client, tool="nope"))[:2],
        )

    answer, journal = world(body, mode=mode)
    assert answer == (
        ("error", "input validation error: query: 5 is not of type 'string'"),
        ("raised", -32602),
    )
    assert [event.refused for event in journal.of(Served) if event.tool == "nope"] == ["not_found"]


@BOTH
def test_pages_lead_to_all_tools(world, mode):
    """By opaque cursors, one tool at a time; a cursor of somebody else's is refused."""

    async def body(client):
        names, cursor = [], None
        while True:
            page = await client.list_tools(cursor=cursor)
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
        with pytest.raises(MCPError) as refused:
            await client.list_tools(cursor="mine")
        return names, refused.value.code

    answer, _ = world(body, mode=mode, more="\n[mcp]\npage = 1\n")
    assert answer == (["search", "count"], -32602)


LOST = ("raised", -32000, "SSE stream ended without a response")
FAILED = ("raised", -32603, "Server returned an error response")
UNAVAILABLE = ("raised", -32603, "Service Unavailable")
OK = ("ok", "found it")


@pytest.mark.parametrize(
    ("fault", "legacy", "modern"),
    [
        (rule("json_rpc_error", code=-32000, message='"gone"'), ("raised", -32000, "gone"), None),
        (rule("duplicated_event", SEARCH), OK, None),
        (rule("unfinished_stream", SEARCH, after=0), LOST, None),
        (rule("error_mid_stream", SEARCH, after=0), UNAVAILABLE, None),
        (rule("empty_content"), ("ok",), None),
        (rule("error_result", SEARCH, error='"busy"'), ("error", "busy"), None),
        (rule("empty_result", SEARCH), ("ok", ""), None),
        (rule("unauthorised", SEARCH), FAILED, None),
        (rule("unauthorised", SEARCH, status=403), FAILED, None),
        (rule("rate_limited", SEARCH), ("raised", -32603, "Too Many Requests"), None),
        (rule("server_error", SEARCH, status=503), UNAVAILABLE, None),
        (rule("server_error", SEARCH, status=502, html="true"), FAILED, None),
        (
            rule("wrong_media_type", SEARCH),
            ("raised", -32600, "Unexpected content type: text/plain"),
            None,
        ),
        # An answer on a stream is taken for that of its request, whatever its id says.
        (rule("wrong_id"), OK, ("raised", -32001, "Request 'tools/call' timed out")),
        (rule("session_expired"), ("raised", -32600, "Session not found"), OK),
        (rule("slow", SEARCH, before='"50s"'), OK, None),
    ],
)  # fmt: skip
@BOTH
def test_client_reads_what_is_broken_in_an_answer(world, ask, mode, fault, legacy, modern):
    """Exactly once, in the words of the client."""

    async def body(client):
        return await ask(client)

    answer, journal = world(body, fault, mode=mode, read_timeout_seconds=60)
    expected = legacy if mode == "legacy" or modern is None else modern
    assert answer == expected
    quiet = mode == "auto" and "session_expired" in fault
    assert len(journal.of(Struck)) == (0 if quiet else 1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (rule("broken_event", SEARCH), -32700),
        (rule("timeout_after_effect", SEARCH), -32001),
        (rule("hang", SEARCH), -32001),
    ],
)
@BOTH
def test_client_raises_where_no_answer_can_be_read(world, ask, mode, fault, code):
    """A parse error at once, a timeout of its own after a minute."""

    async def body(client):
        return (await ask(client))[:2]

    answer, journal = world(body, fault, mode=mode, read_timeout_seconds=60)
    assert answer == ("raised", code)
    (ended,) = journal.of(RunEnded)
    assert round(ended.at) == (60 if code == -32001 else 0)


@BOTH
def test_timeout_after_the_effect_has_had_its_effect(world, ask, mode):
    """The journal tells both: the tool ran, and nobody heard of it."""

    async def body(client):
        return (await ask(client))[:2]

    _, journal = world(
        body, rule("timeout_after_effect", SEARCH), mode=mode, read_timeout_seconds=5
    )
    assert [(event.tool, event.outcome) for event in journal.of(RanTool)] == [("search", "lost")]
    run = [event for event in journal.of(Served) if event.operation == "run_tool"]
    assert [event.how for event in run] == ["abandoned"]


@pytest.mark.parametrize(
    ("fault", "legacy", "modern"),
    [
        (rule("crash"), "ReadError", "ReadError"),
        (rule("crash", half="true"), "", "ReadError"),
        (rule("cut_stream", SEARCH, after=0, within="true"), "", "RemoteProtocolError"),
        (rule("connect_error", SEARCH), "ConnectError", "ConnectError"),
    ],
)
@BOTH
def test_broken_connection_ends_the_whole_client(world, ask, mode, fault, legacy, modern):
    """2.3.0 raises errors of the transport out of its task group; a stream that broke is an answer."""

    async def body(client):
        return await ask(client)

    answer, journal = world(body, fault, mode=mode)
    raised = legacy if mode == "legacy" else modern
    if raised:
        (failed,) = journal.of(Failed)
        assert failed.error.endswith(raised)  # the one in the group
        assert answer is None
    else:
        assert answer == LOST
        assert not journal.of(Failed)


@BOTH
def test_unknown_content_is_no_result_for_the_client(world, mode):
    """It validates each block against the types that it knows."""

    async def body(client):
        with pytest.raises(ValueError, match="hologram"):
            await client.call_tool("search", {"query": "x"})
        return "raised"

    assert world(body, rule("unknown_content"), mode=mode)[0] == "raised"


@BOTH
def test_wrong_type_breaks_the_output_schema(world, mode):
    """The client checks structured content once it has seen the schema."""

    async def body(client):
        await client.list_tools()
        with pytest.raises(RuntimeError, match="Invalid structured content"):
            await client.call_tool("count", {"of": "x"})
        return "raised"

    answer, _ = world(body, rule("wrong_type_result", 'tool = "count"'), mode=mode)
    assert answer == "raised"


def test_new_session_is_served_after_one_expired(world, ask):
    """The old id stays unknown; a client that begins anew, with a new transport, goes on."""

    async def body(client):
        first = (await ask(client))[:2]
        second = (await ask(client))[:2]
        async with Client(URL, mode="legacy") as anew:
            return first, second, await ask(anew)

    answer, _ = world(body, rule("session_expired", "calls = 1"), mode="legacy")
    assert answer == (("raised", -32600), ("raised", -32600), OK)


@BOTH
def test_refused_version_ends_the_connection(world, ask, mode):
    """With the revisions that the server claims to speak."""

    async def body(client):
        return await ask(client)

    answer, journal = world(body, rule("version_refused"), mode=mode)
    assert answer is None
    (failed,) = journal.of(Failed)
    assert (failed.error, failed.message) == (
        "mcp.shared.exceptions.MCPError",
        "Unsupported protocol version",
    )
    assert [event.stage for event in journal.of(Struck)] == ["admit"]


def test_slow_start_outlasts_the_probe(world, ask):
    """`auto` gives the probe ten seconds, and then shakes hands with whoever was only late."""

    async def body(client):
        return client.protocol_version, await ask(client)

    fault = rule("slow", 'operation = "connect"', before='"20s"')
    answer, journal = world(body, fault)
    assert answer == ("2025-11-25", OK)
    assert journal.of(RunEnded)[0].at == pytest.approx(30, abs=0.1)


@BOTH
def test_progress_comes_in_equal_parts_of_the_time(world, mode):
    """Only to a client that asked for it, and before the answer."""
    reports = []

    async def body(client):
        async def note(done, total, message):
            reports.append((done, total))

        await client.call_tool("search", {"query": "x"}, progress_callback=note)
        return len(reports)

    latency = rule("slow_result", SEARCH, seconds='"40s"')
    answer, journal = world(body, rule("progress"), latency, mode=mode)
    assert (answer, reports) == (3, [(1, 4), (2, 4), (3, 4)])
    (ended,) = journal.of(RunEnded)
    assert ended.at == pytest.approx(40, abs=0.1)


@BOTH
def test_endless_listing_never_ends(world, mode):
    """A client that follows cursors until there are none goes round for ever."""

    async def body(client):
        cursor, pages = None, []
        for _ in range(5):
            page = await client.list_tools(cursor=cursor)
            cursor = page.next_cursor
            pages.append((len(page.tools), cursor))
        return pages

    assert world(body, rule("endless_listing"), mode=mode)[0] == [(2, "from-0")] * 5


def test_storm_of_changes_reaches_the_handler(world, ask):
    """As many notifications as were asked for, before the answer."""
    seen = []

    async def heard(message):
        seen.append(type(message).__name__)

    async def body(client):
        return await ask(client)

    fault = rule("list_changed_storm", 'operation = "run_tool"', count=30)
    answer, _ = world(body, fault, mode="legacy", message_handler=heard)
    assert (answer, seen) == (OK, ["ToolListChangedNotification"] * 30)


def test_storm_of_changes_reaches_those_who_listen(world):
    """In the stateless era there is a stream for it, and nowhere else do they go."""

    async def body(client):
        kinds = []
        async with client.listen(tools_list_changed=True) as events:
            async for event in events:
                kinds.append(type(event).__name__)
                break
        return kinds

    answer, journal = world(body, rule("list_changed_storm", count=3))
    assert answer == ["ToolsListChanged"]
    assert [event.detail for event in journal.of(Struck)] == ["listen"]


def test_broken_stream_is_resumed_where_events_have_ids(world, ask):
    """The client asks for what it missed by the last id; without ids it gives up at once."""

    async def body(client):
        return await ask(client)

    fault = rule("cut_stream", SEARCH + ", calls = 1", after=0, within="true")
    resumed, journal = world(body, fault, mode="legacy", more="\n[mcp]\nresumable = true\n")
    lost, _ = world(body, fault, mode="legacy")
    assert (resumed, lost) == (OK, LOST)
    (ended,) = journal.of(RunEnded)
    assert ended.at == pytest.approx(1, abs=0.1)
    assert [event.tool for event in journal.of(RanTool)] == ["search"]


@BOTH
def test_long_silence_is_filled_with_pings(world, ask, mode):
    """A tool that takes ten minutes outlives the five minutes that an HTTP client waits."""

    async def body(client):
        return await ask(client)

    answer, journal = world(body, rule("slow_result", SEARCH, seconds='"10m"'), mode=mode)
    assert answer == OK
    assert journal.of(RunEnded)[0].at == pytest.approx(600, abs=0.1)


@BOTH
@pytest.mark.parametrize("fault", ["rate_limited", "hang", "cut_stream", "broken_event"])
def test_rules_about_the_provider_leave_tools_alone(world, ask, mode, fault):
    """A rule without a tool, an operation of tools or their dialect is about models."""

    async def body(client):
        return await ask(client)

    answer, journal = world(body, rule(fault), mode=mode)
    assert answer == OK
    assert not journal.of(Struck)


def test_dialect_alone_makes_a_rule_about_tools(world, ask):
    """And about all of them, at whatever stage its fault works."""

    async def body(client):
        return [(await ask(client))[0] for _ in range(3)]

    answer, _ = world(
        body,
        rule("rate_limited", 'dialect = "mcp", calls = 1', retry_after='"0s"'),
        rule("error_result", 'dialect = "mcp", calls = 1'),
    )
    assert answer == ["raised", "error", "ok"]
