"""Every error that a guard raises, in one tree.

GuardError
├── ArgError               a tool was called with arguments that break its declaration
├── RetryError             an operation was not repeated again
│   ├── RetryExhausted     all attempts failed (only where the configuration asks to wrap)
│   └── RetryAfterTooLong  the provider asked for a longer wait than the caller can afford
├── BudgetError            a reservation was not granted
│   ├── BudgetTooLarge     it can never be granted: larger than the whole window
│   └── BudgetTimeout      it could not be granted in the time that the caller gave
├── CircuitOpenError       the breaker is open; nothing was sent
├── StoreUnavailable       what a guard shares with other processes is out of reach
├── AllProvidersFailed     no provider of a router answered
├── LoopDetectedError      an agent goes in circles; the text tells the model what to do
├── UntranslatableRequest  a request cannot be said in the other vendor's words
├── UnreadableResponse     a provider answered with something that is no answer
├── StreamTruncated        a stream ended before the provider said that it is complete
├── ToolError              a tool did not do what it was called for, or nobody knows
│   ├── ToolRefused        it did nothing; tools of your own raise it to say so
│   │   └── ActionRefused  it acts on the world, and text from outside may have asked for it
│   ├── ToolTimeout        it took too long
│   └── OutcomeUnknown     its effect may have happened, and is not repeated blindly
├── OutputError            what a model wrote does not have the form that was asked for
│   └── OutputTruncated    it ends before it is complete
└── SessionError           state of one session was touched in another one

Each can be pickled, its text can be shown to a model, and none keeps arguments, prompts or
credentials. Where a failure of the provider is behind it, that is the `__cause__`.
"""

# ruff: noqa: N818 - the names say what happened; `Error` is the end of the families only

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "ActionRefused",
    "AllProvidersFailed",
    "ArgError",
    "ArgProblem",
    "Attempt",
    "BudgetError",
    "BudgetTimeout",
    "BudgetTooLarge",
    "CircuitOpenError",
    "GuardError",
    "LoopDetectedError",
    "OutcomeUnknown",
    "OutputError",
    "OutputTruncated",
    "RetryAfterTooLong",
    "RetryError",
    "RetryExhausted",
    "SessionError",
    "StoreUnavailable",
    "StreamTruncated",
    "ToolError",
    "ToolRefused",
    "ToolTimeout",
    "UnreadableResponse",
    "UntranslatableRequest",
]


def _restore(kind: type[GuardError], args: tuple[object, ...], state: dict[str, Any]) -> GuardError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class GuardError(Exception):
    """The root of the errors that the guards raise."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgProblem:
    """One argument that breaks its declaration.

    Attributes:
        pointer: where, as a JSON pointer: `/filters/0/field`; empty for all arguments together.
        message: what was expected, for the model to read; never the value itself.
    """

    pointer: str
    message: str

    @property
    def path(self) -> str:
        """The same place as a person writes it: `filters[0].field`."""
        if self.pointer[1:].isidentifier():
            return self.pointer[1:]
        parts = [p.replace("~1", "/").replace("~0", "~") for p in self.pointer.split("/")[1:]]
        text = "".join(f"[{p}]" if p.isdigit() else f".{p}" for p in parts)
        return text.removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.pointer else self.message


class ArgError(GuardError):
    """A tool was called with arguments that break its declaration; the tool did not run.

    Attributes:
        tool: name of the tool.
        problems: everything that is wrong, not only the first; at most 64 of them.
        count: how many there are.
    """

    def __init__(self, tool: str, problems: tuple[ArgProblem, ...]) -> None:
        super().__init__(tool)  # and not all of the problems
        self.tool = tool
        self.problems = problems[:64]
        self.count = len(problems)

    def __str__(self) -> str:
        shown = self.problems[:8]
        more = self.count - len(shown)
        return "; ".join(map(str, shown)) + (f"; and {more} more" if more else "")

    def tool_result(
        self, call_id: str, vendor: Literal["anthropic", "openai", "openai_responses"] = "anthropic"
    ) -> dict[str, object]:
        """Return the answer to the model's call `call_id`, marked as an error where possible."""
        text = (
            f"The tool {self.tool} did not run because its arguments are wrong: {self}. "
            "Call it again with corrected arguments."
        )
        if vendor == "anthropic":
            return {
                "type": "tool_result",
                "tool_use_id": call_id,
                "content": text,
                "is_error": True,
            }
        if vendor == "openai":
            return {"role": "tool", "tool_call_id": call_id, "content": text}
        return {"type": "function_call_output", "call_id": call_id, "output": text}


class RetryError(GuardError):
    """An operation was not repeated again; the last failure is the cause.

    Attributes:
        attempts: how often the operation was tried.
        status_code: status of the last failure, when it had one.
    """

    def __init__(self, message: str, *, attempts: int, status_code: int | None = None) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.status_code = status_code


class RetryExhausted(RetryError):
    """All attempts failed, and the configuration asks to wrap the last failure."""


class RetryAfterTooLong(RetryError):
    """The provider asked for a longer wait than the deadline or the cap leaves.

    Attributes:
        retry_after: seconds that the provider asked for.
    """

    def __init__(
        self, message: str, *, retry_after: float, attempts: int, status_code: int | None = None
    ) -> None:
        super().__init__(message, attempts=attempts, status_code=status_code)
        self.retry_after = retry_after


class BudgetError(GuardError):
    """A reservation was not granted; nothing was booked."""


class BudgetTooLarge(BudgetError):
    """One request is larger than the whole window, so that waiting cannot help."""


