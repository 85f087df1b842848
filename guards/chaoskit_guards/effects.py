"""What an effect is, when two of them are the same, and what a failure says about one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chaoskit_guards.canonical import VOLATILE, outcome, parsed, plain_name
from chaoskit_guards.errors import (
    AllProvidersFailed,
    ArgError,
    BudgetError,
    CircuitOpenError,
    LoopDetectedError,
    OutcomeUnknown,
    RetryError,
    StoreUnavailable,
    StreamTruncated,
    ToolRefused,
    ToolTimeout,
    UnreadableResponse,
    UntranslatableRequest,
)
from chaoskit_guards.failures import classify
from chaoskit_guards.hooks import asked
from chaoskit_guards.shapes import as_mapping

__all__ = ["Effect", "Verdict", "digest", "effect_key", "exact"]

Verdict = Literal["failed", "lost", "unclear"]
"""What a failure says: the effect did not happen; its answer was lost on the way; or it may have
happened, and the tool has said something about it that is worth hearing."""

_MEANINGLESS = VOLATILE - {"timestamp", "ts"}  # a time can be what is asked for
_DEEP = 32
_encode = json.JSONEncoder(sort_keys=True, default=repr).encode

# Nothing has been sent when these are raised, whatever library they are of.
_BEFORE = frozenset(
    {
        "ClientConnectorError",
        "ConnectError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "ConnectionRefusedError",
        "ConnectionTimeoutError",
        "EndpointConnectionError",
        "NameResolutionError",
        "NewConnectionError",
        "PoolTimeout",
        "gaierror",
    }
)
_REFUSALS = (
    ArgError,
    BudgetError,
    CircuitOpenError,
    LoopDetectedError,
    StoreUnavailable,
    ToolRefused,
    UntranslatableRequest,
)
"""What guards raise before anything is sent."""
_LOSSES = (
    AllProvidersFailed,
    OutcomeUnknown,
    RetryError,
    StreamTruncated,
    ToolTimeout,
    UnreadableResponse,
)
_MAYBE = frozenset({408, 409, 425})
"""Refusals that a request may get while it, or its twin, is being worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A tool that changes something.

    Attributes:
        check: "did it happen?" Asked with the call's arguments as keywords when its outcome is
            unknown; may be a coroutine function. It returns False when it did not happen, None
            when that cannot be told, and otherwise the result to give. Reading only, please.
        key_parameter: parameter of the tool that takes an idempotency key. The model does not see
            it. Whoever gets the key there promises that two calls with one key are one effect, so
            that a call whose outcome is unknown may be repeated.
        identity: arguments that make two calls the same effect; None: all of them. A model words
            `reason` anew each time.
        refused: asked about each exception, and each result that reports an error: True where the
            tool says that it did nothing, None to leave it here.
    """

    check: Callable[..., Any] | None = None
    key_parameter: str | None = None
    identity: Collection[str] | None = None
    refused: Callable[[Any], bool | None] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.identity, str):
            raise TypeError("identity is a collection of names, not a text")

    def verdict(self, error: BaseException) -> Verdict:
        """Return what an exception of the tool says."""
        if isinstance(error, Exception) and self._refuses(error):
            return "failed"
        return _verdict(error)

    def reported(self, result: object) -> Verdict | None:
        """Return what a result says when it reports an error; None when it reports none."""
        mapping = None if isinstance(result, str) else as_mapping(result)
        failed = mapping is not None and mapping.get("isError") is True  # MCP
        if not failed and outcome(result if mapping is None else mapping) != "error":
            return None
        return "failed" if self._refuses(result) else "unclear"

    def _refuses(self, said: object) -> bool:
        answer = None if self.refused is None else asked("refused", self.refused, said)
        return answer is True


def _verdict(error: BaseException) -> Verdict:
    if isinstance(error, _REFUSALS):
        return "failed"
    if isinstance(error, _LOSSES) or not isinstance(error, Exception):
        return "lost"
    seen: BaseException | None = error
    for _ in range(8):  # an SDK wraps what its HTTP client has raised
        if seen is None:
            break
        if any(base.__name__ in _BEFORE for base in type(seen).__mro__):
            return "failed"
        seen = seen.__cause__ or _reason(seen)  # the context may be another attempt
    failure = classify(error)
    if failure.status is not None and 400 <= failure.status < 500:
        return "lost" if failure.status in _MAYBE else "failed"
    return "lost" if failure.provider_fault or failure.kind == "cancelled" else "unclear"


def _reason(error: BaseException) -> BaseException | None:
    """Return what urllib and urllib3 have wrapped."""
    found = getattr(error, "reason", None)
    if not isinstance(found, BaseException) and error.args:
        found = error.args[0]
    return found if isinstance(found, BaseException) else None


def exact(value: object, depth: int = 0) -> object:
    """Return a value that is equal for equal JSON: 1 and 1.0, and members in any order."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if depth > _DEEP:
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): exact(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item, depth + 1) for item in value]
    return value


def effect_key(session: str, name: str, arguments: object, effect: Effect) -> str:
    """Return the key that two calls share exactly when they ask for the same effect.

    Ids that the model makes up for the call itself do not count, spelling does.
    """
    given = parsed(arguments)
    if isinstance(given, Mapping):
        kept, hidden = effect.identity, effect.key_parameter
        given = {
            key: value
            for key, value in given.items()
            if key != hidden
            and (plain_name(str(key)) not in _MEANINGLESS if kept is None else key in kept)
        }
    return digest(_encode([session, name, exact(given)]))


def digest(text: str) -> str:
    """Return a key of a text that tells nothing about it."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
