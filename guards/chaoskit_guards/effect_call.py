"""What is done about one call of an effect: a decision that asks for steps and performs none.

The steps are begin, look, run, end. Who performs them may block or await; the decision is one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from chaoskit_guards.deadline import time_left
from chaoskit_guards.effect_store import EffectRecord, Outcome
from chaoskit_guards.effects import Effect
from chaoskit_guards.errors import OutcomeUnknown
from chaoskit_guards.events import Listener, emit

__all__ = [
    "Begin",
    "Check",
    "Decision",
    "EffectCall",
    "End",
    "Go",
    "NothingRan",
    "Sleep",
    "Step",
    "Steps",
]

_NAME = re.compile(r"[A-Za-z_][\w.-]{0,39}")
_POLL = 0.25
_LOOK = "Look it up before you try again."
_AGAIN = "You may try again with the same arguments: it cannot happen twice."
_BUSY = "Another call is still at it."


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectCall:
    """One call of an effect.

    Attributes:
        arguments: what the tool gets, its idempotency key included.
        given: the arguments without that, by name.
        key: shared by the calls that ask for the same effect.
        own_key: where the caller tells calls apart, this one's.
        owner: names this attempt in a store.
    """

    name: str
    arguments: object
    given: Mapping[str, Any]
    effect: Effect
    key: str
    own_key: str | None
    owner: str

    @property
    def place(self) -> str:
        """The key under which equal calls at the same time are one."""
        return self.own_key or self.key

    def __str__(self) -> str:
        names = [name for name in self.given if _NAME.fullmatch(str(name))][:6]
        return f"{self.name}({', '.join(f'{name}=…' for name in names)})"


@dataclass(frozen=True, slots=True)
class Begin:
    """Ask the store for an effect; gives its record."""

    key: str


@dataclass(frozen=True, slots=True)
class End:
    """Note in the store how it ended."""

    key: str
    outcome: Outcome
    result: Any = None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait, since another process is at it."""

    seconds: float


class Check:
    """Ask whether it happened; gives what the check says."""


class Go:
    """Run the tool; gives its result."""


Step = Begin | End | Sleep | Check | Go
Steps = Generator[Step, Any, Any]


class NothingRan(Exception):  # noqa: N818 - a signal, which never leaves the guard
    """The step came to nothing: what it gave has yet to be awaited."""


class Decision:
    """Decides about calls; the listener hears what was decided."""

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener

    def steps(self, call: EffectCall) -> Steps:
        """Give the steps of a call; the result is the value of the generator.

        Raises:
            OutcomeUnknown: it may have happened and is not repeated.
        """
        if call.own_key is not None:
            record = yield from self._begun(call, call.own_key)
            if record.state == "done":
                return self._replayed(call, record)
        record = yield from self._begun(call, call.key)
        if record.state == "done":
            if call.own_key is not None:
                yield End(call.own_key, "done", record.result)
            return self._replayed(call, record)
        if record.state == "unknown":
            found = yield from self._checked(call)
            if _happened(found):
                yield from _ended(call, "done", found)
                return found
            if found is None and call.effect.key_parameter is None:
                yield from _ended(call, "unknown")
                raise self.unknown(call, f"It was not repeated. {_LOOK}")
        try:
            result = yield Go()
        except GeneratorExit:
            raise
        except NothingRan:
            yield from _ended(call, "failed")
            raise
        except BaseException as error:  # noqa: BLE001 - raised again, unless it did happen
            found = yield from self._failed(call, error)
            return found
        verdict = call.effect.reported(result)
        if verdict == "unclear":
            found = yield from self._checked(call)
            if _happened(found):
                yield from _ended(call, "done", found)
                return found
        outcomes: dict[Any, Outcome] = {None: "done", "failed": "failed"}
        yield from _ended(call, outcomes.get(verdict, "unknown"), result)
        return result

    def _failed(self, call: EffectCall, error: BaseException) -> Steps:
        """Give what it turns out to have done, or raise."""
        verdict = call.effect.verdict(error)
        if verdict == "failed":
            yield from _ended(call, "failed")
            raise error
        found = None
        if isinstance(error, Exception):  # somebody who is interrupted waits for nothing else
            found = yield from self._checked(call)
            if _happened(found):
                yield from _ended(call, "done", found)
                return found
        # Also where it has not happened so far: it may be on its way.
        yield from _ended(call, "unknown")
        if verdict == "unclear" or not isinstance(error, Exception):
            raise error
        if found is None and call.effect.key_parameter is None:
            raise self.unknown(call, _LOOK) from error
        seen = "It has not happened so far. " if found is False else ""
        raise self.unknown(call, seen + _AGAIN, repeatable=True) from error

    def unknown(
        self, call: EffectCall, advice: str = _BUSY, *, repeatable: bool = False
    ) -> OutcomeUnknown:
        """Return the error that says so."""
        self.tell("unknown", call)
        text = f"The outcome of {call} is unknown. {advice}"
        return OutcomeUnknown(text, tool=call.name, key=call.key, repeatable=repeatable)

    def tell(self, kind: str, call: EffectCall, **values: object) -> None:
        """Tell the listener."""
        emit(self._listener, kind, "idempotent", tool=call.name, key=call.key, **values)

    def _begun(self, call: EffectCall, key: str) -> Generator[Step, Any, EffectRecord]:
        while True:
            try:
                record: EffectRecord = yield Begin(key)
            except GeneratorExit:
                raise
            except BaseException:
                yield from _ended(call, "failed")  # it may have been noted, and nobody is at it
                raise
            if record.state != "running":
                return record
            left = time_left()
            if left == 0:
                if key != call.own_key:
                    yield from _ended(call, "failed")
                raise self.unknown(call)
            yield Sleep(min(_POLL if left is None else left, _POLL, record.wait))

    def _checked(self, call: EffectCall) -> Steps:
        """Ask whether it happened; None: nobody can tell."""
        if call.effect.check is None:
            return None
        found = yield Check()
        self.tell("checked", call, happened=None if found is None else _happened(found))
        return found

    def _replayed(self, call: EffectCall, record: EffectRecord) -> Any:
        self.tell("replayed", call)
        if record.kept:
            return record.result
        return f"{call.name} has been done already; its result was not kept."


def _happened(found: object) -> bool:
    return found is not None and found is not False


def _ended(call: EffectCall, outcome: Outcome, result: Any = None) -> Generator[Step, Any, None]:
    """Note how it ended: what has happened under the call's own key, where it has one."""
    if call.own_key is not None:
        yield End(call.own_key, "done" if outcome == "done" else "failed", result)
    shared: Outcome = "failed" if outcome == "done" and call.own_key is not None else outcome
    yield End(call.key, shared, result)
