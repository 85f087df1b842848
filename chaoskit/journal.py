"""The append-only record of everything that happened in a run, in typed events.

Every event says when (`at`, seconds of the run's own clock, from 0) and for whom (`user`, empty
for the world itself). On disk a journal is JSON Lines; reading one back gives equal events, so
that any run can be judged again later. Keys and secrets are never recorded, fingerprints are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from chaoskit.quick import quick

__all__ = [
    "HALVES",
    "KINDS",
    "Answered",
    "Blocked",
    "CalledTool",
    "Changed",
    "Channel",
    "Delivered",
    "Event",
    "Failed",
    "GotResult",
    "Happened",
    "Journal",
    "Leaked",
    "Noted",
    "Planted",
    "RanTool",
    "Refused",
    "Remained",
    "Replied",
    "Requested",
    "RuleAdded",
    "RunEnded",
    "RunStarted",
    "Served",
    "Struck",
    "TurnStarted",
    "as_line",
    "as_record",
    "of_record",
]

E_ = TypeVar("E_", bound="Event")
T_ = TypeVar("T_")

HALVES = "backslashreplace"
"""How halves of surrogate pairs are written to files: as the escapes by which JSON carries them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has.

    Attributes:
        at: seconds since the run began, on the run's clock.
        user: whose turn it belongs to; empty for the world itself.
        turn: number of the user's turn, from 1; 0 outside of any.
    """

    at: float
    user: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """The world is ready.

    Attributes:
        rules: one line for each fault rule, in order.
        counter: what counts the tokens: the name of a vocabulary, or `estimate`.
    """

    scenario: str
    agent: str
    seed: int
    healthy: bool
    clock: str
    users: int
    rules: tuple[str, ...] = ()
    counter: str = "estimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAdded(Event):
    """A fault rule came to those that the run began with; it has the next number."""

    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(Event):
    """Something that the scenario scheduled, such as `deploy` or `startup`."""

    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted(Event):
    """A user asks."""

    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Event):
    """The agent returned. `seconds` is how long the user waited."""

    answer: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """The agent raised, or was stopped by the bounds of the run.

    Attributes:
        error: class of the exception, with its module.
        where: `file:line` of the innermost frame of the agent's own code.
        stopped: the run's bounds ended it; `error` then names the bound.
    """

    error: str
    message: str
    where: str
    seconds: float
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GotResult:
    """A tool result that the newest part of a request carries."""

    call_id: str
    tool: str
    is_error: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledTool:
    """A tool call that the model made. `valid`: the arguments satisfy the offered schema."""

    call_id: str
    tool: str
    arguments: str
    valid: bool


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Requested(Event):
    """A request arrived at the simulated provider.

    Attributes:
        call: number of the HTTP attempt in the whole run, from 1.
        attempt: number of the HTTP attempt of this user, from 1.
        operation: `generate`, `count_tokens`, …; `unknown` when it could not be decoded.
        sdk_retry: the client's own retry counter (`x-stainless-retry-count`), -1 when absent.
        digest: hash of the whole body: equal requests have equal digests.
        step: hash of the conversation's shape without the text of its user turns; attempts of one
            agent step share it even when a nonce changes in the prompt.
        prefix: hash of tools and system, the part that a prompt cache would keep.
        prompt_tokens: counted by the simulation; 0 when the request could not be decoded.
        results: tool results after the last model turn.
        cacheable: tools and system prompt are long enough for the model's prompt cache.
    """

    call: int
    attempt: int
    provider: str
    dialect: str
    operation: str
    model: str
    stream: bool
    key: str
    digest: str
    step: str
    prefix: str
    messages: int
    tools: tuple[str, ...]
    prompt_tokens: int
    max_tokens: int | None
    sdk_retry: int = -1
    results: tuple[GotResult, ...] = ()
    cacheable: bool = False


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Struck(Event):
    """A fault did its damage. `call` is 0 for a tool that was not reached through HTTP."""

    call: int
    rule: int
    fault: str
    stage: Literal["admit", "reply", "frames", "steps", "offer", "run", "result"]
    detail: str = ""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Event):
    """The provider answered with an error.

    Attributes:
        injected: a fault refused; otherwise the provider's own rules did.
        early: the client came back before the time that an earlier Retry-After had asked for.
        waited: seconds since that earlier refusal; 0 when there was none.
    """

    call: int
    status: int
    kind: str
    message: str
    retry_after: float | None = None
    injected: bool = False
    early: bool = False
    waited: float = 0.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Replied(Event):
    """The provider answered. Token counts and the bill are what a real one would report."""

    call: int
    provider: str
    model: str
    stop: str
    text: str
    tool_calls: tuple[CalledTool, ...] = ()
    facts: tuple[str, ...] = ()
    streamed: bool = False
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered(Event):
    """How the exchange ended for the client.

    Attributes:
        how: `complete`; `unfinished` (a clean end without the terminator); `closed` and `reset`
            (the connection broke, `sent_content` tells whether part of the answer had arrived);
            `refused` (no connection); `timeout` (the client gave up waiting); `abandoned` (the
            client stopped reading).
        seconds: from the request to its end.
    """

    call: int
    how: Literal["complete", "unfinished", "closed", "reset", "refused", "timeout", "abandoned"]
    seconds: float
    sent_content: bool = False
    error_frame: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RanTool(Event):
    """A tool of the agent was called.

    Attributes:
        arguments: JSON text; canaries in it are replaced by their labels.
        outcome: `raised`: the agent's own function did; `lost`: it may have done its work, and
            its answer never came; `refused`: it did not run.
        valid: they satisfy the schema that the agent offered; None when it offered none.
        simulated: the scenario answered instead of, or changed the answer of, the agent's function.
        canaries: labels of the planted secrets that reached the tool in the clear.
        recognised: the call carries a key by which the tool recognises repeated ones.
    """

    tool: str
    arguments: str
    outcome: Literal["result", "error", "raised", "lost", "refused"]
    result: str
    valid: bool | None = None
    simulated: bool = True
    seconds: float = 0.0
    canaries: tuple[str, ...] = ()
    recognised: bool = False


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Served(Event):
    """A request to the simulated tool server came to its end.

    Attributes:
        call: number of the request among those to the tool server, from 1.
        operation: `run_tool`, `list_tools`, `connect`, `listen`, `cancel` or `manage`.
        how: how it ended for the client, as in `Delivered`.
        seconds: from the request to its end.
        status: HTTP status; 0 where there is none.
        refused: kind of the error by which it was refused; empty when it was not.
        retry_after: seconds that the client was asked to wait.
        injected: a fault refused.
    """

    call: int
    dialect: str
    operation: str
    tool: str
    how: Literal["complete", "unfinished", "closed", "reset", "refused", "timeout", "abandoned"]
    seconds: float
    status: int = 0
    refused: str = ""
    retry_after: float | None = None
    injected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(Event):
    """A tool changed a record of the simulated world.

    Attributes:
        arguments: what the tool was called with, as JSON text without canaries.
        record: the record afterwards, or what was deleted, as JSON text without canaries.
    """

    tool: str
    arguments: str
    action: Literal["create", "update", "delete"]
    collection: str
    key: str
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remained(Event):
    """What a collection of records looked like in the end; `records` is JSON, without canaries."""

    collection: str
    records: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted(Event):
    """A fake secret was made and put into the world. `canary` is its label, never its value."""

    canary: str


Channel: TypeAlias = Literal[
    "log", "stdout", "stderr", "warning", "exception", "span", "answer", "request"
]
"""Where a secret may turn up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaked(Event):
    """A planted secret, or something of another user, turned up where it must not be.

    Attributes:
        canary: label of the secret, such as `tool-argument/user-1`; never its value.
        channel: one of `Channel`.
        encoding: `plain`, `url`, `base64`, `json`, `hex`.
        where: logger, file and line, name of the span, or host and part of the request.
    """

    canary: str
    channel: str
    encoding: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked(Event):
    """The agent reached for a host outside of the run; nothing was sent."""

    host: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """A remark of the harness on the run itself, such as `not reproducible`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """The run is over. `reason` is `finished` or the bound that ended it."""

    reason: str


class Journal:
    """Events in the order in which they happened."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events: list[Event] = list(events)
        self._views: dict[object, tuple[int, Any]] = {}

    def append(self, event: Event) -> None:
        """Add one event."""
        self._events.append(event)

    def view(self, make: Callable[[Journal], T_]) -> T_:
        """Return what a pure function makes of the journal, once for as long as nothing is added.

        What it makes is shared, so nobody may change it.
        """
        size, made = self._views.get(make, (-1, None))
        if size != len(self):
            size = len(self)
            made = make(self)
            self._views[make] = (size, made)
        result: T_ = made
        return result

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Journal) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # a journal grows

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} events>"

    def of(self, *kinds: type[E_]) -> list[E_]:
        """Return the events of the given kinds, in order."""
        return [event for event in self if isinstance(event, kinds)]

    def dumps(self) -> str:
        """Return the journal as JSON Lines; equal journals give equal text."""
        return "".join(f"{as_line(event)}\n" for event in self)

    @classmethod
    def loads(cls, text: str) -> Journal:
        """Return the journal written by `dumps`.

        Raises:
            ValueError: a line is not an event of a journal.
        """
        return cls(_load(line) for line in text.split("\n") if line.strip())

    def write(self, path: Path) -> None:
        """Write the journal to a file as JSON Lines."""
        path.write_text(self.dumps(), encoding="utf-8", errors=HALVES)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, (GotResult, CalledTool)):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def as_record(event: Event) -> dict[str, Any]:
    """Return an event as a line of a journal's file has it: its kind, and its fields in order."""
    record: dict[str, Any] = {"event": type(event).__name__}
    for field in fields(event):
        record[field.name] = _plain(getattr(event, field.name))
    return record


