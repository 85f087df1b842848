"""A budget's window in Redis: what `Meter` does in memory, for many processes."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from itertools import count

from chaoskit_guards.amounts import Amounts
from chaoskit_guards.forks import after_fork
from chaoskit_guards.redis_store import RedisStore
from chaoskit_guards.reservation import Grant

__all__ = ["Message", "SharedMeter"]

Message = tuple[str, str, Sequence[float]]
"""The lease that it is about, empty for none; the operation; and the numbers that it needs."""

_MOST_BUCKETS = 1000
"""A script handles all buckets at once; more of them would hold up the server."""

_SECOND = 1_000_000


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
        self.forked()
        after_fork(self)

    def forked(self) -> None:
        """Give leases names that no other process gives."""
        self._process, self._leases = uuid.uuid4().hex, count(1)

    def reservation(
        self, amounts: Amounts, ahead: Amounts, limits: Sequence[int | None]
    ) -> Message:
        """Ask to book amounts if they fit next to those ahead in the queue."""
        return (
            f"{self._process}-{next(self._leases)}",
            "reserve",
            (*amounts, *ahead, *_told(limits)),
        )

    def withdrawal(self, question: Message) -> Message:
        """Take a reservation back whose answer nobody waits for, even if it arrives after this."""
        lease, _, numbers = question
        return lease, "withdraw", numbers

    def settlement(self, grant: Grant, known: Sequence[int], left: Sequence[int]) -> Message:
        """Book a change once: `known` while the booking is in the window, `left` afterwards."""
        return grant.lease, "settle", (*known, *left, grant.bucket or 0)

    def booking(self, amounts: Amounts) -> Message:
        """Book amounts that nobody has reserved."""
        return "", "book", amounts

    def lesson(
        self, limits: Sequence[int | None], remaining: Sequence[int | None], pause: float
    ) -> Message:
        """Book what others have spent, and grant nothing for `pause` seconds."""
        return "", "learn", (*_told(limits), *_told(remaining), round(pause * _SECOND))

    def reading(self) -> Message:
        """Ask what the window holds."""
        return "", "read", ()

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

    def _command(self, message: Message) -> tuple[tuple[str, ...], tuple[str, bytes]]:
        lease, operation, numbers = message
        keys = (self._key, f"{self._key}:{lease}") if lease else (self._key,)
        # One text of doubles costs less on the way, and to read, than so many decimal numbers.
        return keys, (operation, struct.pack(f"<{2 + len(numbers)}d", *self._shape, *numbers))


def _grant(message: Message, reply: list[int]) -> Grant:
    bucket, wait, at = reply
    return Grant(bucket if bucket >= 0 else None, wait / _SECOND, at, message[0])


def _told(amounts: Sequence[int | None]) -> list[int]:
    return [-1 if amount is None else amount for amount in amounts]


def _checked(reply: list[int]) -> list[int]:
    if reply[0] == -1:
        raise ValueError(
            "the store's key holds a window of another shape: whoever shares it needs the same "
            "seconds and buckets"
        )
    return reply[1:]
