"""Where it is remembered which effects have happened, are under way, or may have happened."""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from chaoskit_guards.forks import own_lock
from chaoskit_guards.settings import at_least_one
from chaoskit_guards.settings import seconds as check_seconds

__all__ = ["EffectRecord", "EffectStore", "MemoryEffects", "Outcome", "own_copy"]

Outcome = Literal["done", "failed", "unknown"]
"""How a call ended: it happened; it did not; or nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRecord:
    """What a store knows of an effect when a call asks for it.

    Attributes:
        state: `begun`: nothing; it is this call's now. `done`: it has happened, and this is its
            result. `unknown`: it may have happened; it is this call's now, to find out. `running`:
            another call is at it.
        result: what it gave.
        kept: whether the result was kept.
        wait: seconds after which a running call counts as lost.
    """

    state: Literal["begun", "done", "unknown", "running"]
    result: Any = None
    kept: bool = True
    wait: float = 0.0


class EffectStore(Protocol):
    """Remembers effects; each operation is atomic.

    A store that waits for something has `abegin` and `aend` too, coroutine functions that do the
    same without blocking.
    """

    def begin(self, key: str, owner: str, *, lease: float) -> EffectRecord:
        """Return what is known of an effect, and take it unless it is done or running.

        After `lease` seconds a call that has not ended counts as lost, its outcome as unknown.
        """

    def end(self, key: str, owner: str, outcome: Outcome, result: Any, *, lifetime: float) -> None:
        """Note how the call of `owner` ended, unless the effect is another one's by now.

        What failed is forgotten at once, all else after `lifetime` seconds.
        """


@dataclass(slots=True)
class _Entry:
    owner: str
    until: float
    result: Any = None


class MemoryEffects:
    """Remembers effects in this process.

    Args:
        most: effects to remember beside those under way; beyond that the oldest ones that are
            known to have happened are forgotten, then the oldest unknown ones.
        clock: monotonic seconds; `time.monotonic` when it is None.
    """

    def __init__(self, most: int = 10_000, *, clock: Callable[[], float] | None = None) -> None:
        at_least_one(most=most)
        self._most = most
        self._clock = clock
        self._lock = own_lock(self)
        self._running: dict[str, _Entry] = {}
        # Ordered by when they were noted.
        self._done: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._running) + len(self._done) + len(self._unknown)

    def begin(self, key: str, owner: str, *, lease: float) -> EffectRecord:
        """Return what is known of an effect, and take it unless it is done or running."""
        check_seconds(lease=lease)
        now = (self._clock or time.monotonic)()
        with self._lock:
            found = self._take(key, owner, now, lease)
        if found.result is None:
            return found
        return EffectRecord(state=found.state, result=own_copy(found.result))

    def end(self, key: str, owner: str, outcome: Outcome, result: Any, *, lifetime: float) -> None:
        """Note how the call of `owner` ended."""
        check_seconds(lifetime=lifetime)
        now, kept = (self._clock or time.monotonic)(), own_copy(result)
        with self._lock:
            entry = self._running.get(key)
            if entry is None or entry.owner != owner:
                return
            del self._running[key]
            if outcome != "failed":
                place = self._done if outcome == "done" else self._unknown
                place[key] = _Entry(owner, now + lifetime, kept)
                self._trim(now)

    def peek(self, key: str) -> EffectRecord | None:
        """Return what has happened, or None; nothing is taken."""
        now = (self._clock or time.monotonic)()
        with self._lock:
            entry = self._done.get(key)
        if entry is None or now >= entry.until:
            return None
        return EffectRecord(state="done", result=own_copy(entry.result))

    def _take(self, key: str, owner: str, now: float, lease: float) -> EffectRecord:
        entry = self._running.get(key)
        if entry is not None and now < entry.until:
            return EffectRecord(state="running", wait=entry.until - now)
        done = self._done.get(key)
        if done is not None:
            if now < done.until:
                return EffectRecord(state="done", result=done.result)
            del self._done[key]
        unknown = self._unknown.pop(key, None)
        if unknown is not None and now >= unknown.until:
            unknown = None
        self._running[key] = _Entry(owner, now + lease)
        lost = unknown is not None or entry is not None
        return EffectRecord(state="unknown" if lost else "begun")

    def _trim(self, now: float) -> None:
        for place in (self._done, self._unknown):
            while place and (
                next(iter(place.values())).until <= now
                or len(self._done) + len(self._unknown) > self._most
            ):
                place.popitem(last=False)


def own_copy(result: Any) -> Any:
    """Return a copy, so that nobody changes what others will be given."""
    try:
        return copy.deepcopy(result)
    except Exception:  # noqa: BLE001 - what cannot be copied is shared
        return result
