"""What a simulated tool is: its settings, and what it asks of the run around it.

A tool of the agent is simulated in place: whoever calls the agent's function, by whatever
reference, gets what the scenario says, and the run hears of it. See `chaoskit.tools` for how.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeAlias

from pydantic import Discriminator, Field, Tag

from chaoskit.effect import Effect, Limit
from chaoskit.errors import ChaoskitError
from chaoskit.exchange import RefusalKind
from chaoskit.fault import Offered, Result, Run, ToolRequest
from chaoskit.route import Route
from chaoskit.schema.short import check_short, expanded
from chaoskit.settings import Duration, SomeTokens, settings

__all__ = [
    "FakerResult",
    "Replacement",
    "SimulatedToolError",
    "SimulatedToolTimeout",
    "SizedResult",
    "TextResult",
    "ToolHost",
    "ToolResultSettings",
    "ToolSettings",
    "as_text",
]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_HEADER = "header:"


class SimulatedToolError(RuntimeError):
    """What a simulated tool raises when the scenario, or a fault, lets it fail.

    Args:
        kind: of what kind the error is, for protocols that tell: `not_found`, `conflict`,
            `invalid_request`, `permission`, …
    """

    def __init__(self, *told: object, kind: RefusalKind = "server_error") -> None:
        super().__init__(*told)
        self.kind = kind


class SimulatedToolTimeout(SimulatedToolError, TimeoutError):  # noqa: N818 - it is what it says
    """What a simulated tool raises when its answer does not come; it may have done its work."""


@settings
class FakerResult:
    """Rows of plausible data. The same seed and arguments give the same rows."""

    example: ClassVar[str] = """
    [[tools]]
    name = "search_logs"
    result = { from = "faker", rows = 5, fields = { city = "city" } }
    # or
    [[tools]]
    name = "search_logs"
    result = { from = "faker", fields = { age = { provider = "random_int", max = 99 } } }
    """

    origin: Annotated[Literal["faker"], Field(alias="from")] = "faker"
    """Where the rows come from."""

    rows: Annotated[int, Field(ge=0)] = 3
    """How many rows."""

    fields: dict[str, str | dict[str, Any]] = Field(default_factory=dict)
    """What a row contains: names, and for each a provider of Faker such as `city`, or a table with
    `provider` and its arguments. Empty gives an id, a title, an owner and a time."""


@settings
class TextResult:
    """A text."""

    example: ClassVar[str] = """
    [[tools]]
    name = "search_logs"
    result = { text = "deploy 4711 failed" }
    """

    text: str
    """The text itself."""


@settings
class SizedResult:
    """A text of a given size, for results that fill a context window."""

    example: ClassVar[str] = """
    [[tools]]
    name = "search_logs"
    result = { tokens = 3_000 }
    """

    tokens: SomeTokens
    """Approximate size, in tokens."""


def _kind(value: object) -> str:
    if isinstance(value, (FakerResult, TextResult, SizedResult)):
        return {FakerResult: "faker", TextResult: "text", SizedResult: "tokens"}[type(value)]
    if isinstance(value, Mapping):
        if "from" in value:
            return "faker"
        if len(value) == 1 and (only := next(iter(value))) in ("text", "tokens"):
            return str(only)
    return "literal"


ToolResultSettings: TypeAlias = Annotated[
    Annotated[FakerResult, Tag("faker")]
    | Annotated[TextResult, Tag("text")]
    | Annotated[SizedResult, Tag("tokens")]
    | Annotated[Any, Tag("literal")],
    Discriminator(_kind),
]
"""A literal value, `{ from = "faker" }`, `{ text = "…" }` or `{ tokens = 3000 }`."""


@settings
class ToolSettings:
    """One tool of the agent, as the scenario simulates it."""

    example: ClassVar[str] = """
    [[tools]]
    name = "search_logs"
    description = "Search the logs."
    input = { query = "string", limit = "integer?" }
    result = [{ id = "dep-4711", line = "deploy 4711 failed" }]
    returns = "value"
    latency = "300ms"
    patch = "chaoskit.demo.tools:search_logs"
    # or
    [[tools]]
    name = "search_logs"
    error = "the index is being rebuilt"

    [[tools]]
    name = "account_status"
    real = true

    [[tools]]
    name = "pay_invoice"
    title = "Pay an invoice"
    input = { invoice = "string", request_id = "string" }
    output = { paid = "boolean" }
    result = { paid = true }
    idempotent_by = "request_id"
    limit = { calls = 10, per = "60s" }

    [[tools]]
    name = "cancel_order"
    input = { order_id = "string", reason = "string?" }
    http = "POST https://shop.internal/orders/{order_id}/cancel"
    idempotent_by = "header:Idempotency-Key"

    [[tools]]
    name = "convert"
    input = { amount = "number" }
    handler = "myapp.fakes:convert"

    [[tools]]
    name = "open_ticket"
    input = { text = "string" }
    does = { create = "tickets" }

    [records.tickets]
    """

    name: Annotated[str, Field(min_length=1)]
    """The name under which the agent offers it to the model."""

    description: str = ""
    """What it does, for clients that ask the tool server."""

    title: str = ""
    """What it is called in front of people."""

    input: dict[str, Any] = Field(default_factory=dict)
    """Its arguments: `{ query = "string", limit = "integer?" }`, or a full JSON Schema."""

    output: dict[str, Any] = Field(default_factory=dict)
    """What it promises to return, written like `input`; clients that list tools are told."""

    result: ToolResultSettings = Field(default_factory=FakerResult)
    """What it returns; a tool that does something to records returns the record of its last step,
    or what it found."""

    does: Effect | tuple[Effect, ...] = ()
    """What it does to the records of the scenario: one step, or several in a row."""

    handler: str = ""
    """Dotted path of a function that is called instead: `checks.fakes:refund` is called with a
    `RecordsView` and the arguments, and returns the result."""

    idempotent_by: str = ""
    """The argument by which repeated calls are recognised: the same value brings the first result
    again, and nothing else happens. `header:Idempotency-Key` for a header of HTTP requests."""

    http: str = ""
    """Where it stands in an HTTP API of the agent: a method and a URL, with arguments in the path.
    Requests to that host are answered; the agent's own function runs. With `real` they go on to
    the real host, which `network.allow` must name."""

    limit: Limit | None = None
    """How often it may be called."""

    returns: Literal["auto", "text", "value"] = "auto"
    """Whether it returns JSON text or the value; `auto`: text where the agent's own function is
    annotated with `-> str`."""

    error: str | None = None
    """It raises this text instead of returning."""

    latency: Duration = 0.0
    """How long it takes, in seconds."""

    patch: str = ""
    """Dotted path of the agent's function, `myapp.tools:search` or `myapp.tools:Tools.search`;
    empty to find it by its name."""

    real: bool = False
    """The agent's own function runs, or the real host answers; faults change the result only."""

    def __post_init__(self) -> None:
        if self.real and self.error is not None:
            raise ValueError("a real tool raises by itself; leave out `error` or `real`")
        if self.real and (self.does or self.handler):
            raise ValueError("a real tool does what it does; leave out `real`, `does` or `handler`")
        if self.does and self.handler:
            raise ValueError("write either `does` or `handler`")
        if self.http and self.patch:
            raise ValueError("its HTTP API is simulated, or its function: `http` or `patch`")
        if not self.key_header and self.idempotent_by.startswith(_HEADER):
            raise ValueError("name the header: `header:Idempotency-Key`")
        check_short(self.input, "arguments")
        check_short(self.output, "parts of the output")
        if self.route is not None and self.input:
            known = self.schema.get("properties", {})
            if lost := [name for name in self.route.names if name not in known]:
                raise ValueError(f"the path of `http` has {{{lost[0]}}}, which `input` has not")

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments."""
        return expanded(self.input)

    @property
    def route(self) -> Route | None:
        """Where it stands in an HTTP API of the agent."""
        return Route.parse(self.http) if self.http else None

    @property
    def key_header(self) -> str:
        """The header, in lower case, by which repeated requests are recognised."""
        named = self.idempotent_by.startswith(_HEADER)
        return self.idempotent_by.removeprefix(_HEADER).strip().lower() if named else ""

    @property
    def steps(self) -> tuple[Effect, ...]:
        """What it does to records, step by step."""
        return (self.does,) if isinstance(self.does, Effect) else self.does

    @property
    def offered(self) -> Offered:
        """The tool as a list of tools shows it."""
        return Offered(
            name=self.name,
            title=self.title,
            description=self.description,
            schema=self.schema,
            output=expanded(self.output) if self.output else {},
            reads=bool(self.steps) and not any(step.writes for step in self.steps),
            creates=bool(self.steps) and self.steps[-1].verb == "create",
            route=self.route,
            key_header=self.key_header,
            real=self.real,
        )


class ToolHost(Protocol):
    """The run around the simulated tools: it journals, lets faults strike, and keeps the time."""

    @property
    def seed(self) -> int:
        """The seed of the run."""
        ...

    def now(self) -> float:
        """Return seconds since the run began."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass for the calling thread."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let time pass for the calling task."""
        ...

    def failed(self, error: ChaoskitError) -> BaseException:
        """Return what ends the run for a mistake that is not the agent's to forgive."""
        ...

    def before(self, tool: ToolSettings, request: ToolRequest, *, admitted: bool = False) -> Run:
        """Let faults decide how a tool that is about to run is carried out.

        Args:
            admitted: somebody has asked already whether it is refused on the way to the tool.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        ...

    def carry_out(self, tool: ToolSettings, request: ToolRequest, run: Run) -> object:
        """Do to the world what the scenario says that the tool does, and return its value.

        Raises:
            SimulatedToolError: it fails.
        """
        ...

    def after(
        self,
        tool: ToolSettings,
        request: ToolRequest,
        result: Result,
        *,
        run: Run,
        seconds: float,
        raised: bool,
    ) -> Result:
        """Let faults strike, journal the outcome, and return what the agent gets.

        Args:
            run: how it was carried out.
            seconds: how long the tool took.
            raised: the agent's own function raised; `result.error` names the exception. The
                same object returned lets that exception through.
        """
        ...


class Replacement(Protocol):
    """What stands in for a function of the agent."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Do what a plain function does."""
        ...

    async def awaited(self, *args: object, **kwargs: object) -> object:
        """Do what a coroutine function does."""
        ...


def as_text(value: object) -> str:
    """Return any value as JSON text, whatever it is made of; strings stay as they are.

    What JSON has no word for is replaced by its `repr`, without memory addresses.
    """
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=_described)
    except (TypeError, ValueError, RecursionError):  # strange keys, circles
        return _described(value)


def _described(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a broken repr of the agent's must not end the run
        text = f"<{type(value).__name__}>"
    return _ADDRESS.sub("", text)
