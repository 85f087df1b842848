"""What a server writes within one turn of its event loop, kept until the turn ends.

A client that waits for an answer sleeps, and to wake it costs the server as much as all the rest
of a write. Answers that are found in the same turn are written one right after the other: the
client that was woken by the first is awake when the others come.
"""

from __future__ import annotations

import asyncio
from typing import Final

__all__ = ["Outbox"]

_MOST: Final = 256 * 1024  # bytes; more than this does not wait
_MANY: Final = 16  # transports; as many do not wait for others


class Outbox:
    """The bytes that are to be written at the end of the turn, by transport."""

    __slots__ = ("_held", "_size")

    def __init__(self) -> None:
        self._held: dict[asyncio.Transport, bytes | bytearray] = {}
        self._size = 0

    def write(self, transport: asyncio.Transport, data: bytes | bytearray) -> None:
        """Write bytes when the turn ends, after what the transport was given before."""
        held = self._held
        if not held:
            asyncio.get_running_loop().call_soon(self._send_all)
        before = held.get(transport)
        held[transport] = data if before is None else before + data
        self._size += len(data)
        if self._size > _MOST or len(held) >= _MANY:
            self._send_all()

    def send(self, transport: asyncio.Transport) -> None:
        """Write what is held for one transport now, as something else is to follow it."""
        if (data := self._held.pop(transport, None)) and not transport.is_closing():
            transport.write(data)

    def drop(self, transport: asyncio.Transport) -> None:
        """Forget what is held for a transport that is lost."""
        self._held.pop(transport, None)

    def _send_all(self) -> None:
        held, self._held, self._size = self._held, {}, 0
        for transport, data in held.items():
            if not transport.is_closing():
                transport.write(data)
