"""An effect happens once, although its answer may get lost.

A refund that is called twice because of a timeout is paid twice. Here a call is remembered from
before it begins: equal calls get its result, and one whose outcome is unknown is looked up before
it is repeated, or not repeated.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

from chaoskit_guards.canonical import parsed
from chaoskit_guards.effect_call import (
    Begin,
    Check,
    Decision,
    EffectCall,
    End,
    Go,
    NothingRan,
    Sleep,
    Step,
    Steps,
)
from chaoskit_guards.effect_store import EffectStore, MemoryEffects, Outcome
from chaoskit_guards.effects import Effect, digest, effect_key
from chaoskit_guards.errors import SessionError
from chaoskit_guards.events import Listener
from chaoskit_guards.flights import Flight, Flights
from chaoskit_guards.hooks import asked
from chaoskit_guards.redis_store import RedisStore
from chaoskit_guards.session import current_session
from chaoskit_guards.settings import seconds as check_seconds
from chaoskit_guards.threads import started
from chaoskit_guards.tool_guard import Inner, Json, Tools, checked_names, schemas_of
from chaoskit_guards.toolbook import Toolbook

__all__ = ["Effect", "IdempotentTools"]

_log = logging.getLogger("chaoskit_guards")


class IdempotentTools:
    """Runs tools, and each effect among them once.

    Two calls are the same effect when tool, arguments and session are the same. Without a session
    all calls through one object belong together: make one for each run, or enter a `SessionScope`.
    Equal calls at the same time run once. A result is remembered for `lifetime`.

    What is known not to have happened may be repeated: wrong arguments, a refusal (4xx), a
    connection that was never made, a guard that said no, `ToolRefused`. All else may have happened
    although it failed. Then `check` is asked, at once and before the effect is repeated. Without a
    check a lost answer raises `OutcomeUnknown`, a failure of the tool's own is raised as it is,
    and an equal call is not run. Tools that are no effects pass through.

    Args:
        tools: the tools; a `Vet`, or another guard around one. Timeouts belong inside.
        effects: names of the tools that change something, or what is known of each.
        session: tells runs or users apart; None: the session under way.
        store: remembers; None: a `MemoryEffects`. A `RedisStore` makes it one for all processes
            that name its key; it needs a session.
        lifetime: seconds for which an effect is remembered.
        lease: seconds after which a call that was never heard of again counts as lost. Longer than
            any tool takes.
        clock: monotonic seconds, for the memory that is made here.
        sleep: waits while another process is at it; `time.sleep` when it is None.
        async_sleep: `asyncio.sleep` when it is None.
        listener: told what was remembered, looked up, or left unknown.

    Raises:
        ValueError: an effect is not the name of a tool.
    """

    def __init__(
        self,
        tools: Tools,
        effects: Iterable[str] | Mapping[str, Effect],
        *,
        session: str | Callable[[], str] | None = None,
        store: EffectStore | RedisStore | None = None,
        lifetime: float = 86_400.0,
        lease: float = 300.0,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
        async_sleep: Callable[[float], Awaitable[object]] | None = None,
        listener: Listener | None = None,
    ) -> None:
        check_seconds(lifetime=lifetime, lease=lease)
        names = checked_names("effects", effects, tools)
        known = effects if isinstance(effects, Mapping) else {}
        self._effects = {name: known.get(name) or Effect() for name in names}
        self._inner = Inner(tools)
        self._book = Toolbook(schemas_of(tools, "anthropic"))
        self._session = session
        self._shared = isinstance(store, RedisStore)
        self._store: EffectStore
        if isinstance(store, RedisStore):
            from chaoskit_guards.shared_effects import SharedEffects  # noqa: PLC0415 - few share

            self._store = SharedEffects(store, lifetime=lifetime, clock=clock)
        else:
            self._store = MemoryEffects(clock=clock) if store is None else store
        self._lifetime = lifetime
        self._lease = lease
        self._sleep = sleep
        self._async_sleep = async_sleep
        self._decision = Decision(listener)
        self._flights = Flights()
        self._name = uuid.uuid4().hex
        self._attempts = itertools.count()

    def dispatch(
        self, name: str, arguments: object, *, key: str | None = None, call_id: str | None = None
    ) -> Any:
        """Run a tool; an async one gives a coroutine.

        Args:
            key: the key of the effect, where you know better than its arguments.
            call_id: the model's id of the call: another id is another effect, although all else
                is the same, unless the outcome of the one before is unknown.

        Raises:
            OutcomeUnknown: it may have happened and is not repeated.
            SessionError: the memory is shared, and no session is under way.
        """
        effect = self._effects.get(name)
        if effect is None:
            return self._inner.tools.dispatch(name, arguments)
        if self._inner.is_async(name):
            return self.adispatch(name, arguments, key=key, call_id=call_id)
        call = self._call(name, arguments, effect, key, call_id)
        at = call.place
        while True:
            flight, waiting = self._flights.join(at)
            if waiting is None:
                return self._lead(call, at, flight)
            try:
                landed = waiting.result(self._lease)
            except TimeoutError as error:
                raise self._decision.unknown(call) from error
            if landed:
                self._decision.tell("shared", call)
                return flight.outcome()
            if self._inner.is_async(name):
                return self.adispatch(name, arguments, key=key, call_id=call_id)

    async def adispatch(
        self, name: str, arguments: object, *, key: str | None = None, call_id: str | None = None
    ) -> Any:
        """Run a tool without blocking, a sync one in a thread; see `dispatch`."""
        effect = self._effects.get(name)
        if effect is None:
            return await self._inner.run(name, arguments)
        return await self._ajoin(self._call(name, arguments, effect, key, call_id))

    def schemas(self, vendor: str = "anthropic") -> list[Json]:
        """Return the declarations to offer to the model, without parameters for keys."""
        return [self._without_key(schema) for schema in schemas_of(self._inner.tools, vendor)]

    def settle(self, key: str, *, happened: bool, result: Any = None) -> bool:
        """Say how an effect ended, when a person has looked; False: a call is under way.

        Args:
            key: the key on the `OutcomeUnknown`.
            happened: whether it happened; if not, it may be called again.
            result: what equal calls get, where it happened.
        """
        owner = self._owner()
        record = self._store.begin(key, owner, lease=self._lease)
        if record.state == "running":
            return False
        if record.state != "done":
            outcome: Outcome = "done" if happened else "failed"
            self._store.end(key, owner, outcome, result, lifetime=self._lifetime)
        return True

    def _call(
        self, name: str, arguments: object, effect: Effect, key: str | None, call_id: str | None
    ) -> EffectCall:
        session, given = self._session_now(), parsed(arguments)
        if key is None:
            key = effect_key(session, name, self._book.plain(name, given), effect)
        else:
            key = digest(f"{session}\0{name}\0{key}")
        if not isinstance(given, Mapping):
            given = {}
        own_key = None if call_id is None else digest(f"{key}\0{call_id}")
        if effect.key_parameter is not None and given:
            arguments = {**given, effect.key_parameter: own_key or key}
        return EffectCall(
            name=name,
            arguments=arguments,
            given={k: v for k, v in given.items() if k != effect.key_parameter},
            effect=effect,
            key=key,
            own_key=own_key,
            owner=self._owner(),
        )

    def _owner(self) -> str:
        """Return a name that no other attempt has, here or in another process."""
        return f"{self._name}.{os.getpid()}.{next(self._attempts)}"

    def _session_now(self) -> str:
        session = self._session() if callable(self._session) else self._session
        if session is None:
            session = current_session()
        if session is None and self._shared:
            raise SessionError(
                "effects that are remembered for all processes need a session: without one, equal "
                "calls of all users would be one"
            )
        return session or ""

    def _lead(self, call: EffectCall, at: str, flight: Flight) -> Any:
        steps = self._decision.steps(call)
        try:
            step = next(steps)
            while True:
                try:
                    done = self._perform(call, step)
                except BaseException as error:  # noqa: BLE001 - handed to the decision
                    step = steps.throw(error)
                    continue
                if not (isinstance(step, Go) and self._inner.noted(call.name, done)):
                    step = steps.send(done)
                    continue
                if not inspect.iscoroutine(done):
                    return self._alead(call, at, flight, steps, done)
                done.close()  # nothing has run yet
                step = steps.throw(NothingRan())
        except StopIteration as stop:
            self._flights.land(at, flight, result=stop.value)
            return stop.value
        except NothingRan:
            self._flights.abort(at, flight)
            return self._ajoin(call)
        except BaseException as error:
            self._ended(at, flight, error)
            raise

    async def _ajoin(self, call: EffectCall) -> Any:
        """Make the call, or wait for the one that makes it."""
        while True:
            flight, waiting = self._flights.join(call.place)
            if waiting is None:
                return await self._alead(call, call.place, flight)
            if await asyncio.wrap_future(waiting):
                self._decision.tell("shared", call)
                return flight.outcome()

    async def _alead(
        self,
        call: EffectCall,
        at: str,
        flight: Flight,
        steps: Steps | None = None,
        begun: Awaitable[Any] | None = None,
    ) -> Any:
        try:
            if steps is None:
                steps = self._decision.steps(call)
                step = next(steps)
            else:
                step = Go()
            while True:
                try:
                    if begun is None:
                        done = await self._aperform(call, step)
                    else:
                        waiting, begun = begun, None
                        done = await waiting
                except BaseException as error:  # noqa: BLE001 - handed to the decision
                    step = steps.throw(error)
                else:
                    step = steps.send(done)
        except StopIteration as stop:
            self._flights.land(at, flight, result=stop.value)
            return stop.value
        except BaseException as error:
            self._ended(at, flight, error)
            raise

    def _ended(self, at: str, flight: Flight, error: BaseException) -> None:
        if isinstance(error, Exception):
            self._flights.land(at, flight, error=error)
        else:  # cancelled or interrupted, which is this caller's own affair
            self._flights.abort(at, flight)

    def _perform(self, call: EffectCall, step: Step) -> Any:
        match step:
            case Begin(key):
                return self._store.begin(key, call.owner, lease=self._lease)
            case End(key, outcome, result):
                try:
                    self._store.end(key, call.owner, outcome, result, lifetime=self._lifetime)
                except Exception:  # noqa: BLE001 - the caller's answer is there all the same
                    self._untold(call)
            case Sleep(seconds):
                (self._sleep or time.sleep)(seconds)
            case Check():
                assert call.effect.check is not None  # noqa: S101 - else nobody asks
                found = asked("check", partial(call.effect.check, **call.given))
                if inspect.iscoroutine(found):
                    found.close()
                    _log.error("the check of %s is async, and needs adispatch", call.name)
                    return None
                return found
            case Go():
                return self._inner.tools.dispatch(call.name, call.arguments)
        return None

    async def _aperform(self, call: EffectCall, step: Step) -> Any:
        store = cast("Any", self._store)
        match step:
            case Begin(key) if hasattr(store, "abegin"):
                return await store.abegin(key, call.owner, lease=self._lease)
            case End(key, outcome, result) if hasattr(store, "aend"):
                try:
                    await store.aend(key, call.owner, outcome, result, lifetime=self._lifetime)
                except Exception:  # noqa: BLE001 - the caller's answer is there all the same
                    self._untold(call)
                return None
            case Sleep(seconds):
                return await (self._async_sleep or asyncio.sleep)(seconds)
            case Check():
                return await _achecked(call)
            case Go():
                return await self._inner.run(call.name, call.arguments)
        return self._perform(call, step)

    def _untold(self, call: EffectCall) -> None:
        _log.exception("how %s ended could not be noted", call.name)
        self._decision.tell("untold", call)

    def _without_key(self, schema: Json) -> Json:
        body = schema["function"] if isinstance(schema.get("function"), dict) else schema
        effect = self._effects.get(str(body.get("name")))
        if effect is None or effect.key_parameter is None:
            return schema
        field = "input_schema" if "input_schema" in body else "parameters"
        made = dict(body[field])
        properties = dict(made.get("properties", {}))
        properties.pop(effect.key_parameter, None)
        made["properties"] = properties
        required = [name for name in made.pop("required", ()) if name != effect.key_parameter]
        if required:
            made["required"] = required
        changed = {**body, field: made}
        return {**schema, "function": changed} if body is not schema else changed


async def _achecked(call: EffectCall) -> Any:
    """Ask whether it happened, a sync check in a thread."""
    check = call.effect.check
    assert check is not None  # noqa: S101 - else nobody asks
    try:
        if inspect.iscoroutinefunction(check):
            return await check(**call.given)
        found = await asyncio.wrap_future(started(partial(check, **call.given), "check"))
        return await found if inspect.isawaitable(found) else found
    except Exception:  # noqa: BLE001 - whatever it does wrong, nobody can tell
        _log.exception("check failed")
        return None
