"""Effects in Redis: what `MemoryEffects` remembers for one process, for many."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from chaoskit_guards.effect_store import EffectRecord, MemoryEffects, Outcome
from chaoskit_guards.errors import StoreUnavailable
from chaoskit_guards.redis_store import RedisStore

__all__ = ["SharedEffects"]

_SECOND = 1_000_000
_LARGEST = 65_536
_STATES: tuple[Any, ...] = ("begun", "done", "unknown", "running")
"""By their numbers in the script."""

Command = tuple[str | int | bytes, ...]


class SharedEffects:
    """Remembers effects for everybody who names the key of the store.

    While Redis does not answer nothing begins, unless the store says `alone`: then each process
    goes by what it remembers itself. How a call ended that Redis could not be told is remembered
    here; others see its lease run out, and take its outcome for unknown. A result is kept as JSON,
    up to 64 KiB; of others it is only known that they were there.
    """

    def __init__(
        self, store: RedisStore, *, lifetime: float, clock: Callable[[], float] | None = None
    ) -> None:
        self._store = store
        self._lifetime = lifetime
        self._own = MemoryEffects(clock=clock)
        self._alone: set[tuple[str, str]] = set()

    def begin(self, key: str, owner: str, *, lease: float) -> EffectRecord:
        """Return what is known of an effect, and take it unless it is done or running.

        Raises:
            StoreUnavailable: Redis did not answer, and the store refuses then.
        """
        mine = self._own.peek(key)
        if mine is not None:
            return mine
        try:
            return _record(self._store.run("effects", *self._beginning(key, owner, lease)))
        except StoreUnavailable:
            return self._without(key, owner, lease)

    async def abegin(self, key: str, owner: str, *, lease: float) -> EffectRecord:
        """Do what `begin` does, without blocking."""
        mine = self._own.peek(key)
        if mine is not None:
            return mine
        try:
            return _record(await self._store.arun("effects", *self._beginning(key, owner, lease)))
        except StoreUnavailable:
            return self._without(key, owner, lease)

    def end(self, key: str, owner: str, outcome: Outcome, result: Any, *, lifetime: float) -> None:
        """Note how the call of `owner` ended.

        Raises:
            StoreUnavailable: Redis could not be told.
        """
        if self._ended_alone(key, owner, outcome, result, lifetime):
            return
        try:
            self._store.run("effects", *self._ending(key, owner, outcome, result, lifetime))
        except StoreUnavailable:
            self._note(key, owner, outcome, result, lifetime)
            raise

    async def aend(
        self, key: str, owner: str, outcome: Outcome, result: Any, *, lifetime: float
    ) -> None:
        """Do what `end` does, without blocking."""
        if self._ended_alone(key, owner, outcome, result, lifetime):
            return
        try:
            command = self._ending(key, owner, outcome, result, lifetime)
            await self._store.arun("effects", *command)
        except StoreUnavailable:
            self._note(key, owner, outcome, result, lifetime)
            raise

    def _without(self, key: str, owner: str, lease: float) -> EffectRecord:
        """Go by this process alone, or raise the error that is being handled."""
        if self._store.when_down != "alone":
            raise  # noqa: PLE0704 - called while it is handled
        self._alone.add((key, owner))
        return self._own.begin(key, owner, lease=lease)

    def _ended_alone(
        self, key: str, owner: str, outcome: Outcome, result: Any, lifetime: float
    ) -> bool:
        if (key, owner) not in self._alone:
            return False
        self._alone.discard((key, owner))
        self._own.end(key, owner, outcome, result, lifetime=lifetime)
        return True

    def _note(self, key: str, owner: str, outcome: Outcome, result: Any, lifetime: float) -> None:
        """Remember here what Redis could not be told."""
        self._own.begin(key, owner, lease=lifetime)
        self._own.end(key, owner, outcome, result, lifetime=lifetime)

    def _beginning(self, key: str, owner: str, lease: float) -> tuple[Sequence[str], Command]:
        longest = round((lease + self._lifetime) * 1000)
        return self._keys(key), ("begin", owner, round(lease * _SECOND), longest)

    def _ending(
        self, key: str, owner: str, outcome: Outcome, result: Any, lifetime: float
    ) -> tuple[Sequence[str], Command]:
        kept, text = 1, ""
        try:
            text = json.dumps(result, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            kept = 0
        packed = text.encode("utf-8", "surrogatepass")
        if len(packed) > _LARGEST:
            kept, packed = 0, b""
        return self._keys(key), ("end", owner, outcome, round(lifetime * 1000), kept, packed)

    def _keys(self, key: str) -> tuple[str, ...]:
        return (f"{{{self._store.key}}}:effect:{key}",)


def _record(reply: list[int]) -> EffectRecord:
    state, wait, kept, length, *numbers = reply
    packed = b"".join(number.to_bytes(6, "big") for number in numbers)[:length]
    result = json.loads(packed.decode("utf-8", "surrogatepass")) if kept and packed else None
    return EffectRecord(state=_STATES[state], result=result, kept=bool(kept), wait=wait / _SECOND)