class BudgetTimeout(BudgetError):
    """A reservation could not be granted in the time that the caller gave.

    Attributes:
        retry_after: seconds until it can be granted, if nothing else is booked before.
    """

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CircuitOpenError(GuardError):
    """The breaker is open, or its one probe is under way; nothing was sent.

    Attributes:
        name: name of the breaker.
        retry_after: seconds until a call may be admitted; infinite when forced open.
    """

    def __init__(self, name: str, retry_after: float) -> None:
        self.name = name
        self.retry_after = retry_after

    def __str__(self) -> str:
        if self.retry_after == float("inf"):
            return f"{self.name} is taken out of service"
        return f"{self.name} is failing and gets no calls for another {self.retry_after:.1f} s"


class StoreUnavailable(GuardError):
    """What a guard shares with other processes is out of reach, and it was told to refuse then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What happened with one provider while a request was routed.

    Attributes:
        provider: name of the provider.
        model: model that was asked for.
        outcome: `answered`, `unwanted` (the caller's rules asked for another answer), `hedged`
            (another provider was faster), `skipped`, or the kind of failure such as `timeout`.
        detail: short text without any content of request or response.
        status_code: HTTP status, when there was one.
        elapsed: seconds that the attempt took.
        retry_after: seconds until this provider may be asked again, where known.
        usd: what it cost, where a price function knows; the estimate where it was cut short.
    """

    provider: str
    model: str
    outcome: str
    detail: str = ""
    status_code: int | None = None
    elapsed: float = 0.0
    retry_after: float | None = None
    usd: float | None = None

    def __str__(self) -> str:
        return f"{self.provider}: {self.detail or self.outcome}"


class AllProvidersFailed(GuardError):
    """No provider of a router answered. The text names each of them and why.

    Attributes:
        attempts: what happened, in order.
        retry_after: seconds until the first provider may be asked again, where known.
    """

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        latest = {a.provider: a.retry_after for a in attempts if a.retry_after is not None}
        soonest = min(latest.values(), default=None)
        if soonest == float("inf"):
            soonest = None
        text = "no provider answered (" + "; ".join(map(str, attempts)) + ")"
        super().__init__(text if soonest is None else f"{text}; try again in {soonest:.1f} s")
        self.attempts = attempts
        self.retry_after = soonest


class UntranslatableRequest(GuardError):
    """A request uses something that the other vendor's protocol has no words for."""


class UnreadableResponse(GuardError):
    """A provider answered with something that is no answer."""


class StreamTruncated(GuardError):
    """A stream ended before the provider said that it is complete."""


class LoopDetectedError(GuardError):
    """An agent goes in circles; the call should not run. The text is fit for the model.

    Attributes:
        tool: name of the tool.
        kind: `repeat`, `cycle`, `rephrased`, `fruitless` or `failing`.
        level: `block`, answer the call with this text; `stop`, end the run.
        count: how often it has happened, this call included.
    """

    def __init__(self, message: str, *, tool: str, kind: str, level: str, count: int) -> None:
        super().__init__(message)
        self.tool = tool
        self.kind = kind
        self.level = level
        self.count = count


class ToolError(GuardError):
    """A tool did not do what it was called for, or nobody knows whether it did.

    Attributes:
        tool: name of the tool.
    """

    def __init__(self, message: str, *, tool: str = "") -> None:
        super().__init__(message)
        self.tool = tool


class ToolRefused(ToolError):
    """A tool did nothing. Raise it in a tool of your own, so that the call may be repeated."""


class ActionRefused(ToolRefused):
    """A tool that acts was not run, since others may have asked for it. Fit for the model.

    Attributes:
        sources: the tools whose results brought text from outside.
    """

    def __init__(self, message: str, *, tool: str, sources: tuple[str, ...]) -> None:
        super().__init__(message, tool=tool)
        self.sources = sources


class ToolTimeout(ToolError):
    """A tool took too long and was given up.

    Attributes:
        seconds: how long it was waited for.
        effect: whether it changes something, so that its outcome is unknown.
        running: whether it goes on, since a thread cannot be stopped.
    """

    def __init__(self, tool: str, seconds: float, *, effect: bool, running: bool) -> None:
        lasts = " It cannot be stopped and may still be at work." if running else ""
        told = (
            "; whether it happened is unknown. Look it up before you try again."
            if effect
            else " and was given up."
        )
        super().__init__(f"{tool} took longer than {seconds:.3g} s{told}{lasts}", tool=tool)
        self.seconds = seconds
        self.effect = effect
        self.running = running


class OutcomeUnknown(ToolError):
    """An effect may have happened, and is not repeated blindly.

    Attributes:
        key: the key of the effect, to settle it when a person has looked.
        repeatable: whether the same call may be made again, since it is looked up first or takes
            a key; a retry around it does.
    """

    def __init__(self, message: str, *, tool: str, key: str, repeatable: bool = False) -> None:
        super().__init__(message, tool=tool)
        self.key = key
        self.repeatable = repeatable


class OutputError(GuardError):
    """What a model wrote does not have the form that was asked for.

    Attributes:
        problems: everything that is wrong, not only the first; at most 64 of them.
        count: how many there are.
        attempts: how often the model was asked.
    """

    def __init__(self, problems: tuple[ArgProblem, ...], *, attempts: int = 1) -> None:
        super().__init__()
        self.problems = problems[:64]
        self.count = len(problems)
        self.attempts = attempts

    def __str__(self) -> str:
        shown = self.problems[:16]
        more = self.count - len(shown)
        return "; ".join(map(str, shown)) + (f"; and {more} more" if more else "")


class OutputTruncated(OutputError):
    """What a model wrote ends before it is complete: at its `max_tokens`, or in mid-sentence."""


class SessionError(GuardError):
    """State of one session was touched in another one, or in none. The text names neither."""
