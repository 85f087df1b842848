"""A breaker's state in Redis: what `Circuit` does in memory, for many processes."""

from __future__ import annotations

from typing import NamedTuple

from chaoskit_guards.circuit_settings import CircuitSettings
from chaoskit_guards.redis_store import RedisStore

__all__ = ["Answer", "Command", "SharedCircuit"]

_SECOND = 1_000_000

_STATES = ("closed", "open", "half_open", "forced_open", "forced_closed")
"""The states by their numbers in the script."""

_VERDICTS = ("success", "failure", "neutral", "limited")

Command = tuple[str | int, ...]
"""An operation and what it needs."""


class Answer(NamedTuple):
    """What the shared breaker answers.

    Attributes:
        what: `admitted`, `probe`, `half_open` for the first probe, `opened`, `closed`, or nothing.
        era: the generation of an admission.
        wait: seconds until a call may be admitted; infinite when forced open.
        state: what the breaker does with calls.
    """

    what: str
    era: int
    wait: float
    state: str


class SharedCircuit:
    """Keeps the state for everybody who names the key of the store and the name of the breaker."""

    def __init__(self, store: RedisStore, name: str, settings: CircuitSettings) -> None:
        self.refuses = store.when_down == "refuse"
        self._store = store
        self._keys = (f"{{{store.key}}}:circuit:{name}",)
        self._lease = _micro(settings.probe_lease)
        longest = max(
            settings.recovery_timeout,
            settings.max_recovery_timeout or 0.0,
            settings.probe_lease,
            settings.window,
        )
        # Idle for an hour at least: calls under way may take long, and their results count.
        self._life = _micro(max(3600.0, 2 * longest))
        self._settings: Command = (
            settings.failure_threshold,
            _micro(settings.recovery_timeout),
            _micro(settings.max_recovery_timeout or 0.0),
            settings.probe_successes,
            _micro(settings.window),
            settings.minimum_calls,
            repr(2.0 if settings.failure_rate is None else settings.failure_rate),
            repr(settings.slow_rate if settings.timed else 2.0),
            repr(settings.jitter),
        )

    def admission(self) -> Command:
        """Ask to admit one call."""
        return "acquire", self._life, self._lease

    def result(
        self, era: int, verdict: str, *, slow: bool, retry_after: float, draw: float
    ) -> Command:
        """Tell how a call went; `draw` is a random number between 0 and 1."""
        told = (era, _VERDICTS.index(verdict), int(slow), _micro(retry_after), repr(draw))
        return "settle", self._life, *told, *self._settings

    def forcing(self, state: str) -> Command:
        """Change the state, whatever it is."""
        return "force", self._life, _STATES.index(state)

    def opening(self, seconds: float) -> Command:
        """Open for at least so long."""
        return "open_for", self._life, _micro(seconds)

    def reading(self) -> Command:
        """Ask for the state."""
        return "read", self._life

    def send(self, command: Command) -> Answer:
        """Send a command and return the answer.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return _answer(self._store.run("circuit", self._keys, command))

    async def asend(self, command: Command) -> Answer:
        """Do what `send` does, without blocking."""
        return _answer(await self._store.arun("circuit", self._keys, command))


_WHAT = ("", "admitted", "probe", "opened", "closed", "half_open")


def _answer(reply: list[int]) -> Answer:
    what, era, wait, state = reply
    return Answer(_WHAT[what], era, float("inf") if wait < 0 else wait / _SECOND, _STATES[state])


def _micro(seconds: float) -> int:
    return round(seconds * _SECOND)
