"""A conversation over standard streams, line by line: the exact bytes, and what ends the process."""

import asyncio
import json
import os
import select

import pytest

from chaoskit.journal import RanTool, Served, Struck
from chaoskit.players.stdio import Stdio
from chaoskit.scenario import parse
from chaoskit.serving import Session
from chaoskit.who import standing_in

WORLD = """
title = "Lines"
[workload]
prompt = "-"
[[tools]]
name = "search"
result = { text = "found it" }
[[tools]]
name = "think"
result = { text = "42" }
latency = "20s"
[[promises]]
check = "no_crash"
"""
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
STAMP = {
    "resultType": "complete",
    "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "chaoskit", "version": "0.1.0"}},
}
ANSWER = {"content": [{"type": "text", "text": "found it"}], "isError": False}


def line(method, request=None, **params):
    """One message of a client."""
    message = {"jsonrpc": "2.0", "method": method}
    message |= {} if request is None else {"id": request}
    return json.dumps(message | ({"params": params} if params else {})).encode()


def call(request, tool="search", **meta):
    """A call in the stateless era."""
    return line("tools/call", request, name=tool, arguments={}, _meta=META | meta)


def rule(fault, **settings):
    """One entry of [[faults]]."""
    more = "\n".join(f"{key} = {value}" for key, value in settings.items())
    return f'\n[[faults]]\nfault = "{fault}"\n{more}\n'


def talk(*lines, faults="", answers=None, scale=100.0):
    """Say lines, wait for so many of the server, and hang up: bytes, exit code and journal."""
    session = Session(parse(WORLD + faults, "lines.chaos.toml"), scale=scale)
    said = bytearray()

    async def main():
        source, mouth = os.pipe()
        enough = asyncio.Event()

        def write(data):
            said.extend(data)
            if said.count(b"\n") >= (answers or 0):
                enough.set()

        player = Stdio(session.tools, session.clock, source=source, write=write)
        running = asyncio.create_task(player.run())
        os.write(mouth, b"".join(one + b"\n" for one in lines))
        if answers:
            done = asyncio.create_task(enough.wait())
            await asyncio.wait((running, done), timeout=20, return_when=asyncio.FIRST_COMPLETED)
            done.cancel()
        if answers is not None:
            os.close(mouth)
        code = await asyncio.wait_for(running, 20)
        if answers is None:
            os.close(mouth)
        return code

    with standing_in("client"):
        code = asyncio.run(main())
    return bytes(said), code, session.journal


def answered(said):
    """The messages that were said, by their ids."""
    return {message.get("id"): message for message in map(json.loads, said.splitlines())}


def test_stateless_conversation_is_one_line_a_message():
    """And the answer is what it would be over HTTP."""
    said, code, journal = talk(call(1), call("two"), answers=2)
    assert answered(said) == {
        1: {"jsonrpc": "2.0", "id": 1, "result": ANSWER | STAMP},
        "two": {"jsonrpc": "2.0", "id": "two", "result": ANSWER | STAMP},
    }
    assert code == 0
    assert [event.status for event in journal.of(Served)] == [0, 0]
    assert {event.user for event in journal.of(RanTool)} == {"client"}


def test_handshake_opens_the_other_era():
    """Before it there is nothing but pings; after it no stateless request is accepted."""
    said, _, _ = talk(
        line("tools/list", 1),
        line("ping", 2),
        line("initialize", 3, **HELLO),
        line("notifications/initialized"),
        line("tools/call", 4, name="search", arguments={}),
        call(5),
        answers=5,
    )
    found = answered(said)
    assert found[1]["error"]["code"] == -32602
    assert found[2]["result"] == {}
    assert found[3]["result"]["protocolVersion"] == "2025-06-18"
    assert found[4]["result"] == ANSWER
    assert found[5]["error"]["code"] == -32600


def test_stateless_era_takes_no_handshake():
    """The error names what is spoken."""
    said, _, _ = talk(call(1), line("initialize", 2, **HELLO), answers=2)
    error = answered(said)[2]["error"]
    assert (error["code"], error["data"]) == (-32022, {"supported": ["2026-07-28"]})


def test_what_is_no_message_is_passed_by():
    """As servers do that cannot tell to whom an error would go."""
    said, code, _ = talk(
        b"{", b"", b"[1]", b'{"jsonrpc": "2.0", "id": 1, "result": {}}', call(7), answers=1
    )
    assert (list(answered(said)), code) == ([7], 0)


def test_quick_answers_overtake_slow_ones():
    """Each comes in its own time."""
    said, _, _ = talk(call(1, "think"), call(2), answers=2)
    assert [message["id"] for message in map(json.loads, said.splitlines())] == [2, 1]


def test_what_was_asked_before_the_end_of_the_input_is_answered():
    """Nobody has to keep a pipe open."""
    said, code, _ = talk(call(1), answers=0)
    assert (list(answered(said)), code) == ([1], 0)


