"""The tool server as clients find it: on the port of `chaoskit serve`, and as a command."""

import asyncio
import json
import os
import subprocess
import sys

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from chaoskit.journal import Journal, RanTool, Served, Struck
from chaoskit.scenario import parse
from chaoskit.serving import serving

CHAOSKIT = [sys.executable, "-c", "from chaoskit.cli import main; main()"]
WORLD = """
title = "Served"
[workload]
prompt = "-"
[records.refunds]
fields = { order = "string", amount = "number" }
[[tools]]
name = "refund"
input = { order = "string", amount = "number" }
does = { create = "refunds" }
[[tools]]
name = "search"
result = { text = "found it" }
[[promises]]
check = "no_crash"
optional = true
"""
PATIENCE = 30  # seconds
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])


def rule(fault, when="", **settings):
    """One entry of [[faults]]."""
    more = "\n".join(f"{key} = {value}" for key, value in settings.items())
    narrowed = f"when = {{ {when} }}\n" if when else ""
    return f'\n[[faults]]\nfault = "{fault}"\n{narrowed}{more}\n'


async def told(client, tool="search", **arguments):
    """What comes of a call, in words."""
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as error:
        return ("raised", error.code)
    return ("error" if result.is_error else "ok", *[block.text for block in result.content])


@pytest.fixture
def port():
    """Let an async function be a client of a server on a port; return what it says."""

    def use(body, *faults, mode="auto", session="", scale=1.0):
        with serving(parse(WORLD + "".join(faults), "served.chaos.toml"), scale=scale) as server:

            async def main():
                url = server.session(session).mcp_url
                async with Client(url, mode=mode, read_timeout_seconds=PATIENCE) as client:
                    return await body(client)

            return asyncio.run(main()), server.session(session).journal

    return use


@MODES
def test_client_finds_the_tools_on_the_port(port, mode):
    """With the variable that says where."""

    async def body(client):
        names = [tool.name for tool in (await client.list_tools()).tools]
        return names, await told(client), await told(client, "refund", order="o-1", amount=5)

    (names, found, refunded), journal = port(body, mode=mode)
    assert names == ["refund", "search"]
    assert found == ("ok", "found it")
    assert json.loads(refunded[1])["order"] == "o-1"
    assert [event.tool for event in journal.of(RanTool)] == ["search", "refund"]


@MODES
def test_faults_strike_on_the_port(port, mode):
    """The same words as everywhere."""

    async def body(client):
        return [(await told(client))[:2] for _ in range(4)]

    answer, journal = port(
        body,
        rule("rate_limited", 'tool = "search", calls = 1', retry_after='"0s"'),
        rule("error_result", 'tool = "search", calls = 1', error='"busy"'),
        rule("json_rpc_error", 'tool = "search", calls = 3', code=-32000),
        rule("slow_result", 'tool = "search", calls = 2', seconds='"90s"'),
        mode=mode,
        scale=1000,
    )
    assert answer == [
        ("raised", -32603),
        ("error", "busy"),
        ("raised", -32000),
        ("ok", "found it"),
    ]
    assert len(journal.of(Struck)) == 4


def test_crash_resets_the_connection_and_forgets_the_sessions():
    """Whoever comes back with the old session is told that there is none."""
    with serving(parse(WORLD + rule("crash", "calls = 1"), "served.chaos.toml")) as server:
        url = server.session().mcp_url
        headers = {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
        }
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        with httpx2.Client(headers=headers, timeout=PATIENCE) as client:

            def post(method, params, **more):
                message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                return client.post(url, json=message, headers=more)

            own = {"mcp-session-id": post("initialize", hello).headers["mcp-session-id"]}
            call = {"name": "search", "arguments": {}}
            with pytest.raises(httpx2.ReadError):
                post("tools/call", call, **own)
            assert post("tools/call", call, **own).status_code == 404
            assert "mcp-session-id" in post("initialize", hello).headers
        assert [event.how for event in server.session().journal.of(Served)] == [
            "complete",
            "reset",
            "complete",
            "complete",
        ]


def test_each_session_has_a_world_of_its_own():
    """Records, sessions and faults of one test are none of another's."""
    with serving(parse(WORLD, "served.chaos.toml")) as server:
        server.session("sick").fault("error_result", tool="search", error="busy")

        async def main():
            async with (
                Client(server.session("sick").mcp_url) as sick,
                Client(server.session("well").mcp_url) as well,
            ):
                await told(sick, "refund", order="o-1", amount=5)
                return await told(sick), await told(well)

        assert asyncio.run(main()) == (("error", "busy"), ("ok", "found it"))
        ran = {
            name: [event.tool for event in server.session(name).journal.of(RanTool)]
            for name in ("sick", "well")
        }
        assert ran == {"sick": ["refund", "search"], "well": ["search"]}


def test_command_of_a_run_is_told_where_the_tools_are():
    """By its environment, with its user in the path."""
    with serving(parse(WORLD, "served.chaos.toml")) as server:
        environment = server.session("ann").environment()
        assert environment["CHAOS_MCP_URL"] == f"{server.url}/~ann/mcp"


@pytest.mark.slow
@MODES
def test_client_starts_it_as_a_command(tmp_path, mode):
    """What crosses its standard output is the protocol, and nothing else."""
    scenario, journal = tmp_path / "served.chaos.toml", tmp_path / "journal.jsonl"
    faults = [
        rule("log_noise", 'tool = "search", calls = 1'),
        rule("broken_event", 'tool = "search", calls = 2'),
        rule("duplicated_event", 'tool = "search", calls = 3'),
        rule("crash", 'tool = "search", calls = 5', half="true"),
    ]
    scenario.write_text(WORLD + "".join(faults))
    words = [*CHAOSKIT[1:], "mcp", str(scenario), "--journal", str(journal)]
    start = StdioServerParameters(command=CHAOSKIT[0], args=words, env=dict(os.environ))

    async def main():
        async with Client(stdio_client(start), mode=mode, read_timeout_seconds=PATIENCE) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            seen = [await told(client)]
            with pytest.raises(MCPError):  # a line that cannot be read answers nobody
                await client.call_tool("search", {}, read_timeout_seconds=0.2)
            seen += [await told(client) for _ in range(3)]
            return client.protocol_version, names, seen

    version, names, seen = asyncio.run(main())
    assert version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
    assert names == ["refund", "search"]
    assert seen == [("ok", "found it")] * 3 + [("raised", -32000)]
    assert len(Journal.loads(journal.read_text()).of(Struck)) == 4


@pytest.mark.slow
def test_command_says_in_the_end_how_its_client_is_judged(tmp_path):
    """On the standard error, and by the exit code."""
    scenario = tmp_path / "served.chaos.toml"
    scenario.write_text(WORLD + rule("error_result", 'tool = "search"'))
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": "search",
            "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    }

    def ended(line):
        return subprocess.run(
            [*CHAOSKIT, "mcp", str(scenario), "--verdict"],
            input=f"{line}\n",
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    asked, silent = ended(json.dumps(message)), ended("")
    assert json.loads(asked.stdout)["result"]["isError"]
    assert (asked.returncode, asked.stderr) == (0, "PASS\n")
    assert silent.returncode == 3
    assert silent.stderr.startswith("UNKNOWN")
