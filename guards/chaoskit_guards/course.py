"""One request on its way, with its effects: waits, and what the breakers and the listener hear."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from chaoskit_guards.answers import read
from chaoskit_guards.completion import Completion, Usage
from chaoskit_guards.errors import CircuitOpenError, StoreUnavailable, UnreadableResponse
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.route import Ask, Pause, Route

__all__ = ["Course", "asked", "asked_here", "received"]

_NO_USAGE = Usage()


class Course:
    """Follows a route: waits where it says so, and asks the breakers.

    Args:
        route: decides who is asked and what a failure means.
        sleep: `time.sleep` when it is None.
        async_sleep: `asyncio.sleep` when it is None.
        listener: told about waits and attempts.
    """

    __slots__ = ("_async_sleep", "_listener", "_sleep", "route")

    def __init__(
        self,
        route: Route,
        sleep: Callable[[float], object] | None,
        async_sleep: Callable[[float], Awaitable[object]] | None,
        listener: Listener | None,
    ) -> None:
        self.route = route
        self._sleep = sleep
        self._async_sleep = async_sleep
        self._listener = listener

    def step(self) -> Ask | None:
        """Return whom to ask next; None when there is a result.

        Raises:
            AllProvidersFailed: nobody is left to ask.
        """
        route = self.route
        while (step := route.step()) is not None:
            if step.__class__ is Pause:
                self._tell_wait(step)
                (self._sleep or time.sleep)(step.seconds)
                continue
            assert isinstance(step, Ask)  # noqa: S101 - there are but these two
            if self._admitted(step):
                return step
        return None

    async def astep(self) -> Ask | None:
        """Return whom to ask next, without blocking; see `step`.

        Raises:
            AllProvidersFailed: nobody is left to ask.
        """
        while (step := self.route.step()) is not None:
            if step.__class__ is Pause:
                self._tell_wait(step)
                await (self._async_sleep or asyncio.sleep)(step.seconds)
                continue
            assert isinstance(step, Ask)  # noqa: S101 - there are but these two
            if await self._aadmitted(step):
                return step
        return None

    def another(self) -> Ask | None:
        """Return whom to ask at once, beside those who are being asked; None: nobody."""
        while (ask := self.route.another()) is not None:
            if self._admitted(ask):
                return ask
        return None

    async def aanother(self) -> Ask | None:
        """Return whom to ask at once, without blocking; see `another`."""
        while (ask := self.route.another()) is not None:
            if await self._aadmitted(ask):
                return ask
        return None

    def answered(self, ask: Ask, completion: Completion, *, final: bool = False) -> bool:
        """Note an answer and return whether it is the result; `final`: whatever it says."""
        is_result = self.route.answered(ask, completion, final=final)
        if ask.permit is not None:
            ask.permit.success()
        if self._listener is not None:
            self._tell(ask)
        return is_result

    async def aanswered(self, ask: Ask, completion: Completion, *, final: bool = False) -> bool:
        """Note an answer without blocking; see `answered`."""
        is_result = self.route.answered(ask, completion, final=final)
        await ask.asettle()
        self._tell(ask)
        return is_result

    def failed(self, ask: Ask, error: BaseException) -> bool:
        """Note a failure and return whether somebody else may be asked."""
        may_go_on = self.route.failed(ask, error)
        ask.settle()
        self._tell(ask)
        return may_go_on

    async def afailed(self, ask: Ask, error: BaseException) -> bool:
        """Note a failure without blocking; see `failed`."""
        may_go_on = self.route.failed(ask, error)
        await ask.asettle()
        self._tell(ask)
        return may_go_on

    def outrun(self, ask: Ask) -> None:
        """Note that somebody else answered first and this request was given up."""
        self.route.outrun(ask)
        ask.settle()
        self._tell(ask)

    async def aoutrun(self, ask: Ask) -> None:
        """Note that somebody else answered first, without blocking; see `outrun`."""
        self.route.outrun(ask)
        await ask.asettle()
        self._tell(ask)

    def result(self) -> Completion:
        """Return the answer, once there is nobody to ask any more."""
        completion = self.route.result()
        assert completion is not None  # noqa: S101 - the way ends with a result or an error
        return completion

    def _admitted(self, ask: Ask) -> bool:
        try:
            self.route.admitted(ask, ask.provider.breaker.acquire())
        except (CircuitOpenError, StoreUnavailable) as error:
            self.route.refused(ask, error)
            return False
        return True

    async def _aadmitted(self, ask: Ask) -> bool:
        try:
            self.route.admitted(ask, await ask.provider.breaker.aacquire())
        except (CircuitOpenError, StoreUnavailable) as error:
            self.route.refused(ask, error)
            return False
        return True

    def _tell_wait(self, step: Pause) -> None:
        emit(self._listener, "waiting", "router", provider=step.provider, wait=step.seconds)

    def _tell(self, ask: Ask) -> None:
        if self._listener is None:
            return
        last = self.route.attempts[-1]
        emit(
            self._listener,
            "attempt",
            "router",
            provider=ask.provider.config.name,
            model=ask.provider.config.model,
            outcome=last.outcome,
            status=last.status_code,
            elapsed=last.elapsed,
            usd=last.usd,
        )


def asked_here(ask: Ask) -> Completion:
    """Return the provider's whole answer, and block until it is there."""
    return received(ask, ask.provider.caller.send(ask.request, ask.timeout))


async def asked(ask: Ask) -> Completion:
    """Return the provider's whole answer."""
    return received(ask, await ask.provider.caller.asend(ask.request, ask.timeout))


def received(ask: Ask, answer: Any) -> Completion:
    """Return what a provider answered in the one shape.

    Raises:
        UnreadableResponse: it is no answer.
    """
    if answer.__class__ is Completion:
        made: Completion = answer
        return made
    if isinstance(answer, str):
        if ask.provider.caller.streams:  # an SDK hands out the body as text when it is no JSON
            raise UnreadableResponse("the provider answered with something that is no JSON")
        content = [{"type": "text", "text": answer}]
        return Completion(content=content, stop_reason="end_turn", usage=_NO_USAGE, raw=answer)
    return read(answer, ask.provider.config.words)
