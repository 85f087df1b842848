"""Lets the users of a scenario live through it: who asks what and when, and what comes back.

What each user does is written once, as a script that yields what to wait for; a thread performs
it for agents that are functions, a task for agents that are coroutines.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chaoskit import failure, history
from chaoskit.agent import Agent
from chaoskit.clock import Clock
from chaoskit.errors import RunStopped
from chaoskit.exchange import Call
from chaoskit.journal import Answered, Event, Failed, Happened, TurnStarted
from chaoskit.who import WHO

__all__ = ["Driver", "Guest", "Happening"]

_GATE = 0.5  # seconds between two looks whether a deploy is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One user: name, arrival in seconds, prompts in order, and the pace of asking.

    Attributes:
        every: seconds between the beginnings of two turns; 0 to ask on as soon as answered.
        remembers: the turns are one conversation.
    """

    name: str
    arrives: float
    prompts: tuple[str, ...]
    session: str
    every: float = 0.0
    remembers: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that the scenario schedules: `effect` runs at that second of the run."""

    at: float
    what: str
    effect: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class _Ask:
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Came:
    """What a call to the agent's code came to."""

    value: Any = None
    error: BaseException | None = None


_Script: TypeAlias = Generator[_Pause | _Ask, _Came | None, None]


class Driver:
    """Plays guests and happenings against an agent.

    Args:
        emit: takes each event of the journal.
        seen: looks for planted secrets in what leaves the agent: channel, text, place.
        hide: takes planted secrets out of a text.
        last_call: the last request of a user, for the history of a conversation.
        admit: waits until a user's next turn may begin.
        raised: gets each exception that leaves the agent, and the user whose turn it was.
    """

    def __init__(
        self,
        *,
        agent: Agent,
        clock: Clock,
        emit: Callable[[Event], None],
        seen: Callable[[str, str, str], None],
        hide: Callable[[str], str],
        last_call: Callable[[str], Call | None],
        admit: Callable[[str], None] | None = None,
        raised: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self._agent = agent
        self._clock = clock
        self._emit = emit
        self._seen = seen
        self._hide = hide
        self._last_call = last_call
        self._admit = admit
        self._raised = raised
        self._opened = 0.0
        self._starting = 0
        self._unfinished: set[str] = set()

    def play(
        self, guests: Iterable[Guest], happenings: Iterable[Happening], *, limit: float
    ) -> None:
        """Run every script to its end, or until the run is stopped or `limit` seconds are over."""
        users = [(guest.name, self._guest(guest)) for guest in guests]
        self._unfinished = {name for name, _ in users}
        others = [self._happening(item) for item in happenings]
        if self._agent.is_async:
            _run(self._play_tasks(users, others, limit))
        else:
            self._play_threads(users, others, limit)

    # The scripts.

    def _guest(self, guest: Guest) -> _Script:
        past: list[history.Entry] = []
        yield _Pause(guest.arrives)
        for number, prompt in enumerate(guest.prompts, 1):
            while self._starting:
                yield _Pause(_GATE)
            if self._admit is not None:
                came = (yield _Ask(self._admit, (guest.name,))) or _Came()
                if came.error is not None:  # the run is over
                    break
            WHO.set((guest.name, number))
            began = self._clock.now()
            self._emit(TurnStarted(at=began, user=guest.name, turn=number, prompt=prompt))
            offered = {
                "user": guest.name,
                "session": guest.session if guest.remembers else f"{guest.session}/{number}",
                "history": [dict(entry) for entry in past],
            }
            keywords = {name: offered[name] for name in self._agent.keywords}
            came = (yield _Ask(self._agent.answer, (prompt,), keywords)) or _Came()
            self._ended(guest.name, number, began, came)
            if came.error is None and guest.remembers:
                call = self._last_call(guest.name)
                past.extend(history.of_turn(prompt, call, _text(came.value)))
            if self._clock.stopped:
                break
            if guest.every and number < len(guest.prompts):
                due = self._opened + guest.arrives + guest.every * number
                yield _Pause(max(0.0, due - self._clock.now()))
        self._unfinished.discard(guest.name)

    def _happening(self, item: Happening) -> _Script:
        yield _Pause(item.at)
        if not self._unfinished:
            return
        self._emit(Happened(at=self._clock.now(), what=item.what))
        item.effect()
        if item.what == "deploy":
            yield from self._startup()

    def _startup(self) -> _Script:
        """New instances take traffic only when they have started."""
        if self._agent.startup is None:
            return
        self._starting += 1
        try:
            began = self._clock.now()
            self._emit(Happened(at=began, what="startup"))
            came = (yield _Ask(self._agent.startup)) or _Came()
            if came.error is not None:
                self._failed("", 0, began, came.error)
        finally:
            self._starting -= 1

    # What came back.

    def _ended(self, user: str, turn: int, began: float, came: _Came) -> None:
        now = self._clock.now()
        if came.error is not None:
            self._failed(user, turn, began, came.error)
            return
        answer = _text(came.value)
        self._seen("answer", answer, "")
        self._emit(
            Answered(at=now, user=user, turn=turn, answer=self._hide(answer), seconds=now - began)
        )

    def _failed(self, user: str, turn: int, began: float, error: BaseException) -> None:
        stopped = _is_stop(error) or (
            isinstance(error, asyncio.CancelledError) and bool(self._clock.stopped)
        )
        heart = failure.heart_of(error)
        place = failure.where(error)
        if self._raised is not None and not stopped:
            self._raised(user, heart)
        if not stopped:
            self._seen("exception", failure.chain_of(error), place)
        self._emit(
            Failed(
                at=self._clock.now(),
                user=user,
                turn=turn,
                error=self._clock.stopped if stopped else failure.name_of(heart),
                message=self._hide(failure.text_of(heart)),
                where=place,
                seconds=self._clock.now() - began,
                stopped=stopped,
            )
        )

    # Threads.

    def _play_threads(
        self, users: list[tuple[str, _Script]], others: list[_Script], limit: float
    ) -> None:
        self._wait_for([self._thread("startup", self._startup())], limit)
        self._opened = self._clock.now()
        guests = [self._thread(name, script) for name, script in users]
        for script in others:
            self._thread("world", script)
        self._wait_for(guests, limit)
        for thread in guests:
            thread.join(1.0)

    def _thread(self, name: str, script: _Script) -> threading.Thread:
        thread = threading.Thread(target=self._perform_now, args=(script,), name=name, daemon=True)
        thread.start()
        return thread

    def _wait_for(self, threads: list[threading.Thread], limit: float) -> None:
        for thread in threads:
            if not self._clock.stopped:
                thread.join(max(0.0, limit - self._clock.now()) / self._clock.scale)
                if thread.is_alive() and not self._clock.stopped:
                    self._clock.stop(_too_long(limit))

    def _perform_now(self, script: _Script) -> None:
        came: _Came | None = None
        while True:
            try:
                wanted = script.send(came)
            except StopIteration:
                return
            came = None
            if isinstance(wanted, _Pause):
                try:
                    self._clock.sleep(wanted.seconds)
                except RunStopped:
                    return
            else:
                came = _asked(wanted)

    # Tasks.

    async def _play_tasks(
        self, users: list[tuple[str, _Script]], others: list[_Script], limit: float
    ) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        self._clock.on_stop(lambda: loop.call_soon_threadsafe(ended.set))
        over = loop.create_task(ended.wait())
        await self._race([loop.create_task(self._perform(self._startup()))], over, limit)
        self._opened = self._clock.now()
        guests = [loop.create_task(self._perform(script), name=name) for name, script in users]
        rest = [loop.create_task(self._perform(script), name="world") for script in others]
        await self._race(guests, over, limit)
        over.cancel()
        await _cancelled([*guests, *rest])
        for task in guests:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def _race(
        self, tasks: list[asyncio.Task[None]], over: asyncio.Task[Any], limit: float
    ) -> None:
        everybody = asyncio.gather(*tasks, return_exceptions=True)
        rest = max(0.0, limit - self._clock.now())
        both: set[asyncio.Future[Any]] = {everybody, over}
        await asyncio.wait(both, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
        if not everybody.done() and not self._clock.stopped:
            self._clock.stop(_too_long(limit))

    async def _perform(self, script: _Script) -> None:
        came: _Came | None = None
        while True:
            try:
                wanted = script.send(came)
            except StopIteration:
                return
            came = None
            if isinstance(wanted, _Pause):
                await self._clock.pause(wanted.seconds)
            else:
                came = await _awaited(wanted)


def _is_stop(error: BaseException | None) -> bool:
    """Tell whether it is the end of the run, which task groups wrap like any other exception."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(RunStopped) is not None
    return isinstance(error, RunStopped)


def _asked(ask: _Ask) -> _Came:
    try:
        value = ask.function(*ask.arguments, **ask.keywords)
        if inspect.isgenerator(value):
            value = "".join(map(_text, value))
        elif inspect.isawaitable(value) or inspect.isasyncgen(value):
            value = asyncio.run(_result(value))
        return _Came(value=value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever leaves an agent is a finding
        return _Came(error=error)


async def _awaited(ask: _Ask) -> _Came:
    try:
        value = ask.function(*ask.arguments, **ask.keywords)
        return _Came(value=await _result(value))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever leaves an agent is a finding
        return _Came(error=error)


async def _result(value: Any) -> Any:
    """Return what an agent's answer comes to, which may be a stream of pieces."""
    if inspect.isawaitable(value):
        value = await value
    if inspect.isasyncgen(value):
        return "".join([_text(piece) async for piece in value])
    return "".join(map(_text, value)) if inspect.isgenerator(value) else value


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks; an agent may swallow one cancellation, but not for ever."""
    for _ in range(3):
        pending = [task for task in tasks if not task.done()]
        if not pending:
            return
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=1.0)


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run a loop to the end of `main`; unlike `asyncio.run`, never wait for what does not end."""
    loop = asyncio.SelectorEventLoop()
    try:
        loop.run_until_complete(main)
    finally:
        loop.run_until_complete(_cancelled(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _too_long(limit: float) -> str:
    return f"virtual time: more than {limit:g} s"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
