"""The state machine of a circuit breaker.

closed ──failures──► open ──recovery_timeout──► half-open ──probe succeeds──► closed
                       ▲                            │
                       └──────── probe fails ───────┘

The state is under a lock that is never held during a call. Every admission carries the generation
in which it was made, so that a result of an earlier era changes nothing. The one probe is a lease:
lost or hung, it frees itself.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast

from chaoskit_guards.errors import CircuitOpenError, StoreUnavailable
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.failures import Failure, classify
from chaoskit_guards.permit import Permit, Verdict
from chaoskit_guards.rates import RateWindow
from chaoskit_guards.retry_run import Random

if TYPE_CHECKING:
    from chaoskit_guards.redis_store import RedisStore
    from chaoskit_guards.shared_circuit import Answer, Command, SharedCircuit

__all__ = ["Circuit", "State"]

State = Literal["closed", "open", "half_open", "forced_open", "forced_closed"]
"""What a breaker does with calls; `forced_closed` admits everything and counts nothing."""

_INFINITE = float("inf")


class Circuit:
    """The state machine of a circuit breaker; `CircuitBreaker` documents the settings."""

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout: float = 60.0,
        *,
        name: str = "circuit",
        max_recovery_timeout: float | None = None,
        probe_successes: int = 1,
        probe_lease: float = 120.0,
        failure_rate: float | None = None,
        minimum_calls: int = 20,
        window: float = 60.0,
        slow_call: float | None = None,
        slow_rate: float = 0.5,
        is_failure: Callable[[BaseException], bool | None] | None = None,
        store: RedisStore | None = None,
        clock: Callable[[], float] | None = None,
        rng: Random | None = None,
        listener: Listener | None = None,
    ) -> None:
        if failure_threshold < 1 or probe_successes < 1 or minimum_calls < 1:
            raise ValueError("failure_threshold, probe_successes and minimum_calls are at least 1")
        for value in (recovery_timeout, probe_lease, window):
            if not 0 < value < _INFINITE:
                raise ValueError("recovery_timeout, probe_lease and window are finite, above 0")
        if max_recovery_timeout is not None and not max_recovery_timeout >= recovery_timeout:
            raise ValueError("max_recovery_timeout is at least recovery_timeout")
        for rate in (failure_rate, slow_rate):
            if rate is not None and not 0 < rate <= 1:
                raise ValueError("failure_rate and slow_rate are above 0 and at most 1")
        self.name = name
        self.failure_threshold = failure_threshold
        self.recovery_timeout = recovery_timeout
        self.max_recovery_timeout = max_recovery_timeout
        self.probe_successes = probe_successes
        self.probe_lease = probe_lease
        self.failure_rate = failure_rate
        self.minimum_calls = minimum_calls
        self.slow_call = slow_call
        self.slow_rate = slow_rate
        self.is_failure = is_failure
        self._clock = clock
        self._rng = rng
        self._listener = listener
        self._rated = failure_rate is not None or slow_call is not None
        self._rates = RateWindow(window)
        self._shared: SharedCircuit | None = None
        if store is not None:
            from chaoskit_guards.shared_circuit import CircuitSettings, SharedCircuit  # noqa: PLC0415 - few share

            self._shared = SharedCircuit(
                store,
                name,
                CircuitSettings(
                    failure_threshold=failure_threshold,
                    recovery_timeout=recovery_timeout,
                    max_recovery_timeout=max_recovery_timeout,
                    probe_successes=probe_successes,
                    probe_lease=probe_lease,
                    failure_rate=failure_rate,
                    minimum_calls=minimum_calls,
                    window=window,
                    slow_rate=None if slow_call is None else slow_rate,
                ),
            )
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._generation = 0
        self._failures = 0  # in a row
        self._successes = 0  # of probes, in a row
        self._openings = 0  # since it was last closed
        self._until = 0.0  # open: when a probe may go; half-open: when its lease ends
        self._probing = False

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(failure_threshold={self.failure_threshold}, "
            f"recovery_timeout={self.recovery_timeout}, name={self.name!r})"
        )

    @property
    def state(self) -> State:
        """What the breaker does with the next call."""
        if self._shared is not None:
            answer = self._ask(self._shared, self._shared.reading())
            if answer is not None:
                return cast("State", answer.state)
        with self._lock:
            if self._state == "open" and self._now() >= self._until:
                return "half_open"
            return self._state

    @property
    def retry_after(self) -> float:
        """Seconds until a call may be admitted; 0 when one may be now."""
        if self._shared is not None:
            answer = self._ask(self._shared, self._shared.reading())
            if answer is not None:
                return answer.wait
        with self._lock:
            return self._remaining(self._now())

    def acquire(self) -> Permit:
        """Admit one call.

        Raises:
            CircuitOpenError: it is open, or its probe is under way.
            StoreUnavailable: it is shared, the store is down, and it refuses then.
        """
        if self._shared is not None:
            answer = self._ask(self._shared, self._shared.admission())
            if answer is not None:
                return self._admitted(answer)
        if self._state == "closed":
            return Permit(self, self._generation, self._now() if self._rated else 0.0)
        return self._admit()

    async def aacquire(self) -> Permit:
        """Do what `acquire` does, without blocking where the breaker is shared."""
        if self._shared is not None:
            answer = await self._aask(self._shared, self._shared.admission())
            if answer is not None:
                return self._admitted(answer)
        if self._state == "closed":
            return Permit(self, self._generation, self._now() if self._rated else 0.0)
        return self._admit()

    def judge(self, error: BaseException) -> Verdict:
        """Return what an exception says about the provider.

        Only its own faults count. A request of the caller's that it refuses shows that it works;
        cancellation, mistakes on this side and refusals of other guards say nothing.
        """
        if isinstance(error, Exception) and self.is_failure is not None:
            decided = self.is_failure(error)
            if decided is not None:
                return "failure" if decided else "neutral"
        kind = classify(error).kind
        if kind in ("invalid_request", "context_overflow", "not_found"):
            return "success"
        if kind in ("cancelled", "local", "auth", "quota") or isinstance(error, CircuitOpenError):
            return "neutral"
        return "failure"

    def is_slow(self, began: float) -> bool:
        """Return whether a call that began then has taken longer than `slow_call`."""
        return self.slow_call is not None and self._now() - began > self.slow_call

    def force_open(self) -> None:
        """Refuse every call until `reset`."""
        self._force("forced_open")

    def force_closed(self) -> None:
        """Admit every call and count nothing until `reset`."""
        self._force("forced_closed")

    def reset(self) -> None:
        """Start anew, closed."""
        self._force("closed")

    def open_for(self, seconds: float) -> None:
        """Open now for at least so long, because the provider asked for it."""
        opened = self._open_here(seconds)
        if self._shared is not None:
            answer = self._ask(self._shared, self._shared.opening(seconds))
            opened = opened if answer is None else answer.what == "opened"
        if opened:
            self._tell("opened", retry_after=seconds)

    def _open_here(self, seconds: float) -> bool:
        with self._lock:
            if self._state in ("forced_open", "forced_closed"):
                return False
            until = self._now() + seconds
            if self._state == "open":
                self._until = max(self._until, until)
                return False
            self._until = until
            self._enter("open")
            return True

    def _now(self) -> float:
        return (self._clock or time.monotonic)()

    def _remaining(self, now: float) -> float:
        if self._state == "forced_open":
            return _INFINITE
        if self._state == "open" or (self._state == "half_open" and self._probing):
            return max(0.0, self._until - now)
        return 0.0

    def _admit(self) -> Permit:
        now = self._now()
        if self._state == "open" and now < self._until:
            # Refusals need no lock: whoever changes the state now comes after this call.
            raise self._refused(self._until - now)
        began_probing = False
        with self._lock:
            if self._state in ("closed", "forced_closed"):
                return Permit(self, self._generation, now)
            if self._state == "open" and now >= self._until:
                self._enter("half_open")
                began_probing = True
            if self._state == "half_open" and (not self._probing or now >= self._until):
                # A new generation per probe: what a lost one says later is not heard.
                self._generation += 1
                self._probing = True
                self._until = now + self.probe_lease
                permit = Permit(self, self._generation, now)
                remaining = None
            else:
                remaining = self._remaining(now)
        if remaining is None:
            if began_probing:
                self._tell("half_open")
            return permit
        raise self._refused(remaining)

    def _refused(self, remaining: float) -> CircuitOpenError:
        if self._listener is not None:
            self._tell("refused", retry_after=remaining)
        return CircuitOpenError(self.name, remaining)

    def _succeed(self, generation: int, began: float) -> None:
        # The common case needs no lock: there is nothing to reset and nothing to count.
        if self._failures or self._rated or self._state != "closed":
            self._settle(generation, began, "success", None)

    def _settle(
        self, generation: int, began: float, verdict: Verdict, failure: Failure | None
    ) -> None:
        if verdict == "neutral" and self._state == "closed":
            return
        with self._lock:
            if generation != self._generation:
                return
            if self._state == "closed":
                told = self._settle_closed(began, verdict, failure)
            elif self._state == "half_open":
                told = self._settle_probe(began, verdict, failure)
            else:
                return
            wait = self._until - self._now() if told == "opened" else 0.0
        if told is not None:
            self._tell(told, **({"retry_after": wait} if told == "opened" else {}))

    def _settle_closed(self, began: float, verdict: Verdict, failure: Failure | None) -> str | None:
        now = self._now()
        failed = verdict == "failure"
        self._failures = self._failures + 1 if failed else 0
        tripped = self._failures >= self.failure_threshold
        if self._rated:
            slow = self.is_slow(began)
            self._rates.add(now, failed=failed, slow=slow)
            if failed or slow:
                tripped = tripped or self._rate_exceeded(now)
        if not tripped:
            return None
        self._open(now, failure)
        return "opened"

    def _rate_exceeded(self, now: float) -> bool:
        calls, failures, slows = self._rates.totals(now)
        if calls < self.minimum_calls:
            return False
        failing = self.failure_rate is not None and failures / calls >= self.failure_rate
        return failing or (self.slow_call is not None and slows / calls >= self.slow_rate)

    def _settle_probe(self, began: float, verdict: Verdict, failure: Failure | None) -> str | None:
        now = self._now()
        self._probing = False
        if verdict == "neutral":
            return None
        slow = self.is_slow(began)
        if verdict == "failure" or slow:
            self._open(now, failure)
            return "opened"
        self._successes += 1
        if self._successes < self.probe_successes:
            return None
        self._enter("closed")
        return "closed"

    def _open(self, now: float, failure: Failure | None) -> None:
        seconds = self.recovery_timeout
        if self.max_recovery_timeout is not None and self._openings:
            longest = min(self.max_recovery_timeout, seconds * 2.0 ** min(self._openings, 64))
            seconds = (self._rng or random).uniform(seconds, longest)
        asked = failure.retry_after if failure is not None else None
        self._until = now + max(seconds, asked or 0.0)
        self._enter("open")

    def _enter(self, state: State) -> None:
        """Change the state; results of calls admitted before no longer count."""
        self._state = state
        self._generation += 1
        self._failures = 0
        self._probing = False
        if state != "half_open":
            self._successes = 0
        if state == "open":
            self._openings += 1
        elif state == "closed":
            self._openings = 0
            self._rates.clear()

    def _admitted(self, answer: Answer) -> Permit:
        """Return the permit that the shared breaker gives."""
        if answer.what == "half_open":
            self._tell("half_open")
        elif not answer.what:
            raise self._refused(answer.wait)
        probe = answer.what != "admitted"
        return Permit(self, answer.era, self._now(), shared=True, probe=probe)

    def _ask(self, shared: SharedCircuit, command: Command) -> Answer | None:
        """Return the shared breaker's answer; None when this process has to go alone."""
        try:
            return shared.send(command)
        except StoreUnavailable:
            if shared.refuses:
                raise
            self._tell("alone")
            return None

    async def _aask(self, shared: SharedCircuit, command: Command) -> Answer | None:
        try:
            return await shared.asend(command)
        except StoreUnavailable:
            if shared.refuses:
                raise
            self._tell("alone")
            return None

    def _force(self, state: State) -> None:
        with self._lock:
            self._enter(state)  # of a shared one too, for when this process goes alone
        if self._shared is not None:
            self._ask(self._shared, self._shared.forcing(state))
        self._tell(state)

    def _tell_store(
        self, generation: int, began: float, verdict: Verdict, failure: Failure | None
    ) -> None:
        """Tell the shared breaker how a call went; what it misses, the lease of a probe mends."""
        if self._shared is None:
            return
        try:
            answer = self._shared.send(
                self._result(self._shared, generation, began, verdict, failure)
            )
        except StoreUnavailable:
            self._tell("untold")
        else:
            self._hear(answer)

    async def _atell_store(
        self, generation: int, began: float, verdict: Verdict, failure: Failure | None
    ) -> None:
        if self._shared is None:
            return
        try:
            answer = await self._shared.asend(
                self._result(self._shared, generation, began, verdict, failure)
            )
        except StoreUnavailable:
            self._tell("untold")
        else:
            self._hear(answer)

    def _result(
        self,
        shared: SharedCircuit,
        generation: int,
        began: float,
        verdict: Verdict,
        failure: Failure | None,
    ) -> Command:
        return shared.result(
            generation,
            verdict,
            slow=self.is_slow(began),
            retry_after=(failure.retry_after if failure is not None else None) or 0.0,
            draw=(self._rng or random).uniform(0.0, 1.0),
        )

    def _hear(self, answer: Answer) -> None:
        """Tell the listener what this process's result has changed for all."""
        if answer.what == "opened":
            self._tell("opened", retry_after=answer.wait)
        elif answer.what == "closed":
            self._tell("closed")

    def _tell(self, kind: str, **values: object) -> None:
        if self._listener is not None:
            emit(self._listener, kind, self.name, **values)
