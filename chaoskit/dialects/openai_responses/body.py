"""The body of a request against its schema: what can be said without knowing the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import (
    caching,
    formats,
    logprobs,
    metadata,
    obfuscation,
    tiers,
    values,
)
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses import fields, items, templates, tools
from chaoskit.dialects.openai_responses.items import Item
from chaoskit.dialects.openai_responses.templates import Template
from chaoskit.exchange import ToolChoice, ToolSpec

__all__ = ["Body", "read"]

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SUMMARIES = ("auto", "concise", "detailed")
_INCLUDES = (
    *("file_search_call.results", "web_search_call.results", "web_search_call.action.sources"),
    *("message.input_image.image_url", "computer_call_output.output.image_url"),
    *("code_interpreter_call.outputs", "reasoning.encrypted_content"),
    "message.output_text.logprobs",
)
_LEAST_OUTPUT = 16
_ID = re.compile(r"[a-zA-Z0-9_-]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request that has the right shape.

    Attributes:
        model: empty where the prompt that the vendor keeps decides it.
        items: of `input`.
        previous: id of the response that it continues, or empty.
        conversation: id of the conversation that it continues, or empty.
        output_schema: JSON Schema to which the answer has to conform.
        json_object: the answer has to be any JSON object.
        summary: the form of the summary of the reasoning, empty for none.
        sealed: the reasoning is to come encrypted.
        obfuscated: the pieces of a stream are padded.
        caching: what the request says of the prompt cache.
        prewarm: the prompt is to be cached, and not answered.
        logprobs: how many alternatives to tell for each token; None for no probabilities.
        logprobs_by: the parameter that asks for them.
    """

    model: str
    items: tuple[Item, ...]
    instructions: str
    template: Template | None
    previous: str
    conversation: str
    stream: bool
    store: bool
    background: bool
    functions: tuple[ToolSpec, ...]
    builtin_tools: tuple[Json, ...]
    tool_choice: ToolChoice
    max_tokens: int | None
    sampling: dict[str, float]
    output_schema: Json | None
    json_object: bool
    effort: str
    summary: str
    sealed: bool
    logprobs: int | None
    logprobs_by: str
    service_tier: str
    caching: caching.Caching
    prewarm: bool
    obfuscated: bool
    raw: Json


def read(body: Json) -> Body:
    """Check the shape of a body.

    Raises:
        RefusedError: with the message that names the first field that is wrong.
    """
    model = body.get("model")
    if (model is None or model == "") and body.get("prompt") is None:
        raise _missing("model")
    model = "" if model is None else values.string(model, "model")
    fields.check(body)
    template = templates.read(body.get("prompt"))
    previous, conversation = _earlier(body)
    found = _input(body, earlier=bool(previous or conversation or template))
    functions, others = tools.read(body.get("tools"))
    effort, summary = _reasoning(body.get("reasoning"))
    schema, json_object = _text(body.get("text"))
    limit = body.get("max_output_tokens")
    _others(body)
    return Body(
        model=model,
        items=found,
        instructions=_optional(body, "instructions"),
        template=template,
        previous=previous,
        conversation=conversation,
        stream=_flag(body, "stream", default=False),
        store=_flag(body, "store", default=True),
        background=_flag(body, "background", default=False),
        functions=functions,
        builtin_tools=others,
        tool_choice=tools.choice(
            body.get("tool_choice"), body.get("parallel_tool_calls"), functions, others
        ),
        max_tokens=None
        if limit is None
        else values.integer(limit, "max_output_tokens", _LEAST_OUTPUT),
        sampling={
            name: values.number(body[name], name, 0, most)
            for name, most in (("temperature", 2), ("top_p", 1))
            if body.get(name) is not None
        },
        output_schema=schema,
        json_object=json_object,
        effort=effort,
        summary=summary,
        sealed="reasoning.encrypted_content" in (body.get("include") or ()),
        logprobs=_logprobs(body),
        logprobs_by=_logprobs_by(body),
        service_tier=tiers.served(body.get("service_tier")),
        caching=caching.read(body),
        prewarm=caching.is_prewarm(body),
        obfuscated=obfuscation.is_wanted(body),
        raw=body,
    )


