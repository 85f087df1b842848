"""Server-sent events of a response, as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

__all__ = ["events_of"]


async def events_of(response: httpx.Response) -> AsyncIterator[tuple[bytes, str]]:
    """Yield the bytes of each event, and its data; a piece of one at the end is dropped."""
    rest = b""
    async for piece in response.aiter_bytes():
        rest = (rest + piece).replace(b"\r\n", b"\n")
        *events, rest = rest.split(b"\n\n")
        for event in events:
            lines = event.decode("utf-8", "replace").split("\n")
            data = [line[5:].removeprefix(" ") for line in lines if line.startswith("data:")]
            yield event + b"\n\n", "\n".join(data)
