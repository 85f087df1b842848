"""Which calls: facts on one call, and predicates over them that compose with `&`, `|` and `~`.

The repr of a predicate is the sentence that a report prints:

    >>> call("2-3") & ~to_model("claude-haiku*")
    call 2-3 and not (to model claude-haiku*)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias, get_args

from chaoskit.conversation import is_error
from chaoskit.exchange import Call, ToolResult
from chaoskit.quick import quick

__all__ = [
    "ALWAYS",
    "NEVER",
    "PRIMARY",
    "TOOL_OPERATIONS",
    "Numbers",
    "Operation",
    "Predicate",
    "Subject",
    "ToolOperation",
    "by_user",
    "call",
    "calling",
    "flapping",
    "in_dialect",
    "in_turn",
    "offering",
    "performing",
    "reports_error",
    "streamed",
    "to_model",
    "to_provider",
    "wired",
    "within",
]

PRIMARY = "primary"
"""Stands for the provider that the run asked first."""

ToolOperation: TypeAlias = Literal[
    "run_tool", "list_tools", "connect", "listen", "cancel", "manage"
]
"""What a tool server is asked: `connect` opens a conversation, `listen` a stream for messages that
the server sends by itself, `cancel` gives up a request; `manage` is all the rest."""

Operation: TypeAlias = (
    Literal[
        "generate",
        "prepare",
        "count_tokens",
        "list_models",
        "get_model",
        "embed",
        "stored",
        "upgrade",
        "unknown",
    ]
    | ToolOperation
)

TOOL_OPERATIONS: tuple[ToolOperation, ...] = get_args(ToolOperation)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The facts on one call by which rules are chosen.

    Attributes:
        number: number of the user in the workload, from 1; 0 outside of any.
        n: number of the call among those of this user that reach the rule at hand, from 1.
        now: seconds since the run began.
        operation: what the call asks for; `run_tool` for a tool that is about to run, `list_tools`
            where somebody asks which there are, `unknown` for a request to a provider that could
            not be decoded.
        tools: names of the tools that the request offers.
        called: names of the tools that the reply at hand calls, of the one that is to run, or of
            those that are listed.
        reported: the request tells the model that a tool call went wrong.
        primary: it goes to the provider that the run asked first.
    """

    user: str = ""
    number: int = 0
    turn: int = 0
    n: int = 1
    now: float = 0.0
    operation: Operation = "generate"
    provider: str = ""
    dialect: str = ""
    model: str = ""
    stream: bool = False
    tools: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    reported: bool = False
    primary: bool = True

    @classmethod
    def of(cls, request: Call, *, user: str, number: int = 0, turn: int = 0, now: float) -> Subject:
        """Return the facts on a decoded request."""
        return cls(
            user=user,
            number=number,
            turn=turn,
            now=now,
            operation=request.operation,
            provider=request.provider,
            dialect=request.dialect,
            model=request.model,
            stream=request.stream,
            tools=tuple([tool.name for tool in request.tools]),
            reported=reports_error(request),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Predicate:
    """A yes-or-no question about a call. Two predicates are equal when their sentences are."""

    text: str
    test: Callable[[Subject], bool] = field(compare=False)
    joined: str = ""

    def __call__(self, subject: Subject) -> bool:
        """Answer the question."""
        return self.test(subject)

    def __repr__(self) -> str:
        return self.text

    def __and__(self, other: Predicate) -> Predicate:
        if NEVER in (self, other):
            return NEVER
        if ALWAYS in (self, other):
            return other if self == ALWAYS else self
        left, right = self.test, other.test
        return Predicate(
            f"{self._beside('and')} and {other._beside('and')}",
            lambda subject: left(subject) and right(subject),
            "and",
        )

    def __or__(self, other: Predicate) -> Predicate:
        if ALWAYS in (self, other):
            return ALWAYS
        if NEVER in (self, other):
            return other if self == NEVER else self
        left, right = self.test, other.test
        return Predicate(
            f"{self._beside('or')} or {other._beside('or')}",
            lambda subject: left(subject) or right(subject),
            "or",
        )

    def __invert__(self) -> Predicate:
        if self in (ALWAYS, NEVER):
            return NEVER if self == ALWAYS else ALWAYS
        test = self.test
        return Predicate(f"not ({self.text})", lambda subject: not test(subject))

    def _beside(self, word: str) -> str:
        return self.text if self.joined in ("", word) else f"({self.text})"


ALWAYS = Predicate("always", lambda _: True)
NEVER = Predicate("never", lambda _: False)

_SPAN = re.compile(r"(\d+)(?:\s*(-)\s*(\d+)?)?")
_EVERY = re.compile(r"every\s+(\d+)")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A set of numbers from 1, as people write it: 3, "2-3", "1,4-6", "2-", "every 5"."""

    text: str
    spans: tuple[tuple[int, float], ...] = ()
    step: int = 0

    @classmethod
    def parse(cls, value: int | str) -> Numbers:
        """Read a set of numbers.

        Raises:
            ValueError: it is not written like one, or contains no number from 1 on.
        """
        text = str(value).strip()
        if every := _EVERY.fullmatch(text):
            numbers = cls(text, step=int(every[1]))
            first = numbers.step
        else:
            parts = [_SPAN.fullmatch(part.strip()) for part in text.split(",")]
            numbers = cls(text, tuple(_span(part, value) for part in parts))
            first = min(low for low, _ in numbers.spans)
        if first < 1:
            raise ValueError(f"{value!r}: numbers start at 1")
        return numbers

    def __contains__(self, number: int) -> bool:
        if self.step:
            return number % self.step == 0
        return any(low <= number <= high for low, high in self.spans)


def _span(match: re.Match[str] | None, value: object) -> tuple[int, float]:
    if match is None:
        raise ValueError(f"{value!r}: write 3, '2-3', '1,4-6', '2-' or 'every 5'")
    low = int(match[1])
    high = float(match[3]) if match[3] else float("inf") if match[2] else low
    if high < low:
        raise ValueError(f"{value!r}: a range goes from the smaller number to the larger one")
    return low, high


def call(numbers: int | str) -> Predicate:
    """Match by the number of the call."""
    wanted = Numbers.parse(numbers)
    return Predicate(f"call {wanted.text}", lambda subject: subject.n in wanted)


def in_turn(numbers: int | str) -> Predicate:
    """Match by the number of the user's turn."""
    wanted = Numbers.parse(numbers)
    return Predicate(f"in turn {wanted.text}", lambda subject: subject.turn in wanted)


def by_user(*users: str | int) -> Predicate:
    """Match users by name, or by their number in the workload."""
    wanted = frozenset(users)
    names = " or ".join(user if isinstance(user, str) else f"user {user}" for user in users)
    return Predicate(
        f"by {names}", lambda subject: subject.user in wanted or subject.number in wanted
    )


def to_model(pattern: str) -> Predicate:
    """Match by the model's name, with `*` and `?`."""
    return Predicate(f"to model {pattern}", lambda subject: fnmatchcase(subject.model, pattern))


def to_provider(name: str) -> Predicate:
    """Match by the provider's name; `primary` is the one that the run asked first."""
    if name == PRIMARY:
        return Predicate("to the primary provider", lambda subject: subject.primary)
    return Predicate(f"to provider {name}", lambda subject: subject.provider == name)


def in_dialect(name: str) -> Predicate:
    """Match by the wire protocol."""
    return Predicate(f"in dialect {name}", lambda subject: subject.dialect == name)


def offering(pattern: str) -> Predicate:
    """Match requests that offer a tool of that name, with `*` and `?`."""
    return Predicate(
        f"offering tool {pattern}",
        lambda subject: any(fnmatchcase(tool, pattern) for tool in subject.tools),
    )


def calling(pattern: str) -> Predicate:
    """Match replies that call a tool of that name, and runs of it, with `*` and `?`."""
    return Predicate(
        f"calling tool {pattern}",
        lambda subject: any(fnmatchcase(tool, pattern) for tool in subject.called),
    )


def streamed(*, wanted: bool) -> Predicate:
    """Match streamed calls, or the others."""
    return Predicate(
        "streamed" if wanted else "not streamed", lambda subject: subject.stream is wanted
    )


def performing(*operations: Operation) -> Predicate:
    """Match by what the call asks for."""
    text = f"performing {' or '.join(operations)}"
    return Predicate(text, lambda subject: subject.operation in operations)


def wired() -> Predicate:
    """Match requests for tools that come over a wire, not the runs of the agent's own functions."""
    return Predicate("over a wire", lambda subject: subject.dialect != "")


def within(start: float, end: float = float("inf")) -> Predicate:
    """Match from `start` until before `end`, in seconds since the run began."""
    text = f"from {start:g} s" + (f" to {end:g} s" if end < float("inf") else "")
    return Predicate(text, lambda subject: start <= subject.now < end)


def flapping(every: float, sick: float, start: float = 0.0) -> Predicate:
    """Match the first `sick` seconds of every `every` seconds, counted from `start`."""
    return Predicate(
        f"in the first {sick:g} s of every {every:g} s",
        lambda subject: subject.now >= start and (subject.now - start) % every < sick,
    )


def reports_error(request: Call) -> bool:
    """Tell whether a tool result after the last model turn says that its call went wrong."""
    for message in reversed(request.messages):
        if message.role == "assistant":
            return False
        for part in message.content:
            if isinstance(part, ToolResult) and is_error(part):
                return True
    return False
