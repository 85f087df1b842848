"""The requests of one HTTP connection, for servers whose answers take their time to be known."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import httptools

from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.player import LARGEST, LARGEST_HEAD

__all__ = ["Requests"]

_AT_ONCE = 65_536  # bytes
_MOST_WAITING = 64  # requests that are read before their turn


class Requests:
    """Reads requests from a stream. Their body is complete, their order is kept."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: asyncio.Queue[HttpRequest | HttpReply | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._ended = False  # no more requests are read
        self.on_message_begin()

    async def next(self) -> HttpRequest | HttpReply | None:
        """Return the next request, the refusal of one that is none, or None at the end."""
        found = await self._waiting.get()
        self._room.set()
        return found

    async def read(self) -> None:
        """Read until the client hangs up; what follows a refusal is read and forgotten."""
        try:
            while data := await self._reader.read(_AT_ONCE):
                if not self._ended:
                    self._feed(data)
                while self._waiting.qsize() > _MOST_WAITING:
                    self._room.clear()
                    await self._room.wait()
        except OSError:
            pass
        finally:
            self._waiting.put_nowait(None)

    def _feed(self, data: bytes) -> None:
        self._begun = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ended = True  # it is answered as it is
        except httptools.HttpParserError as error:
            self._refuse(400, f"no HTTP/1.1 request: {error}")
        # The parser keeps a header to itself until its end.
        if not self._headed and not self._begun:
            self._unheaded += len(data)
        if max(self._head, self._unheaded) > LARGEST_HEAD:
            self._refuse(431, f"the head of the request is larger than {LARGEST_HEAD} bytes")

    def _refuse(self, status: int, told: str) -> None:
        if self._ended:
            return
        self._ended = True
        headers = {"content-type": "text/plain"}
        self._waiting.put_nowait(HttpReply.whole(status, headers, f"{told}\n".encode()))

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Start a request."""
        self._begun = True
        self._headed = False
        self._head = self._unheaded = self._size = 0
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self._url += url
        self._head += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._head += len(name) + len(value)
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Take note that the rest is the body."""
        self._headed = True

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        self._size += len(body)
        if self._size <= LARGEST:
            self._body.append(body)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        """Hand the request on."""
        if self._ended or self._head > LARGEST_HEAD:
            return  # nothing is answered any more; or it is refused as soon as the parser returns
        if self._size > LARGEST:
            self._refuse(413, f"the body of the request is larger than {LARGEST} bytes")
            return
        target, _, query = self._url.decode("latin-1").partition("?")
        self._waiting.put_nowait(
            HttpRequest(
                method=self._parser.get_method().decode("latin-1"),
                host=self._headers.get("host", ""),
                path=unquote(target),
                query=query,
                headers=self._headers,
                body=b"".join(self._body),
            )
        )