def as_line(event: Event) -> str:
    """Return an event as a line of a journal's file, without its end."""
    record = as_record(event)
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def of_record(name: str, record: Mapping[str, Any]) -> Event:
    """Return the event of a kind that has these fields, as JSON has them.

    Raises:
        KeyError: there is no such kind.
        TypeError: a field is missing, or there is no such field.
        ValueError: a number is none.
    """
    kind = KINDS[name]
    values = dict(record)
    for field, revive in _revivers(name).items():
        if field in values:
            values[field] = revive(values[field])
    return kind(**values)


def _load(line: str) -> Event:
    record = json.loads(line)
    try:
        return of_record(record.pop("event"), record)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not an event of a journal: {line[:80]!r} ({error})") from error


@cache
def _revivers(name: str) -> dict[str, Callable[[Any], Any]]:
    """Return what makes the fields of a kind of event from JSON, where JSON has not the same."""
    found = {field: _reviver(hint) for field, hint in get_type_hints(KINDS[name]).items()}
    return {field: revive for field, revive in found.items() if revive is not None}


def _reviver(hint: Any) -> Callable[[Any], Any] | None:
    if hint is float:
        return float
    if hint in (GotResult, CalledTool):
        return lambda value: hint(**value)
    if get_origin(hint) is tuple:
        inner = _reviver(get_args(hint)[0])
        return tuple if inner is None else lambda value: tuple(map(inner, value))
    if get_origin(hint) in (Union, UnionType):
        there = next(filter(None, map(_reviver, get_args(hint))), None)
        return there and (lambda value: None if value is None else there(value))
    return None


KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}
"""The kinds of events by their names."""
