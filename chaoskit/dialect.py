"""What a dialect is: one wire protocol, decoded into calls and encoded from replies."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, Reply
from chaoskit.quick import quick
from chaoskit.sockets import Lane, Socket
from chaoskit.steps import Frame

__all__ = [
    "Conversing",
    "Dialect",
    "Envelope",
    "LimitState",
    "ModelFacts",
    "Models",
    "Sequenced",
    "Shelf",
    "Stateful",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of one model.

    Attributes:
        window: context window, in tokens.
        max_output: largest `max_tokens`, in tokens.
        cache_minimum: smallest prefix that the prompt cache keeps, in tokens; 0 for none.
        features: traits that dialects ask for, such as `prefill`, `sampling`, `reasoning`.
        created, deprecated, retires: unix seconds; 0 when unknown or never.
        lifecycle: a retired model is not found any more.
        retentions: how long its prompt cache may be asked to keep; empty for as is liked.
        no_tools: types of the vendor's tools that it does not support, with `*` for the rest.
    """

    name: str
    provider: str
    window: int
    max_output: int
    cache_minimum: int = 0
    features: frozenset[str] = frozenset()
    created: int = 0
    display_name: str = ""
    lifecycle: Literal["active", "deprecated", "retired"] = "active"
    deprecated: int = 0
    retires: int = 0
    no_tools: tuple[str, ...] = ()
    retentions: tuple[str, ...] = ()


class Models(Protocol):
    """The models of the simulated provider."""

    def find(self, name: str, provider: str) -> ModelFacts | None:
        """Return the facts on a model, by its own name or its family's; None when unknown."""
        ...

    def all(self, provider: str) -> tuple[ModelFacts, ...]:
        """Return the models that the provider lists."""
        ...


class Shelf(Protocol):
    """What the service keeps for one API key between its requests."""

    def get(self, kind: str, name: str) -> object | None:
        """Return what is kept under a name, or None."""
        ...

    def put(self, kind: str, name: str, value: object) -> None:
        """Keep something, in place of what the name stood for."""
        ...

    def drop(self, kind: str, name: str) -> None:
        """Forget what is kept under a name, if anything."""
        ...

    def all(self, kind: str) -> tuple[object, ...]:
        """Return everything of a kind, the oldest first."""
        ...


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """One rate limit as headers report it: `requests`, `input_tokens`, `output_tokens`, `tokens`.

    Attributes:
        reset: seconds until the limit is fully replenished.
    """

    name: str
    limit: int
    remaining: int
    reset: float


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a response needs beyond its content.

    Attributes:
        ids: generator for message, call and request ids.
        wall: unix seconds on the run's clock.
        latency: seconds that the provider took, for headers that tell it.
        authenticated: organisation headers are sent only then.
        shelf: takes what later requests may refer to; None where nothing is kept.
        ask: answers a request that this one holds; None where it can hold none.
        lane: of the WebSocket on which the answer goes; None where it goes by HTTP.
    """

    ids: random.Random
    wall: float
    limits: tuple[LimitState, ...] = ()
    latency: float = 0.0
    authenticated: bool = True
    shelf: Shelf | None = None
    ask: Callable[[HttpRequest], HttpReply] | None = None
    lane: Lane | None = None


class Dialect(Protocol):
    """One wire protocol.

    All methods are pure: ids come from the envelope, and what is to be kept goes to its shelf.
    """

    @property
    def name(self) -> str:
        """Name as it stands in journals and scenario files."""
        ...

    @property
    def provider(self) -> str:
        """Whose protocol it is."""
        ...

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request is in this dialect, by host, path and headers; any base URL."""
        ...

    def largest(self, request: HttpRequest) -> int:
        """Return how many bytes the body of a request may have, by its head."""
        ...

    def decode(self, request: HttpRequest, models: Models) -> Call | Refusal:
        """Return the call, or the refusal with which production answers an invalid request."""
        ...

    def call_id(self, ids: random.Random) -> str:
        """Return a new id for a tool call, in the provider's format."""
        ...

    def plain(self, reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
        """Encode an unstreamed answer."""
        ...

    def stream(
        self, reply: Reply, call: Call, envelope: Envelope
    ) -> tuple[Mapping[str, str], Sequence[Frame]]:
        """Encode a streamed answer: headers, and the events in order."""
        ...

    def refuse(self, refusal: Refusal, call: Call | None, envelope: Envelope) -> HttpReply:
        """Encode an error response; `call` is None when the request could not be decoded."""
        ...

    def error_frame(self, refusal: Refusal, envelope: Envelope) -> Frame:
        """Encode an error that is reported inside a stream, after HTTP 200."""
        ...

    def count(self, tokens: int, call: Call, envelope: Envelope) -> HttpReply:
        """Encode the answer to `count_tokens`."""
        ...

    def models(self, call: Call, models: Models, envelope: Envelope) -> HttpReply:
        """Encode the answer to `list_models` and `get_model`."""
        ...


@runtime_checkable
class Stateful(Protocol):
    """A dialect whose requests may refer to earlier ones."""

    def recall(self, call: Call, shelf: Shelf, wall: float) -> Call | Refusal:
        """Return the call with the earlier conversation that it refers to, or the refusal.

        `wall` is now, in unix seconds.
        """
        ...

    def stored(self, call: Call, envelope: Envelope) -> HttpReply:
        """Encode the answer to a `stored` operation, which reads or changes what is kept."""
        ...


@runtime_checkable
class Sequenced(Protocol):
    """A dialect whose events know their place in the stream."""

    def sequence(self, frames: Sequence[Frame]) -> tuple[Frame, ...]:
        """Return the frames; those that `error_frame` made refer to the ones before them."""
        ...


@runtime_checkable
class Conversing(Protocol):
    """A dialect that is spoken over WebSockets as well: an answer's events are messages there."""

    def opened(self) -> Socket:
        """Return a WebSocket that was accepted."""
        ...

    def heard(self, call: Call, lane: Lane, shelf: Shelf) -> Call | Refusal:
        """Return the call of a message, completed like one that is recalled, or the refusal."""
        ...

    def said(self, reply: HttpReply, asked: bytes, lane: Lane) -> str:
        """Encode an answer in one piece as a message; `asked` is the message of the client."""
        ...
