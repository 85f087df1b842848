"""In front of a real server, made with the official package, and driven by the official client."""

import asyncio
import contextlib
import json
import os
import random
import shlex
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from chaoskit.journal import Journal, RanTool, Struck
from chaoskit.player import LARGEST

pytestmark = pytest.mark.slow

REAL = str(Path(__file__).with_name("real_server.py"))
SERVER = shlex.join([sys.executable, REAL])
CHAOSKIT = [sys.executable, "-c", "from chaoskit.cli import main; main()"]
BLANK = """
title = "In front"
[workload]
prompt = "-"
[[promises]]
check = "no_crash"
optional = true
"""
PATIENCE = 30  # seconds; a proxy and a server have to start
MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])


def rule(fault, when="", **settings):
    """One entry of [[faults]]."""
    more = "\n".join(f"{key} = {value}" for key, value in settings.items())
    narrowed = f"when = {{ {when} }}\n" if when else ""
    return f'\n[[faults]]\nfault = "{fault}"\n{narrowed}{more}\n'


async def everything(client):
    """All that there is to see of the real server, without what differs from run to run."""
    reports = []

    async def note(done, total, message):
        reports.append((done, total))

    tools = (await client.list_tools()).tools
    counted = await client.call_tool("count", {"to": 3}, progress_callback=note)
    wrong = await client.call_tool("add", {"a": "one"})
    return {
        "version": client.protocol_version,
        "info": client.server_info.name,
        "instructions": client.instructions,
        "tools": [tool.model_dump() for tool in tools],
        "sum": (await client.call_tool("add", {"a": 1, "b": 2})).model_dump(),
        "wrong": (wrong.is_error, len(wrong.content)),
        "counted": (counted.model_dump(), reports),
        "note": (await client.read_resource("note://one")).model_dump(),
        "greeting": (await client.get_prompt("greet", {"name": "Ann"})).model_dump(),
        "additions": (await client.call_tool("additions")).structured_content,
    }


async def told(client, tool, **arguments):
    """What comes of a call, in words."""
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as error:
        return ("raised", error.code)
    except RuntimeError as error:
        return ("invalid", str(error))
    texts = tuple(block.text for block in result.content)
    return ("error" if result.is_error else "ok", *texts)


def command(*words):
    """What the official client starts."""
    return StdioServerParameters(command=words[0], args=list(words[1:]), env=dict(os.environ))


@pytest.fixture
def behind(tmp_path):
    """Use the real server behind the proxy, over standard streams; return what was seen of it."""

    def use(body, *faults, mode="auto", server=SERVER):
        scenario, journal = tmp_path / "front.chaos.toml", tmp_path / "journal.jsonl"
        scenario.write_text(BLANK + "".join(faults))
        words = [
            *CHAOSKIT,
            "mcp",
            str(scenario),
            "--in-front-of",
            server,
            "--journal",
            str(journal),
        ]

        async def main(errors):
            wire = stdio_client(command(*words), errlog=errors)
            async with Client(wire, mode=mode, read_timeout_seconds=PATIENCE) as client:
                return await body(client)

        with tempfile.TemporaryFile("w+") as errors:
            seen = asyncio.run(main(errors))
            errors.seek(0)
            return seen, Journal.loads(journal.read_text()), errors.read()

    return use


@MODES
def test_what_no_fault_strikes_passes_unchanged(behind, mode):
    """Tools, progress, resources, prompts and errors: as without the proxy."""

    async def directly():
        wire = stdio_client(command(sys.executable, REAL))
        async with Client(wire, mode=mode, read_timeout_seconds=PATIENCE) as client:
            return await everything(client)

    seen, journal, errors = behind(everything, mode=mode)
    assert seen == asyncio.run(directly())
    ran = [(event.tool, event.simulated, event.outcome) for event in journal.of(RanTool)]
    assert ran == [
        ("count", False, "result"),
        ("add", False, "raised"),
        ("add", False, "result"),
        ("additions", False, "result"),
    ]
    assert not journal.of(Struck)
    assert errors == ""


@MODES
def test_faults_strike_what_real_tools_do_and_say(behind, mode):
    """Refused before, delivered twice, failed after; the server's own count tells what it did."""

    async def body(client):
        names = [tool.name for tool in (await client.list_tools()).tools]
        sums = [await told(client, "add", a=1, b=number) for number in range(5)]
        return names, sums, await told(client, "additions")

    names, sums, additions = behind(
        body,
        rule("tool_vanished", 'operation = "list_tools"', tool='"fall_over"'),
        rule("json_rpc_error", 'tool = "add", calls = 1', code=-32000),
        rule("duplicate_delivery", 'tool = "add", calls = 1'),
        rule("error_result", 'tool = "add", calls = 2', error='"busy"'),
        rule("empty_content", 'tool = "add", calls = 4'),
        mode=mode,
    )[0]
    assert names == ["add", "additions", "count"]
    # What was refused never reached the server; the run that followed reached it twice.
    lacking = "Tool add has an output schema but did not return structured content"
    assert sums == [
        ("raised", -32000),
        ("ok", "2"),
        ("error", "busy"),
        ("ok", "4"),
        ("invalid", lacking),
    ]
    assert additions == ("ok", "5")


def test_death_of_the_server_is_told(behind):
    """To the client by the end of the stream, to people by the exit code."""

    async def body(client):
        return await told(client, "fall_over")

    seen, _, errors = behind(body)
    assert seen == ("raised", -32000)
    assert "ended with exit code 3" in errors


