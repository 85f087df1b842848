"""What travels between an agent and a provider, in the words of no vendor.

A dialect turns bytes into a `Call` and a `Reply` or a `Refusal` into bytes; everything between
the two (limits, cache, behaviours, faults, checks) sees these values only. All are frozen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Literal, TypeAlias

from chaoskit.quick import maker, quick
from chaoskit.sockets import Lane

__all__ = [
    "Call",
    "Found",
    "Hosted",
    "HostedTool",
    "HttpReply",
    "HttpRequest",
    "Image",
    "Message",
    "Opaque",
    "Part",
    "Refusal",
    "RefusalKind",
    "Reply",
    "Stop",
    "Text",
    "Thinking",
    "ToolCall",
    "ToolChoice",
    "ToolResult",
    "ToolSpec",
    "Usage",
]

Ttl: TypeAlias = Literal["5m", "1h"]
Stop: TypeAlias = Literal[
    "end", "max_tokens", "stop_sequence", "tool_use", "refusal", "window_exceeded", "pause"
]
HostedTool: TypeAlias = Literal[
    "web_search", "web_fetch", "code_execution", "file_search", "image_generation", "mcp"
]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request as it arrived, before any dialect looked at it.

    Attributes:
        path: the path alone, such as `/v1/messages`.
        headers: names in lower case.
        lane: of the WebSocket on which it is a message; None for what came by HTTP.
        alike: an object that requests share which differ in nothing but the body; None where
            nobody has compared them.
    """

    method: str
    host: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lane: Lane | None = None
    alike: object = field(default=None, compare=False)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """One complete, unstreamed HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def whole(cls, status: int, headers: Mapping[str, str], body: bytes = b"") -> HttpReply:
        """Return a response whose headers tell its length, unless they tell another."""
        told = {"content-length": str(len(body)), **headers}
        return _new_http_reply(status=status, headers=told, body=body)


_new_http_reply = maker(HttpReply)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that a tool of the vendor found: a page, or a file whose `url` is its id."""

    title: str
    url: str
    text: str = ""


