"""The admission of one call through a breaker, and how its result is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from chaoskit_guards.failures import Failure, classify

if TYPE_CHECKING:
    from chaoskit_guards.circuit import Circuit
    from chaoskit_guards.shared_breaker import SharedBreaker
    from chaoskit_guards.shared_circuit import Command

__all__ = ["Ending", "Permit", "Verdict"]

Verdict = Literal["success", "failure", "neutral", "limited"]
"""What a result says about the provider; `limited` that it works and refuses more for a while."""


Ending = Literal["success", "failure", "neutral"]
"""How a call went, before its error is judged."""


class Permit:
    """The admission of one call; tell it how the call went, exactly once.

    Leaving it untold is safe: an admission of a closed breaker costs nothing, and the probe of a
    half-open one expires. In coroutines under a shared breaker use the methods that begin with `a`,
    since the others block.
    """

    __slots__ = ("_began", "_generation", "_probe", "_settled", "below", "breaker", "shared")

    def __init__(
        self,
        breaker: Circuit,
        generation: int,
        began: float,
        *,
        shared: SharedBreaker | None = None,
        probe: bool = True,
    ) -> None:
        self.breaker = breaker
        self.below: Permit | None = None
        self._generation = generation
        self._began = began
        self._settled = False
        self.shared = shared
        """What gave it and is told; None: the breaker of this process alone."""
        self._probe = probe

    def first_item(self) -> None:
        """The first item of a stream is there; a late one makes the call a slow one."""
        if self.breaker.is_late(self._began):
            self._began = float("-inf")

    def success(self) -> None:
        """The provider answered."""
        if self.shared is not None:
            self._settle("success", None)
        elif not self._settled:
            self._settled = True
            if not self.breaker._even:  # noqa: SLF001 - one idea in two classes
                self.breaker._settle(self._generation, self._began, "success", None)  # noqa: SLF001 - likewise

    def failure(self, error: BaseException | None = None) -> None:
        """The call failed; an error is judged first, None is the provider's fault."""
        self._settle(*self._judged(error))

    def abandon(self) -> None:
        """The call says nothing about the provider: cancelled, or never sent."""
        self._settle("neutral", None)

    def end(self, how: Ending, error: BaseException | None = None) -> None:
        """The call went like this; see `success`, `failure` and `abandon`."""
        if how == "success":
            self.success()
        elif how == "failure":
            self.failure(error)
        else:
            self.abandon()

    async def aend(self, how: Ending, error: BaseException | None = None) -> None:
        """The call went like this."""
        if self.shared is None:
            self.end(how, error)
        elif how == "failure":
            await self.afailure(error)
        else:
            await self._asettle(how, None)

    async def asuccess(self) -> None:
        """The provider answered."""
        if self.shared is not None:
            await self._asettle("success", None)
        else:
            self.success()

    async def afailure(self, error: BaseException | None = None) -> None:
        """The call failed; an error is judged first, None is the provider's fault."""
        await self._asettle(*self._judged(error))

    async def aabandon(self) -> None:
        """The call says nothing about the provider: cancelled, or never sent."""
        await self._asettle("neutral", None)

    def _judged(self, error: BaseException | None) -> tuple[Verdict, Failure | None]:
        if error is None:
            return "failure", None
        failure = classify(error)
        verdict = self.breaker._verdict(error, failure)  # noqa: SLF001 - one idea in two classes
        if verdict == "neutral" and self.breaker.is_slow(self._began):
            verdict = "failure"  # somebody outside ran out of patience and cancelled
        return verdict, failure

    def _settle(self, verdict: Verdict, failure: Failure | None) -> None:
        if self._settled:
            return
        self._settled = True
        if self.shared is None:
            self.breaker._settle(self._generation, self._began, verdict, failure)  # noqa: SLF001 - one idea in two classes
        elif self._matters(verdict):
            self.shared.tell(self._result(self.shared, verdict, failure))

    async def _asettle(self, verdict: Verdict, failure: Failure | None) -> None:
        if self.shared is None:
            self._settle(verdict, failure)
        elif not self._settled:
            self._settled = True
            if self._matters(verdict):
                await self.shared.atell(self._result(self.shared, verdict, failure))

    def _result(self, shared: SharedBreaker, verdict: Verdict, failure: Failure | None) -> Command:
        return self.breaker._result(shared, self._generation, self._began, verdict, failure)  # noqa: SLF001 - one idea in two classes

    def _matters(self, verdict: Verdict) -> bool:
        """Return whether the store must know: a cancelled call matters only as a probe."""
        return self._probe or verdict != "neutral"
