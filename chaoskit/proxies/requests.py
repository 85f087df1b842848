"""The requests of one HTTP connection, for servers whose answers take their time to be known."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import httptools

from chaoskit.exchange import HttpRequest

__all__ = ["Requests"]

_AT_ONCE = 65_536  # bytes


class Requests:
    """Reads requests from a stream. Their body is complete, their order is kept.

    Attributes:
        queue: gets each request, and None at the end of the connection.
    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.queue: asyncio.Queue[HttpRequest | None] = asyncio.Queue()
        self._reader = reader
        self._parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    async def read(self) -> None:
        """Read until the client hangs up, or says what is no HTTP."""
        try:
            while data := await self._reader.read(_AT_ONCE):
                self._parser.feed_data(data)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade):
            pass
        finally:
            self.queue.put_nowait(None)

    # What the parser tells.

    def on_message_begin(self) -> None:
        """Start a request."""
        self._url, self._body = b"", b""
        self._headers: dict[str, str] = {}

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_body(self, body: bytes) -> None:
        """Collect the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Hand the request on."""
        target, _, query = self._url.decode("latin-1").partition("?")
        self.queue.put_nowait(
            HttpRequest(
                method=self._parser.get_method().decode("latin-1"),
                host=self._headers.get("host", ""),
                path=unquote(target),
                query=query,
                headers=self._headers,
                body=self._body,
            )
        )
