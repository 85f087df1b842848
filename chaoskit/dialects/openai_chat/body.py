"""The body of a request against its schema: what can be said without knowing the model.

An agent says the same in each of its calls, but for the messages: tools and settings that were
found right once are not looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import orjson

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import caching, formats, logprobs, obfuscation, tiers, values
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.openai_chat import extras, messages, tools
from chaoskit.exchange import Message, ToolChoice, ToolSpec
from chaoskit.quick import quick

__all__ = ["Body", "read"]

_FIELDS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
_NUMBERS = (
    ("temperature", 0, 2),
    ("top_p", 0, 1),
    ("frequency_penalty", -2, 2),
    ("presence_penalty", -2, 2),
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_LONGEST = 64 * 1024  # bytes of settings that are remembered
_MOST_STOPS = 4
_MOST_CHOICES = 128


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request that has the right shape, without its messages.

    Attributes:
        limit_name: the field that set `max_tokens`.
        output_schema: JSON Schema to which the answer has to conform.
        json_object: the answer has to be any JSON object.
        obfuscated: the pieces of a stream are padded.
        caching: what the request says of the prompt cache.
        logprobs: how many alternatives to tell for each token; None for no probabilities.
    """

    model: str
    stream: bool
    include_usage: bool
    n: int
    tools: tuple[ToolSpec, ...]
    builtin_tools: tuple[Json, ...]
    tool_choice: ToolChoice
    max_tokens: int | None
    limit_name: str
    stop: tuple[str, ...]
    sampling: dict[str, float]
    output_schema: Json | None
    json_object: bool
    effort: str
    logprobs: int | None
    service_tier: str
    caching: caching.Caching
    obfuscated: bool
    extras: extras.Extras = extras.NONE


def read(body: Json) -> tuple[Body, tuple[Message, ...]]:
    """Check the shape of a body; return it and its messages.

    Raises:
        RefusedError: with the message that names the first field that is wrong.
    """
    rest = {name: value for name, value in body.items() if name != "messages"}
    try:
        found = _settings(rest)
    except RefusedError:
        _model(body)  # these two are looked at first
        _messages(body)
        raise
    return found, _messages(body)


def _messages(body: Json) -> tuple[Message, ...]:
    return messages.read(values.required(body, "messages", "messages"))


def _model(body: Json) -> str:
    model = body.get("model")
    if model is None or model == "":
        raise invalid("you must provide a model parameter")
    return values.string(model, "model")


def _settings(body: Json) -> Body:
    try:
        raw = orjson.dumps(body)
    except TypeError:  # what only Python can write
        return _read(body)
    return _known(raw) if len(raw) <= _LONGEST else _read(body)


@lru_cache(maxsize=128)
def _known(raw: bytes) -> Body:
    return _read(orjson.loads(raw))


def _read(body: Json) -> Body:
    model = _model(body)
    extra = [key for key in body if key not in _FIELDS]
    if extra:
        plural = "s" if len(extra) > 1 else ""
        raise invalid(f"Unrecognized request argument{plural} supplied: {', '.join(extra)}")
    functions, others = tools.read(body.get("tools"))
    limit, limit_name = _limit(body)
    stream, include_usage = _stream(body)
    count, stop = body.get("n"), body.get("stop")
    effort = body.get("reasoning_effort")
    schema, json_object = _format(body.get("response_format"))
    more = extras.NONE if extras.NAMES.isdisjoint(body) else extras.read(body)
    if more.functions is not None:
        functions += more.functions
    return Body(
        model=model,
        stream=stream,
        include_usage=include_usage,
        n=1 if count is None else values.integer(count, "n", 1, _MOST_CHOICES),
        tools=functions,
        builtin_tools=others,
        tool_choice=more.choice
        if more.functions is not None
        else tools.choice(
            body.get("tool_choice"),
            body.get("parallel_tool_calls"),
            functions,
            any_tool=bool(functions or others),
        ),
        max_tokens=limit,
        limit_name=limit_name,
        stop=() if stop is None else _stop(stop),
        sampling=_sampling(body),
        output_schema=schema,
        json_object=json_object,
        effort="" if effort is None else values.one_of(effort, _EFFORTS, "reasoning_effort"),
        logprobs=_logprobs(body),
        service_tier=tiers.served(body.get("service_tier")),
        caching=caching.read(body),
        obfuscated=obfuscation.is_wanted(body),
        extras=more,
    )


def _limit(body: Json) -> tuple[int | None, str]:
    """Return the limit on the output and the field that sets it."""
    old, new = body.get("max_tokens"), body.get("max_completion_tokens")
    if old is not None and new is not None:
        raise invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    if old is not None:
        return values.integer(old, "max_tokens", 1), "max_tokens"
    if new is not None:
        return values.integer(new, "max_completion_tokens", 1), "max_completion_tokens"
    return None, ""


def _stream(body: Json) -> tuple[bool, bool]:
    """Return whether to stream, and whether to tell the usage at the end."""
    value, options = body.get("stream"), body.get("stream_options")
    stream = value is not None and values.boolean(value, "stream")
    if options is None:
        return stream, False
    if not stream:
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    usage = values.record(options, "stream_options").get("include_usage")
    return stream, usage is not None and values.boolean(usage, "stream_options.include_usage")


def _stop(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    stops = values.array(value, "stop", "strings")
    if len(stops) > _MOST_STOPS:
        raise invalid(
            f"Invalid 'stop': array too long. Expected an array with maximum length {_MOST_STOPS}, "
            f"but got an array with length {len(stops)} instead.",
            param="stop",
            code="array_above_max_length",
        )
    return tuple(values.string(stop, f"stop[{at}]") for at, stop in enumerate(stops))


def _sampling(body: Json) -> dict[str, float]:
    return {
        name: values.number(body[name], name, least, most)
        for name, least, most in _NUMBERS
        if body.get(name) is not None
    }


def _logprobs(body: Json) -> int | None:
    """Return how many alternatives to tell for each token, or None for no probabilities."""
    value = body.get("logprobs")
    told = value is not None and values.boolean(value, "logprobs")
    top = logprobs.read_top(body.get("top_logprobs"))
    if body.get("top_logprobs") is not None and not told:
        raise invalid(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            param="top_logprobs",
        )
    return top if told else None


def _format(value: object) -> tuple[Json | None, bool]:
    """Return the schema that `response_format` demands, and whether it demands any JSON object."""
    if value is None:
        return None, False
    wanted = values.record(value, "response_format")
    kind = formats.kind_of(wanted, "response_format")
    if kind != "json_schema":
        return None, kind == "json_object"
    path = "response_format.json_schema"
    inner = values.record(values.required(wanted, "json_schema", path), path)
    return formats.json_schema(inner, path, param="response_format", code=None), False
