"""A budget's window in Redis: what `Meter` does in memory, for many processes."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence

from chaoskit_guards.amounts import Amounts
from chaoskit_guards.redis_store import RedisStore
from chaoskit_guards.reservation import Grant

__all__ = ["Message", "SharedMeter"]

Message = tuple[str, tuple[bytes | str | int, ...]]
"""The lease that it is about, empty for none; the operation and what it needs."""

_MOST_BUCKETS = 1000
"""A script handles all buckets at once; more of them would hold up the server."""

_SECOND = 1_000_000

_VECTOR = struct.Struct("<5d")
"""Amounts as the script reads them."""


class SharedMeter:
    """Sums amounts over the last `seconds` for everybody who names the key of the store."""

    def __init__(self, store: RedisStore, *, seconds: float, buckets: int) -> None:
        if buckets > _MOST_BUCKETS:
            raise ValueError(f"a shared window has at most {_MOST_BUCKETS} buckets")
        self.refuses = store.when_down != "alone"
        self._store = store
        # Whole microseconds, rounded up: a width that is a little too small would shorten the
        # window, and two full bursts could meet in it.
        width = -(-round(seconds * _SECOND) // buckets)
        # One more than asked for: the oldest one is only partly in the window; it counts whole.
        self._shape = (width, buckets + 1)
        self._key = f"{{{store.key}}}:budget"  # braces: one slot of a cluster for all its keys

    def reservation(
        self, amounts: Amounts, ahead: Amounts, limits: Sequence[int | None]
    ) -> Message:
        """Ask to book amounts if they fit next to those ahead in the queue."""
        told = (_VECTOR.pack(*amounts), _VECTOR.pack(*ahead), _packed(limits))
        return uuid.uuid4().hex, ("reserve", *told)

    def withdrawal(self, question: Message) -> Message:
        """Take a reservation back whose answer nobody waits for, even if it arrives after this."""
        lease, (_, amounts, *_) = question
        return lease, ("withdraw", amounts)

    def settlement(self, grant: Grant, known: Sequence[int], left: Sequence[int]) -> Message:
        """Book a change once: `known` while the booking is in the window, `left` afterwards."""
        return grant.lease, ("settle", grant.bucket or 0, _packed(known), _packed(left))

    def booking(self, amounts: Amounts) -> Message:
        """Book amounts that nobody has reserved."""
        return "", ("book", _packed(amounts))

    def lesson(
        self, limits: Sequence[int | None], remaining: Sequence[int | None], pause: float
    ) -> Message:
        """Book what others have spent, and grant nothing for `pause` seconds."""
        return "", ("learn", _packed(limits), _packed(remaining), round(pause * _SECOND))

    def reading(self) -> Message:
        """Ask what the window holds."""
        return "", ("read",)

    def send(self, message: Message) -> list[int]:
        """Send a message and return the numbers of its reply.

        Raises:
            StoreUnavailable: Redis did not answer.
            ValueError: a window of another shape lives under the key.
        """
        return _checked(self._store.run("budget", *self._command(message)))

    async def asend(self, message: Message) -> list[int]:
        """Do what `send` does, without blocking."""
        return _checked(await self._store.arun("budget", *self._command(message)))

    def ask(self, message: Message) -> Grant:
        """Send a reservation and return the answer."""
        return _grant(message, self.send(message))

    async def aask(self, message: Message) -> Grant:
        """Do what `ask` does, without blocking."""
        return _grant(message, await self.asend(message))

    def _command(self, message: Message) -> tuple[tuple[str, ...], tuple[bytes | str | int, ...]]:
        lease, (operation, *words) = message
        keys = (self._key, f"{self._key}:{lease}") if lease else (self._key,)
        return keys, (operation, *self._shape, *words)


def _grant(message: Message, reply: list[int]) -> Grant:
    bucket, wait, at = reply
    return Grant(bucket if bucket >= 0 else None, wait / _SECOND, at, message[0])


def _packed(amounts: Sequence[int | None]) -> bytes:
    return _VECTOR.pack(*(-1 if amount is None else amount for amount in amounts))


def _checked(reply: list[int]) -> list[int]:
    if reply[0] == -1:
        raise ValueError(
            "the store's key holds a window of another shape: whoever shares it needs the same "
            "seconds and buckets"
        )
    return reply[1:]