@pytest.mark.parametrize("server", ["there-is-no-such-command", "'"])
def test_server_that_cannot_be_started_is_a_mistake_of_the_user(tmp_path, server):
    """One line, and the exit code of bad usage."""
    scenario = tmp_path / "front.chaos.toml"
    scenario.write_text(BLANK)
    ended = subprocess.run(
        [*CHAOSKIT, "mcp", str(scenario), "--in-front-of", server],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: the server")
    assert ended.stdout == ""


@contextlib.contextmanager
def started(*words, port):
    """A process that listens, from its first answer on."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx2.Client() as client:
            for _ in range(PATIENCE * 20):
                with contextlib.suppress(httpx2.TransportError):
                    client.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE)
                    break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def free():
    """A port that nobody has now, and that the system gives to no client meanwhile."""
    for port in random.SystemRandom().sample(range(12_000, 30_000), 100):
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@pytest.fixture
def in_front(tmp_path):
    """Use the real server over HTTP, directly and through the proxy."""

    def use(body, *faults, mode="auto"):
        scenario, journal = tmp_path / "front.chaos.toml", tmp_path / "journal.jsonl"
        scenario.write_text(BLANK + "".join(faults))
        real, proxy = free(), free()
        url = f"http://127.0.0.1:{real}/mcp"
        front = ["--in-front-of", url, "--port", str(proxy), "--journal", str(journal)]

        async def main(port):
            where = f"http://127.0.0.1:{port}/mcp"
            async with Client(where, mode=mode, read_timeout_seconds=PATIENCE) as client:
                return await body(client)

        with (
            started(sys.executable, REAL, str(real), port=real),
            started(*CHAOSKIT, "mcp", str(scenario), *front, port=proxy),
        ):
            through = asyncio.run(main(proxy))
            directly = asyncio.run(main(real))
        return through, directly, Journal.loads(journal.read_text())

    return use


@MODES
def test_http_passes_unchanged_where_no_fault_strikes(in_front, mode):
    """In both eras; the second look at the server finds one addition more."""
    through, directly, journal = in_front(everything, mode=mode)
    assert (through.pop("additions"), directly.pop("additions")) == ({"result": 1}, {"result": 2})
    assert through == directly
    assert not journal.of(Struck)
    assert {event.simulated for event in journal.of(RanTool)} == {False}


@MODES
def test_http_is_broken_where_faults_strike(in_front, mode):
    """Refusals, runs, results and connections alike."""

    async def body(client):
        return [await told(client, "add", a=1, b=number) for number in range(4)]

    through, directly, journal = in_front(
        body,
        rule("server_error", 'tool = "add", calls = 1', status=503),
        rule("duplicate_delivery", 'tool = "add", calls = 1'),
        rule("error_result", 'tool = "add", calls = 2', error='"busy"'),
        rule("json_rpc_error", 'tool = "add", calls = 4', code=-32000),
        mode=mode,
    )
    assert through == [("raised", -32603), ("ok", "2"), ("error", "busy"), ("raised", -32000)]
    assert directly == [("ok", str(number)) for number in range(1, 5)]
    assert len(journal.of(Struck)) == 4


@MODES
def test_url_is_served_to_a_client_that_starts_commands(behind, mode):
    """Its tools, progress, resources and prompts; and faults strike on the way."""
    port = free()
    url = f"http://127.0.0.1:{port}/mcp"

    async def body(client):
        seen = await everything(client)
        return seen, await told(client, "add", a=1, b=1)

    async def directly():
        async with Client(url, mode=mode, read_timeout_seconds=PATIENCE) as client:
            return await everything(client)

    with started(sys.executable, REAL, str(port), port=port):
        fault = rule("error_result", 'tool = "add", calls = 3', error='"busy"')
        (through, struck), journal, errors = behind(body, fault, mode=mode, server=url)
        expected = asyncio.run(directly())
    assert (through.pop("additions"), expected.pop("additions")) == ({"result": 1}, {"result": 3})
    assert through == expected
    assert struck == ("error", "busy")
    assert len(journal.of(Struck)) == 1
    assert errors == ""


@MODES
def test_url_where_nobody_listens_is_an_error_of_each_request(behind, mode):
    """Not a hang, and not the end of the proxy."""

    async def body(client):
        raise AssertionError("it cannot connect")

    with pytest.raises(ExceptionGroup) as raised:
        behind(body, mode=mode, server=f"http://127.0.0.1:{free()}/mcp")
    assert "cannot be reached" in "".join(traceback.format_exception(raised.value))


def test_http_server_that_is_gone_is_a_bad_gateway(tmp_path):
    """Not a hang."""
    scenario, port = tmp_path / "front.chaos.toml", free()
    scenario.write_text(BLANK)
    nobody = f"http://127.0.0.1:{free()}/mcp"
    with started(
        *CHAOSKIT, "mcp", str(scenario), "--in-front-of", nobody, "--port", str(port), port=port
    ):
        message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        answer = httpx2.post(f"http://127.0.0.1:{port}/mcp", content=message, timeout=PATIENCE)
    assert answer.status_code == 502
    assert "cannot be reached" in answer.text


def test_http_request_that_is_too_large_is_refused(tmp_path):
    """As by the server of simulated tools; nothing of it reaches the real one."""
    scenario, port = tmp_path / "front.chaos.toml", free()
    scenario.write_text(BLANK)
    nobody = f"http://127.0.0.1:{free()}/mcp"
    with started(
        *CHAOSKIT, "mcp", str(scenario), "--in-front-of", nobody, "--port", str(port), port=port
    ):
        sent = b"x" * (LARGEST + 1)
        answer = httpx2.post(f"http://127.0.0.1:{port}/mcp", content=sent, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
