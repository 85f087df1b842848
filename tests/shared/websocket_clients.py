"""WebSockets as a raw socket sees them."""

import asyncio
import base64
import json

from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import TextMessage

from chaoskit.journal import Delivered

ASK = {"type": "response.create", "model": "gpt-4o-mini", "input": "Why?"}
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def offer(path="/v1/responses", **headers):
    """The bytes of a request for a WebSocket."""
    told = {
        "host": "x",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": base64.b64encode(b"0123456789abcdef").decode(),
        "authorization": "Bearer any",
        **headers,
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in told.items() if v is not None)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class Client:
    """A socket that went on as a WebSocket, and all that came back with its times."""

    def __init__(self, provider, reader, writer):
        self.provider, self.reader, self.writer = provider, reader, writer
        self.frames = Connection(ConnectionType.CLIENT)
        self.pieces, self.end = [], ""

    @classmethod
    async def open(cls, provider, early=b"", **how):
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.server.port)
        writer.write(offer(**how) + early)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        return cls(provider, reader, writer)

    def say(self, *events):
        for event in events:
            made = event if not isinstance(event, dict) else TextMessage(json.dumps(event))
            self.writer.write(self.frames.send(made))

    async def read(self, until=None, patience=7_200):
        """Read until a frame has these words, or until the end."""
        try:
            while until is None or until not in self.raw:
                piece = await asyncio.wait_for(self.reader.read(65_536), patience)
                if not piece:
                    self.end = "closed"
                    break
                self.pieces.append((self.provider.clock.now(), piece))
        except ConnectionResetError:
            self.end = "reset"
        except TimeoutError:
            self.end = "silence"
        return self

    @property
    def raw(self):
        return b"".join(piece for _, piece in self.pieces)

    def close(self):
        self.writer.close()


def parsed(raw):
    """The whole frames in some bytes, and what is left that is none."""
    found = []
    while len(raw) >= 2:
        size, at = raw[1], 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(raw[2:at], "big")
        if raw[0] & 0x70 or size > 2**40 or len(raw) < at + size:
            break
        found.append((raw[0] & 15, raw[at : at + size]))
        raw = raw[at + size :]
    return found, raw


def events(raw):
    """The events in some bytes."""
    return [json.loads(data) for kind, data in parsed(raw)[0] if kind == TEXT]


def talked(wire, *rules, said=(ASK,), until=None, patience=7_200):
    """Say something on a new WebSocket; return the client, and how the exchanges ended."""

    async def talk(provider):
        client = await Client.open(provider)
        client.say(*said)
        await client.read(until, patience)
        client.close()
        await asyncio.sleep(0.1)
        journal = provider.journal
        return client, [event.how for event in journal.of(Delivered)], journal

    return wire.living(talk, *rules)