def _missing(name: str) -> Exception:
    return invalid(
        f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
    )


def _input(body: Json, *, earlier: bool) -> tuple[Item, ...]:
    given = body.get("input")
    if given is None:
        if not earlier:
            raise _missing("input")
        return ()
    found = items.read(given)
    if not found and not earlier:
        values.filled(given, "input")
    return found


def _earlier(body: Json) -> tuple[str, str]:
    """Return the response and the conversation that the request continues; one at most."""
    previous, conversation = body.get("previous_response_id"), body.get("conversation")
    if previous is not None and conversation is not None:
        raise invalid(
            "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you "
            "are only providing one of: 'previous_response_id' or 'conversation'.",
            param="previous_response_id",
            code="mutually_exclusive_parameters",
        )
    if isinstance(conversation, dict):
        conversation = values.required(conversation, "id", "conversation.id")
    return (
        _identity(previous, "previous_response_id", "resp"),
        _identity(conversation, "conversation", "conv"),
    )


def _identity(value: object, param: str, prefix: str) -> str:
    if value is None:
        return ""
    identity = values.string(value, param)
    if not _ID.match(identity):
        expected = (
            "contains letters, numbers, underscores, or dashes, but this value contained "
            "additional characters."
        )
    elif not identity.startswith(prefix):
        expected = f"begins with '{prefix}'."
    else:
        return identity
    raise invalid(
        f"Invalid '{param}': '{identity}'. Expected an ID that {expected}",
        param=param,
        code="invalid_value",
    )


def _reasoning(value: object) -> tuple[str, str]:
    """Return effort and summary."""
    if value is None:
        return "", ""
    reasoning = values.record(value, "reasoning")
    effort = reasoning.get("effort")
    summary = reasoning.get("summary", reasoning.get("generate_summary"))
    return (
        "" if effort is None else values.one_of(effort, _EFFORTS, "reasoning.effort"),
        "" if summary is None else values.one_of(summary, _SUMMARIES, "reasoning.summary"),
    )


def _text(value: object) -> tuple[Json | None, bool]:
    """Return the schema that `text.format` demands, and whether it demands any JSON object."""
    if value is None:
        return None, False
    text = values.record(value, "text")
    verbosity = text.get("verbosity")
    if verbosity is not None:
        values.one_of(verbosity, ("low", "medium", "high"), "text.verbosity")
    if text.get("format") is None:
        return None, False
    path = "text.format"
    wanted = values.record(text["format"], path)
    kind = formats.kind_of(wanted, path)
    if kind != "json_schema":
        return None, kind == "json_object"
    values.required(wanted, "schema", f"{path}.schema")
    schema = formats.json_schema(wanted, path, param=f"{path}.schema", code="invalid_json_schema")
    return schema, False


def _logprobs(body: Json) -> int | None:
    """Return how many alternatives to tell for each token, or None for no probabilities."""
    top = logprobs.read_top(body.get("top_logprobs"))
    told = "message.output_text.logprobs" in (body.get("include") or ())
    return top if told or top else None


def _logprobs_by(body: Json) -> str:
    told = "message.output_text.logprobs" in (body.get("include") or ())
    return "include" if told else "top_logprobs"


def _others(body: Json) -> None:
    """Check the fields that decide nothing."""
    for name in ("user", "safety_identifier"):
        _optional(body, name)
    if body.get("truncation") is not None:
        values.one_of(body["truncation"], ("auto", "disabled"), "truncation")
    if body.get("max_tool_calls") is not None:
        values.integer(body["max_tool_calls"], "max_tool_calls", 1)
    if body.get("include") is not None:
        for at, word in enumerate(values.array(body["include"], "include", "strings")):
            values.one_of(word, _INCLUDES, f"include[{at}]")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    if body.get("background") and body.get("store") is False:
        raise invalid("Background mode requires 'store' to be true.", param="background")
    metadata.read(body.get("metadata"))


def _optional(body: Json, name: str) -> str:
    value: Any = body.get(name)
    return "" if value is None else values.string(value, name)


def _flag(body: Json, name: str, *, default: bool) -> bool:
    value = body.get(name)
    return default if value is None else values.boolean(value, name)