@quick
@dataclass(frozen=True, slots=True)
class Text:
    """Plain text. `cache` is set where the sender put a cache breakpoint after this part.

    Attributes:
        sources: what an answer of the model cites.
    """

    text: str
    cache: Ttl | None = None
    sources: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture; `width` and `height` are in pixels, 0 when they could not be read."""

    source: str
    width: int = 0
    height: int = 0
    cache: Ttl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """A block of the model's reasoning, or its redacted form.

    Attributes:
        tokens: what the reasoning took where `text` is only a summary of it; 0 where it is all.
    """

    text: str
    signature: str = ""
    tokens: int = 0


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """The model's request to run a tool. `arguments` is JSON text as the model wrote it, or not."""

    id: str
    name: str
    arguments: str
    cache: Ttl | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """The agent's answer to one tool call."""

    call_id: str
    content: tuple[Part, ...]
    is_error: bool = False
    cache: Ttl | None = None

    @property
    def text(self) -> str:
        """The text parts, joined by newlines."""
        return "\n".join([part.text for part in self.content if isinstance(part, Text)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """A block of a kind that the simulation does not interpret; `raw` is its canonical JSON."""

    kind: str
    raw: str
    cache: Ttl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A tool that the vendor itself ran while the model answered, and what came of it.

    Attributes:
        query: what it was asked for: words, a URL, code, or arguments as JSON text.
        output: what the code printed, or the tool of an MCP server returned.
        error: the vendor's code for what went wrong, empty when nothing did.
        name, server: of the tool of an MCP server.
    """

    tool: HostedTool
    query: str
    found: tuple[Found, ...] = ()
    output: str = ""
    error: str = ""
    name: str = ""
    server: str = ""
    cache: Ttl | None = None


Part: TypeAlias = Text | Image | Thinking | ToolCall | ToolResult | Opaque | Hosted


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. Tool results are parts of a `tool` or `user` message, as the dialect has them."""

    role: Literal["system", "user", "assistant", "tool"]
    content: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined by newlines."""
        return "\n".join([part.text for part in self.content if isinstance(part, Text)])


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool that the agent offers.

    Attributes:
        schema: the JSON Schema of its arguments.
        raw: its definition as compact JSON, keys in the sender's order.
    """

    name: str
    description: str
    schema: Mapping[str, object]
    raw: str
    strict: bool = False
    cache: Ttl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolChoice:
    """`auto`: as the model likes; `any`: some call; `none`: no call; `tool`: a call of `name`.

    Attributes:
        allowed: names of the tools that may be called; empty for all of them.
    """

    mode: Literal["auto", "any", "none", "tool"] = "auto"
    name: str = ""
    parallel: bool = True
    allowed: tuple[str, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One decoded request.

    Attributes:
        dialect: `anthropic`, `openai_chat`, …
        provider: whose service it is for: `anthropic`, `openai`.
        operation: `generate` is the only one that asks the model for words; `prepare` only makes
            the service ready for that; `embed` turns the messages into vectors; `stored` reads or
            changes what the service keeps; `upgrade` asks for a WebSocket.
        key: fingerprint of the API key, never the key.
        hosted: tools of the vendor that the model may use; it runs them itself.
        max_tokens: limit on the output, in tokens; None when the request sets none.
        options: what is left of the request, for the dialect that decoded it only.
    """

    dialect: str
    provider: str
    operation: Literal[
        "generate",
        "prepare",
        "count_tokens",
        "list_models",
        "get_model",
        "embed",
        "stored",
        "upgrade",
    ] = "generate"
    model: str = ""
    key: str = ""
    stream: bool = False
    system: tuple[Part, ...] = ()
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    hosted: tuple[HostedTool, ...] = ()
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)

    def tool(self, name: str) -> ToolSpec | None:
        """Return the offered tool of that name, or None."""
        return next((tool for tool in self.tools if tool.name == name), None)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one exchange; `input` is what was neither read from nor written to the cache.

    Attributes:
        reasoning: of the output, what was not for the reader.
        tier: of the service that the exchange had, where it is not the usual one.
        accepted, rejected: what of a prediction came true, and what did not.
    """

    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    accepted: int = 0
    rejected: int = 0
    tier: str = ""

    @property
    def prompt(self) -> int:
        """All tokens of the prompt, cached or not."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def total(self) -> int:
        """Prompt and output together."""
        return self.prompt + self.output


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the simulated model answers.

    Attributes:
        facts: strings that the answer quotes out of tool results; checks use them to see
            whether the user's answer is grounded.
        stop_sequence: the sequence that ended the text, when `stop` says so.
        others: the further answers, where the request wants several.
    """

    content: tuple[Part, ...]
    stop: Stop = "end"
    usage: Usage = Usage()
    facts: tuple[str, ...] = ()
    stop_sequence: str | None = None
    others: tuple[Reply, ...] = ()

    @property
    def text(self) -> str:
        """The text parts, joined without a separator."""
        if len(self.content) == 1 and isinstance(only := self.content[0], Text):
            return only.text
        return "".join([part.text for part in self.content if isinstance(part, Text)])

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        if len(self.content) == 1 and isinstance(self.content[0], Text):
            return ()
        return tuple([part for part in self.content if isinstance(part, ToolCall)])


RefusalKind: TypeAlias = Literal[
    "invalid_request",
    "authentication",
    "billing",
    "permission",
    "not_found",
    "timeout",
    "conflict",
    "too_large",
    "rate_limited",
    "quota_exhausted",
    "server_error",
    "unavailable",
    "overloaded",
    "bad_gateway",
    "context_overflow",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error response of the provider. The dialect adds its own envelope and type names.

    Attributes:
        status: HTTP status; 0 leaves it to the dialect's table for `kind`.
        message: the provider's text; empty for the dialect's usual text for `kind`.
        code: machine code (`context_length_exceeded`, …), where the dialect has one.
        param: the request parameter that is at fault, where the dialect names it.
        retry_after: seconds that the client is asked to wait.
        retry_after_form: how headers say so: whole seconds, milliseconds beside them, a date.
        limit: for `rate_limited`: `requests`, `input_tokens`, `output_tokens` or `tokens`.
        details: numbers for the dialect's text (`tokens`, `window`, `limit_value`, …).
        headers: further response headers.
        body: replaces the whole JSON body, for answers that do not come from the API itself
            (an HTML page of a proxy).
    """

    kind: RefusalKind
    status: int = 0
    message: str = ""
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    limit: str = ""
    details: Mapping[str, int | float | str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    retry_after_form: Literal["seconds", "ms", "date"] = "seconds"

    def retry_headers(self, wall: float) -> dict[str, str]:
        """Return the headers that ask for a wait, never a shorter one; `wall` is unix seconds."""
        if self.retry_after is None:
            return {}
        if self.retry_after_form == "date":
            return {"retry-after": formatdate(math.ceil(wall + self.retry_after), usegmt=True)}
        headers = {"retry-after": str(math.ceil(self.retry_after))}
        if self.retry_after_form == "ms":
            headers["retry-after-ms"] = str(math.ceil(self.retry_after * 1000))
        return headers
