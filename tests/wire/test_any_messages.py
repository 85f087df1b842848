"""Whatever arrives on a WebSocket gets an answer, and the next client is served."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.events import BytesMessage, Ping, TextMessage

from chaoskit.journal import Requested
from websocket_clients import ASK, CLOSE, PONG, TEXT, Client, events, parsed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("type", "model", "input", "stream", "stream_id", "generate", "background", "store"),
        *("previous_response_id", "tools", "tool_choice", "metadata", "instructions", "prompt"),
        *("prompt_cache_options", "include", "text", "reasoning", "stream_options"),
    ]
)
MESSAGES = st.one_of(
    st.dictionaries(FIELDS, JSON, max_size=5).map(lambda changes: json.dumps(ASK | changes)),
    st.dictionaries(FIELDS, JSON, max_size=3).map(
        lambda changes: json.dumps({"type": "response.steer", "input": "x"} | changes)
    ),
    JSON.map(json.dumps),
    st.text(max_size=40),
).map(TextMessage) | st.binary(max_size=40).map(BytesMessage)


# No constants, which Hypothesis might think of as well.
END = bytes([254, 255] * 4)
LAST = str(3**50)


def told_as_the_vendor(found):
    """Whether frames are what the vendor might send."""
    for kind, data in found:
        assert kind in (TEXT, PONG, CLOSE)
        if kind != TEXT:
            continue
        event = json.loads(data)
        if event["type"] != "error":
            assert event["type"].startswith("response.")
        elif "sequence_number" not in event:
            assert 400 <= event["status"] < 500
            assert {"message", "type", "param", "code"} <= set(event["error"])
    return True


@pytest.mark.slow
@given(st.lists(MESSAGES, min_size=1, max_size=8))
@settings(max_examples=200)
def test_any_message_gets_an_answer_of_the_vendor(wire, said):
    """And the connection is good for the next."""

    async def talk(provider):
        client = await Client.open(provider)
        client.say(*said)
        client.say(Ping(END))
        await client.read(until=END)
        client.say(ASK | {"metadata": {"last": LAST}})
        await client.read(until=LAST.encode())
        await client.read(patience=5)
        client.close()
        return client, provider.journal

    client, journal = wire.living(talk)
    found, rest = parsed(client.raw)
    assert told_as_the_vendor(found)
    assert (rest, client.end) == (b"", "silence")
    assert len(journal.of(Requested)) == len(said) + 1


@pytest.mark.slow
@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5), st.booleans())
@settings(max_examples=200)
def test_any_bytes_after_the_handshake_leave_the_server_as_it_was(wire, noises, asks):
    """Whole and in pieces; the next client is served as if nothing had been."""

    async def talk(provider):
        client = await Client.open(provider)
        if asks:
            client.say(ASK)
        with contextlib.suppress(OSError):
            for noise in noises:
                client.writer.write(noise)
                await client.writer.drain()
        await client.read(patience=5)
        client.close()
        other = await Client.open(provider)
        other.say(ASK)
        await other.read(until=b"response.completed")
        other.close()
        return client, other

    client, other = wire.living(talk)
    found, rest = parsed(client.raw)
    assert told_as_the_vendor(found)
    assert rest == b""
    assert events(other.raw)[-1]["type"] == "response.completed"
