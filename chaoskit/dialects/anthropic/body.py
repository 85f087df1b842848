"""The body of a request against its schema: what can be said without knowing the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.anthropic import blocks, diagnostics, strict, tools, values
from chaoskit.exchange import Message, Part, ToolChoice, ToolSpec, Ttl
from chaoskit.schema.flaw import flaw
from chaoskit.schema.usable import usable

__all__ = ["Body", "read"]

_COUNTED = frozenset(
    {
        "cache_control",
        "context_management",
        "mcp_servers",
        "messages",
        "model",
        "output_config",
        "output_format",
        "speed",
        "system",
        "thinking",
        "thread",
        "tool_choice",
        "tools",
    }
)
_SAMPLING = ("temperature", "top_k", "top_p")
_NEWEST = _COUNTED | {
    "billing_policy",
    "compaction",
    "container",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
}
_OLDER = _NEWEST | frozenset(_SAMPLING)
_MESSAGE = frozenset({"role", "content"})
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_TIERS = ("auto", "standard_only")
_SPEEDS = ("standard", "fast")
_DISPLAYS = ("summarized", "omitted")
_THINKING = ("adaptive", "between_tools", "disabled", "enabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request that has the right shape.

    Attributes:
        breakpoints: path and lifetime of explicit cache breakpoints, in the prompt's order.
        automatic: lifetime of the breakpoint that the top-level `cache_control` asks for.
        thinking: the mode, empty when the request does not say.
        display: `summarized` or `omitted`, empty when the request does not say.
    """

    model: str
    max_tokens: int | None
    stream: bool
    system: tuple[Part, ...]
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    builtin_tools: tuple[Json, ...]
    tool_choice: ToolChoice
    stop_sequences: tuple[str, ...]
    breakpoints: tuple[tuple[str, Ttl], ...]
    automatic: Ttl | None
    thinking: str
    budget: int
    display: str
    sampling: dict[str, float]
    output_schema: Json | None
    effort: str
    speed: str
    diagnostics: tuple[str] | None
    standard_only: bool = False
    geo: str = ""


def read(body: Json, *, newest: bool, counting: bool, continuing: bool = False) -> Body:
    """Check the shape of a body.

    Args:
        newest: the request is in the newest version of the API.
        counting: the request is for `count_tokens`.
        continuing: the service holds the messages before those of the request.

    Raises:
        RefusedError: with the message that names the first field that is wrong.
    """
    for key in ("messages", "model") if counting else ("max_tokens", "messages", "model"):
        values.required(body, key, key)
    reader = blocks.Reader(newest=newest)
    limit = None if counting else values.integer(body["max_tokens"], "max_tokens", 0)
    model = values.string(body["model"], "model")
    # Tools, system, messages: the order in which cache breakpoints are counted.
    custom, builtin = tools.read(reader, body.get("tools"))
    system = _system(reader, body.get("system"))
    messages = _messages(reader, body["messages"], continuing=continuing)
    thinking, budget = _thinking(body.get("thinking"))
    shown = body.get("thinking") or {}
    stream = body.get("stream")
    stops = body.get("stop_sequences")
    control = body.get("cache_control")
    _metadata(body.get("metadata"))
    made = Body(
        model=model,
        max_tokens=limit,
        stream=stream is not None and not counting and values.boolean(stream, "stream"),
        system=system,
        messages=messages,
        tools=custom,
        builtin_tools=builtin,
        tool_choice=tools.choice(body.get("tool_choice")),
        stop_sequences=() if stops is None else _stops(stops),
        breakpoints=tuple(reader.breakpoints),
        automatic=None if control is None else blocks.lifetime(control, "cache_control"),
        thinking=thinking,
        budget=budget,
        display=_choice(shown, "display", _DISPLAYS, "thinking."),
        sampling={} if newest else _sampling(body),
        output_schema=_output_schema(body),
        effort=_choice(body.get("output_config") or {}, "effort", _EFFORTS, "output_config."),
        speed=_choice(body, "speed", _SPEEDS),
        diagnostics=None if counting else diagnostics.read(body.get("diagnostics")),
        geo=_geo(body.get("inference_geo")),
        standard_only=_choice(body, "service_tier", _TIERS) == "standard_only",
    )
    values.known(body, _COUNTED if counting else _NEWEST if newest else _OLDER, "")
    return made


