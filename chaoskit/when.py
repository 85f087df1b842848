"""Which calls a rule is about and how often it strikes: the `when` table of a scenario file."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from chaoskit import match
from chaoskit.fault import ON_TOOLS, Stage
from chaoskit.match import Numbers, Operation, Predicate, ToolOperation
from chaoskit.settings import Duration, Share, given, settings

__all__ = ["When"]

_TOOL_DIALECTS = ("mcp", "http_tool")


@settings
class When:
    """Narrows a rule. Nothing set means: every call to the provider."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "overloaded"
    when = { calls = "2-3", user = ["user-1", 2], turn = 1, model = "claude-*", stream = false }
    # or
    [[faults]]
    fault = "overloaded"
    when = { from = "30s", for = "5m", every = "60s", sick = "20s", provider = "primary" }
    # or
    [[faults]]
    fault = "slow"
    before = "2s"
    when = { operation = "generate", dialect = "anthropic", offers = "search_*", probability = 0.3 }
    # or
    [[faults]]
    fault = "malformed_arguments"
    when = { tool = "search_logs", until = "reported", times = 3 }
    """

    calls: int | str | None = None
    """Which calls of each user, among those that the rest of this table lets through: 3, "2-3",
    "1,4-6", "2-", "every 5". HTTP attempts count, retries included; runs count for a tool."""

    from_: Annotated[Duration, Field(alias="from")] = 0.0
    """Strikes from this time of the run on."""

    for_: Annotated[Duration | None, Field(alias="for")] = None
    """Strikes for this long; without it to the end of the run."""

    every: Duration | None = None
    """Length of one period of flapping; needs `sick`."""

    sick: Duration | None = None
    """How long each period of flapping is bad, from its beginning; needs `every`."""

    probability: Share = 1.0
    """Share of the chosen calls that are struck."""

    user: str | int | tuple[str | int, ...] | None = None
    """Only these users, by name or by number from 1."""

    turn: int | str | None = None
    """Only these turns of a user, written like `calls`."""

    model: str | None = None
    """Only models of this name; `*` and `?` stand for anything."""

    provider: str | None = None
    """Only this provider: `anthropic`, `openai`, or `primary`, the one that the run asked first."""

    dialect: str | None = None
    """Only this wire protocol: `anthropic`, `openai_chat`, …; `mcp` and `http_tool` are about
    tools."""

    operation: Operation | None = None
    """Only this operation. Without it all of the provider's, but numbered `calls` count `generate`
    only, and a rule with a `tool`, or with a tool server's `dialect`, is about runs of tools."""

    offers: str | None = None
    """Only requests that offer a tool of this name; `*` and `?` stand for anything."""

    tool: str | None = None
    """Only runs of a tool of this name, or replies that call it where the fault changes what the
    model says; `*` and `?` stand for anything."""

    stream: bool | None = None
    """Only streamed calls (true), or only the others (false)."""

    times: Annotated[int, Field(ge=1)] | None = None
    """Strikes each user at most so many times."""

    until: Literal["reported"] | None = None
    """`reported`: leaves a user's turn alone once the agent has told the model of a failed tool
    call in it."""

    @field_validator("calls", "turn")
    @classmethod
    def _readable(cls, value: int | str | None) -> int | str | None:
        if value is not None:
            Numbers.parse(value)
        return value

    def __post_init__(self) -> None:
        if (self.every is None) != (self.sick is None):
            raise ValueError("flapping needs both: `every` (the period) and `sick` (its bad part)")
        if self.every is not None and self.sick is not None and not 0 < self.sick < self.every:
            raise ValueError("`sick` is a part of the period `every`, longer than nothing")

    def chooses(
        self, stage: Stage = "admit", *, about: tuple[ToolOperation, ...] = ()
    ) -> Predicate:
        """Return what is asked of a call before calls are numbered.

        A rule is either about the provider or about tools, never about both.

        Args:
            stage: where the fault works.
            about: the operations of a tool server that the fault is made for.
        """
        chosen = self._narrowed()
        if about:
            chosen &= match.wired()
        if self.operation is not None or stage in ON_TOOLS:
            return chosen
        if about:
            return chosen & match.performing(*about)
        if stage == "reply":
            return chosen
        if self.tool is not None or self.dialect in _TOOL_DIALECTS:
            return chosen & match.performing("run_tool")
        if self.calls is not None:
            return chosen & match.performing("generate")
        return chosen & ~match.performing(*match.TOOL_OPERATIONS)

    def describe(self) -> str:
        """Return the table in words."""
        words = [] if self.calls is None else [f"{match.call(self.calls)} of each user"]
        if (narrowed := self._narrowed()) != match.ALWAYS:
            words.append(str(narrowed))
        if self.probability < 1:
            words.append(f"with probability {self.probability:g}")
        if self.times is not None:
            words.append(f"at most {self.times} times for each user")
        if self.until is not None:
            words.append("until the agent reports an error of the tool to the model")
        return ", ".join(words) or "always"

    def __repr__(self) -> str:
        return f"When({', '.join(f'{name}={value!r}' for name, value in given(self).items())})"

    def _narrowed(self) -> Predicate:
        chosen = self._who() & self._what()
        if self.from_ or self.for_ is not None:
            end = float("inf") if self.for_ is None else self.from_ + self.for_
            chosen &= match.within(self.from_, end)
        if self.every is not None and self.sick is not None:
            chosen &= match.flapping(self.every, self.sick, self.from_)
        return chosen

    def _who(self) -> Predicate:
        chosen = match.ALWAYS
        if self.user is not None:
            chosen &= match.by_user(*(self.user if isinstance(self.user, tuple) else (self.user,)))
        if self.turn is not None:
            chosen &= match.in_turn(self.turn)
        return chosen

    def _what(self) -> Predicate:
        chosen = match.ALWAYS
        if self.model is not None:
            chosen &= match.to_model(self.model)
        if self.provider is not None:
            chosen &= match.to_provider(self.provider)
        if self.dialect is not None:
            chosen &= match.in_dialect(self.dialect)
        if self.offers is not None:
            chosen &= match.offering(self.offers)
        if self.tool is not None:
            chosen &= match.calling(self.tool)
        if self.stream is not None:
            chosen &= match.streamed(wanted=self.stream)
        if self.operation is not None:
            chosen &= match.performing(self.operation)
        return chosen