RESULT = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "result": ANSWER | STAMP}, separators=(",", ":")
).encode()
CHANGED = b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n'


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ("", RESULT + b"\n"),
        (rule("duplicated_event", when='{ tool = "search" }'), (RESULT + b"\n") * 2),
        (
            rule("broken_event", when='{ tool = "search" }'),
            RESULT[: len(RESULT) // 2] + b"\n",
        ),
        (rule("wrong_id"), RESULT.replace(b'"id":1', b'"id":100001') + b"\n"),
        (rule("log_noise", lines='["INFO: up", ""]'), b"INFO: up\n\n" + RESULT + b"\n"),
        (
            rule("empty_content"),
            RESULT.replace(json.dumps(ANSWER["content"], separators=(",", ":")).encode(), b"[]")
            + b"\n",
        ),
        (
            rule("unknown_content", type='"smell"'),
            RESULT.replace(b'"type":"text"', b'"type":"smell"') + b"\n",
        ),
        (
            rule("json_rpc_error", code=-32001, message='"late"'),
            b'{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"late"}}\n',
        ),
        (
            rule("unauthorised", when='{ tool = "search" }'),
            b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Authentication required"}}\n',
        ),
        (
            rule("progress", reports=1),
            b'{"jsonrpc":"2.0","method":"notifications/progress","params":'
            b'{"progressToken":"t","progress":1,"total":2}}\n' + RESULT + b"\n",
        ),
        # Nobody listens: the stateless era has no place for it.
        (rule("list_changed_storm"), RESULT + b"\n"),
        # There is no session to expire.
        (rule("session_expired"), RESULT + b"\n"),
    ],
)  # fmt: skip
def test_fault_changes_these_bytes_and_no_others(faults, expected):
    """And says that it struck, exactly where it did."""
    said, code, journal = talk(
        call(1, progressToken="t"), faults=faults, answers=expected.count(b"\n")
    )
    assert (said, code) == (expected, 0)
    assert len(journal.of(Struck)) == (0 if expected == RESULT + b"\n" else 1)


def test_storm_goes_to_clients_of_the_handshake_era():
    """They may be told at any time."""
    said, _, _ = talk(
        line("initialize", 1, **HELLO),
        line("tools/call", 2, name="search", arguments={}),
        faults=rule("list_changed_storm", count=3),
        answers=5,
    )
    assert said.count(CHANGED) == 3


@pytest.mark.parametrize(
    ("faults", "expected", "code"),
    [
        (rule("crash"), b"", 1),
        (rule("crash", half="true"), RESULT[: (len(RESULT) + 1) // 2], 1),
        (rule("cut_stream", when='{ tool = "search" }', after=0), b"", 0),
        (rule("cut_stream", when='{ tool = "search" }', after=0, reset="true"), b"", 1),
        (
            rule("cut_stream", when='{ tool = "search" }', after=0, within="true"),
            RESULT[: (len(RESULT) + 1) // 2],
            0,
        ),
        (rule("connect_error", when='{ tool = "search" }'), b"", 1),
    ],
)
def test_broken_connection_ends_the_process(faults, expected, code):
    """While the client still holds the line; half of an answer is half of its bytes."""
    said, ended, journal = talk(call(1), faults=faults)
    assert (said, ended) == (expected, code)
    ran = "connect_error" not in faults
    assert len(journal.of(RanTool)) == (1 if ran else 0)


def test_cancelled_request_is_not_answered():
    """The tool has run, but nobody waits for it any more."""
    cancel = line("notifications/cancelled", requestId=1)
    said, _, journal = talk(call(1, "think"), cancel, call(2), answers=1)
    assert list(answered(said)) == [2]
    how = {event.tool: event.how for event in journal.of(Served) if event.tool}
    assert how == {"think": "abandoned", "search": "complete"}


def test_ignored_cancel_lets_the_answer_come_all_the_same():
    """After the client has given up."""
    cancel = line("notifications/cancelled", requestId=1)
    said, _, journal = talk(
        call(1, "think"), cancel, call(2), faults=rule("ignored_cancel"), answers=2
    )
    assert [message["id"] for message in map(json.loads, said.splitlines())] == [2, 1]
    assert [event.detail for event in journal.of(Struck)] == ["cancel"]


def test_hang_is_never_answered():
    """Nor does it keep others from their answers, nor the process from its end."""
    said, code, _ = talk(
        call(1), call(2), faults=rule("hang", when='{ tool = "search", calls = 1 }'), answers=1
    )
    assert (list(answered(said)), code) == ([2], 0)


def test_closed_input_is_heard_of_by_who_writes_to_it():
    """The answer came, the server lives, and the next line breaks the client's pipe."""
    faults = rule("closed_input", when="{ calls = 1 }")
    session = Session(parse(WORLD + faults, "lines.chaos.toml"))
    said = bytearray()

    async def main():
        source, mouth = os.pipe()
        player = Stdio(session.tools, session.clock, source=source, write=said.extend)
        running = asyncio.create_task(player.run())
        os.write(mouth, call(1) + b"\n")
        ears = select.poll()
        ears.register(mouth, 0)  # nothing but that nobody reads it any more
        await asyncio.to_thread(ears.poll, 20_000)
        lives = not running.done()
        with pytest.raises(BrokenPipeError):
            os.write(mouth, call(2) + b"\n")
        session.clock.stop("enough")
        await running
        os.close(mouth)
        return lives

    assert asyncio.run(main())
    assert said == RESULT + b"\n"
    assert [event.detail for event in session.journal.of(Struck)] == ["search"]