def _system(reader: blocks.Reader, value: object) -> tuple[Part, ...]:
    if value is None:
        return ()
    reader.role = "system"
    return blocks.content(reader, value, "system")


def _messages(reader: blocks.Reader, value: object, *, continuing: bool) -> tuple[Message, ...]:
    """Return the messages; an entry with the role `system` is one in mid-conversation."""
    items = values.array(value, "messages")
    if not items and not continuing:
        raise invalid("messages: at least one message is required")
    made: list[Message] = []
    for at, item in enumerate(items):
        path = f"messages.{at}"
        message = values.record(item, path)
        role = _role(values.required(message, "role", f"{path}.role"), path)
        reader.role = role
        inner = f"{path}.content"
        parts = blocks.content(reader, values.required(message, "content", inner), inner)
        if role != "system":
            values.known(message, _MESSAGE, f"{path}.")
        made.append(Message(role=role, content=parts))
    return tuple(made)


def _role(value: object, path: str) -> Literal["system", "user", "assistant"]:
    if value == "user":
        return "user"
    if value == "assistant":
        return "assistant"
    if value == "system":
        return "system"
    raise invalid(f"{path}.role: Input should be 'user' or 'assistant'")


def _thinking(value: object) -> tuple[str, int]:
    """Return the mode of thinking and its budget, in tokens."""
    if value is None:
        return "", 0
    record = values.record(value, "thinking")
    kind = values.string(values.required(record, "type", "thinking.type"), "thinking.type")
    if kind not in _THINKING:
        expected = ", ".join(f"'{name}'" for name in _THINKING)
        raise invalid(
            f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected "
            f"tags: {expected}"
        )
    if kind != "enabled":
        return kind, 0
    path = "thinking.enabled.budget_tokens"
    return kind, values.integer(values.required(record, "budget_tokens", path), path, 1024)


def _sampling(body: Json) -> dict[str, float]:
    given = {key: body[key] for key in _SAMPLING if body.get(key) is not None}
    for key, value in given.items():
        if key == "top_k":
            values.integer(value, key, 0)
        else:
            values.number(value, key, 1)
    return given


def _stops(value: object) -> tuple[str, ...]:
    stops = values.array(value, "stop_sequences")
    texts = tuple(values.string(stop, f"stop_sequences.{at}") for at, stop in enumerate(stops))
    if any(not text.strip() for text in texts):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    return texts


def _metadata(value: object) -> None:
    if value is not None:
        record = values.record(value, "metadata")
        values.known(record, {"user_id"}, "metadata.")
        if record.get("user_id") is not None:
            values.string(record["user_id"], "metadata.user_id")


def _geo(value: object) -> str:
    """Return where the model is to run, empty for anywhere."""
    return "" if value is None else values.string(value, "inference_geo")


def _choice(record: Json, key: str, choices: tuple[str, ...], path: str = "") -> str:
    value = record.get(key)
    return "" if value is None else values.literal(value, choices, f"{path}{key}")


def _output_schema(body: Json) -> Json | None:
    """Return the JSON Schema to which the answer has to conform."""
    path, wanted = "output_format", body.get("output_format")
    config = body.get("output_config")
    if config is not None and "format" in values.record(config, "output_config"):
        path, wanted = "output_config.format", config["format"]
    if wanted is None:
        return None
    record = values.record(wanted, path)
    kind = values.required(record, "type", f"{path}.type")
    values.literal(kind, ("json_schema",), f"{path}.type")
    path = f"{path}.schema"
    schema = values.record(values.required(record, "schema", path), path)
    if found := flaw(schema):
        raise invalid(f"{path}: Invalid schema: {found}")
    if found := strict.flaw(schema):
        raise invalid(f"{path}: {found}")
    return usable(schema)
