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
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast

from chaoskit_guards.circuit_settings import CircuitSettings
from chaoskit_guards.errors import CircuitOpenError
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.failures import Failure, classify
from chaoskit_guards.forks import own_lock
from chaoskit_guards.hooks import asked
from chaoskit_guards.permit import Permit, Verdict
from chaoskit_guards.rates import RateWindow
from chaoskit_guards.settings import Random
from chaoskit_guards.settings import seconds as check_seconds

if TYPE_CHECKING:
    from chaoskit_guards.redis_store import RedisStore
    from chaoskit_guards.shared_breaker import SharedBreaker
    from chaoskit_guards.shared_circuit import Answer, Command

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
        jitter: float = 0.0,
        probe_successes: int = 1,
        probe_lease: float = 120.0,
        failure_rate: float | None = None,
        minimum_calls: int = 20,
        window: float = 60.0,
        slow_call: float | None = None,
        slow_first_item: float | None = None,
        slow_rate: float = 0.5,
        is_failure: Callable[[BaseException], bool | None] | None = None,
        store: RedisStore | None = None,
        clock: Callable[[], float] | None = None,
        rng: Random | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.name = name
        self.settings = settings = CircuitSettings(
            failure_threshold=failure_threshold,
            recovery_timeout=recovery_timeout,
            max_recovery_timeout=max_recovery_timeout,
            jitter=jitter,
            probe_successes=probe_successes,
            probe_lease=probe_lease,
            failure_rate=failure_rate,
            minimum_calls=minimum_calls,
            window=window,
            slow_call=slow_call,
            slow_first_item=slow_first_item,
            slow_rate=slow_rate,
        )
        self._is_failure = is_failure
        self._clock = clock
        self._rng = rng
        self._listener = listener
        self._rated = settings.rated
        self._timed = settings.timed
        self._rates = RateWindow(window)
        self._shared: SharedBreaker | None = None
        if store is not None:
            from chaoskit_guards.shared_breaker import SharedBreaker  # noqa: PLC0415 - few share
            from chaoskit_guards.shared_circuit import SharedCircuit  # noqa: PLC0415 - likewise

            circuit = SharedCircuit(store, name, settings)
            self._shared = SharedBreaker(circuit, self._tell)
        self._lock = own_lock(self)
        self._state: State = "closed"
        self._generation = 0
        self._failures = 0  # in a row
        self._limits = 0  # refusals for too many requests, in a row
        self._successes = 0  # of probes, in a row
        self._openings = 0  # since it was last closed
        self._until = 0.0  # open: when a probe may go; half-open: when its lease ends
        self._probing = False
        self._even = not self._rated
        """Whether a success changes nothing, so that it needs no lock."""

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(failure_threshold={self.settings.failure_threshold}, "
            f"recovery_timeout={self.settings.recovery_timeout}, name={self.name!r})"
        )

    @property
    def state(self) -> State:
        """What the breaker does with the next call."""
        if self._shared is not None:
            answer = self._shared.ask(self._shared.circuit.reading())
            if answer is not None:
                return cast("State", answer.state)
        now = self._now()
        with self._lock:
            if self._state == "open" and now >= self._until:
                return "half_open"
            return self._state

    @property
    def retry_after(self) -> float:
        """Seconds until a call may be admitted; 0 when one may be now."""
        if self._shared is not None:
            answer = self._shared.ask(self._shared.circuit.reading())
            if answer is not None:
                return answer.wait
        now = self._now()
        with self._lock:
            return self._remaining(now)

    def acquire(self) -> Permit:
        """Admit one call.

        Raises:
            CircuitOpenError: it is open, or its probe is under way.
            StoreUnavailable: it is shared, the store is down, and it refuses then.
        """
        if self._shared is not None:
            answer = self._shared.ask(self._shared.circuit.admission())
            if answer is not None:
                return self._admitted(answer)
        return self._acquire()

    async def aacquire(self) -> Permit:
        """Do what `acquire` does, without blocking where the breaker is shared."""
        if self._shared is not None:
            answer = await self._shared.aask(self._shared.circuit.admission())
            if answer is not None:
                return self._admitted(answer)
        return self._acquire()

    def _acquire(self) -> Permit:
        # The generation first: if the state changes in between, the permit is one of an earlier
        # era, whose result nobody hears. The other way round it could pass for the probe's.
        generation = self._generation
        if self._state == "closed":
            return Permit(self, generation, self._now() if self._timed else 0.0)
        return self._admit()

    def judge(self, error: BaseException) -> Verdict:
        """Return what an exception says about the provider.

        Only its own faults count. A request of the caller's that it refuses shows that it works;
        one too many is counted apart; cancellation, mistakes on this side and refusals of other
        guards say nothing.
        """
        return self._verdict(error, classify(error))

    def _verdict(self, error: BaseException, failure: Failure) -> Verdict:
        if isinstance(error, Exception) and self._is_failure is not None:
            # The call's own error matters, and so does its probe.
            decided = asked(f"is_failure of the breaker {self.name}", self._is_failure, error)
            if decided is not None:
                return "failure" if decided else "neutral"
        if failure.kind == "rate_limited":
            return "limited"
        if failure.kind in ("invalid_request", "context_overflow", "not_found"):
            return "success"
        ours = failure.kind in ("cancelled", "local", "auth", "quota")
        return "neutral" if ours or isinstance(error, CircuitOpenError) else "failure"

    def is_slow(self, began: float, now: float | None = None) -> bool:
        """Return whether a call that began then is slow; minus infinity: it is known to be."""
        slow = self.settings.slow_call
        if slow is None:
            return began == -_INFINITE
        return (self._now() if now is None else now) - began > slow

    def is_late(self, began: float) -> bool:
        """Return whether the first item of a stream that began then is late, if it comes now."""
        late = self.settings.slow_first_item
        return late is not None and self._now() - began > late

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
        """Open now for at least so many seconds, because the provider asked for it.

        Raises:
            ValueError: the time is infinite, negative, or no number.
        """
        check_seconds(seconds=seconds, zero=True)
        opened = self._open_here(self._now() + seconds)
        if self._shared is not None:
            answer = self._shared.ask(self._shared.circuit.opening(seconds))
            opened = opened if answer is None else answer.what == "opened"
        if opened:
            self._tell("opened", retry_after=seconds)

    def _open_here(self, until: float) -> bool:
        with self._lock:
            if self._state in ("forced_open", "forced_closed"):
                return False
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
                self._until = now + self.settings.probe_lease
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

    def _settle(
        self, generation: int, began: float, verdict: Verdict, failure: Failure | None
    ) -> None:
        if verdict == "neutral" and self._state == "closed":
            return
        now = self._now()
        slow = self.is_slow(began, now)
        opening = 0.0
        if verdict != "success" or slow:  # nothing else opens it; chance is drawn without the lock
            asked = (failure.retry_after if failure is not None else None) or 0.0
            rng = self._rng or random
            opening = self.settings.opening(verdict, asked, self._openings, rng)
        with self._lock:
            if generation != self._generation:
                return
            if self._state == "closed":
                told = "opened" if self._trips(now, verdict, slow=slow) else None
            elif self._state == "half_open":
                told = self._probed(verdict, slow=slow)
            else:
                return
            if told == "opened":
                self._until = now + opening
                self._enter("open")
            elif told == "closed":
                self._enter("closed")
        if told is not None:
            self._tell(told, **({"retry_after": opening} if told == "opened" else {}))

    def _trips(self, now: float, verdict: Verdict, *, slow: bool) -> bool:
        """Count the result of a call of the closed breaker and return whether it opens."""
        if verdict == "success" and not slow:
            self._failures = self._limits = 0
            self._even = not self._rated
            if self._rated:
                self._rates.add(now, failed=False, slow=False)
            return False
        failed = verdict == "failure"
        if verdict == "limited":
            self._limits += 1
        elif failed:
            self._failures += 1
        else:
            self._failures = self._limits = 0
        self._even = not (self._rated or self._failures or self._limits)
        exceeded = False
        if self._rated:
            self._rates.add(now, failed=failed, slow=slow)
            exceeded = (failed or slow) and self.settings.exceeded(*self._rates.totals(now))
        return exceeded or max(self._failures, self._limits) >= self.settings.failure_threshold

    def _probed(self, verdict: Verdict, *, slow: bool) -> State | Literal["opened"] | None:
        """Count the result of the probe and return what becomes of the breaker."""
        self._probing = False
        if verdict == "neutral":
            return None
        if verdict != "success" or slow:
            return "opened"
        self._successes += 1
        return "closed" if self._successes >= self.settings.probe_successes else None

    def _enter(self, state: State) -> None:
        """Change the state; results of calls admitted before no longer count."""
        self._state = state
        self._generation += 1
        self._failures = self._limits = 0
        self._probing = False
        self._even = state == "closed" and not self._rated
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
        return Permit(self, answer.era, self._now(), shared=self._shared, probe=probe)

    def _force(self, state: State) -> None:
        with self._lock:
            self._enter(state)  # of a shared one too, for when this process goes alone
        if self._shared is not None:
            self._shared.ask(self._shared.circuit.forcing(state))
        self._tell(state)

    def _result(
        self,
        shared: SharedBreaker,
        generation: int,
        began: float,
        verdict: Verdict,
        failure: Failure | None,
    ) -> Command:
        return shared.circuit.result(
            generation,
            verdict,
            slow=self.is_slow(began),
            retry_after=(failure.retry_after if failure is not None else None) or 0.0,
            draw=(self._rng or random).uniform(0.0, 1.0),
        )

    def _tell(self, kind: str, **values: object) -> None:
        if self._listener is not None:
            emit(self._listener, kind, self.name, **values)
