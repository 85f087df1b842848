"""Requests to the Claude API, into calls or into the refusals of production."""

from __future__ import annotations

import json
from dataclasses import replace

from chaoskit.dialect import ModelFacts, Models
from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects._request import fingerprint, query_of, retry_count
from chaoskit.dialects.anthropic import body as bodies
from chaoskit.dialects.anthropic import conversation, routes, rules
from chaoskit.exchange import Call, HttpRequest, Message, Part, Refusal, Text, Thinking, Ttl

__all__ = ["decode"]

_NAME = "anthropic"
_MOST_MODELS = 1000


def decode(request: HttpRequest, models: Models) -> Call | Refusal:
    """Return the call, or what production answers to an invalid request."""
    try:
        operation, model = routes.route(request)
        key = fingerprint(routes.authenticate(request))
        version = routes.version(request)
        if operation == "list_models":
            return _list(request, key)
        if operation == "get_model":
            _facts(model, models)
            return Call(dialect=_NAME, provider=_NAME, operation=operation, model=model, key=key)
        body = bodies.read(
            _parse(request.body),
            newest=version == routes.NEWEST,
            counting=operation == "count_tokens",
        )
        facts = _facts(body.model, models)
        rules.check(body, facts)
        conversation.check(body, facts)
        return _call(request, operation, key, body, facts)
    except RefusedError as error:
        return error.refusal


def _parse(data: bytes) -> Json:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise invalid(f"The request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise invalid("Input should be a valid dictionary")
    return body


def _facts(model: str, models: Models) -> ModelFacts:
    facts = models.find(model, _NAME)
    if facts is None:
        raise RefusedError(Refusal(kind="not_found", message=f"model: {model}"))
    return facts


def _list(request: HttpRequest, key: str) -> Call:
    query = query_of(request)
    limit = query.get("limit", "20")
    if not limit.isascii() or not limit.isdigit():
        raise invalid(
            "limit: Input should be a valid integer, unable to parse string as an integer"
        )
    if int(limit) < 1:
        raise invalid("limit: Input should be greater than or equal to 1")
    if int(limit) > _MOST_MODELS:
        raise invalid(f"limit: Input should be less than or equal to {_MOST_MODELS}")
    options: dict[str, object] = {"limit": int(limit)}
    options |= {name: query[name] for name in ("after_id", "before_id") if name in query}
    return Call(dialect=_NAME, provider=_NAME, operation="list_models", key=key, options=options)


def _call(
    request: HttpRequest,
    operation: routes.Operation,
    key: str,
    body: bodies.Body,
    facts: ModelFacts,
) -> Call:
    messages = body.messages
    if body.automatic is not None:
        messages = _automatic(messages, body.automatic)
    options: dict[str, object] = {"served": facts.name}
    if retries := retry_count(request.headers):
        options["retry_count"] = retries
    if body.builtin_tools:
        options["builtin_tools"] = body.builtin_tools
    if body.output_schema is not None:
        options["output_schema"] = body.output_schema
    if body.thinking:
        options["thinking"] = (body.thinking, body.budget)
    if body.effort:
        options["effort"] = body.effort
    if body.speed:
        options["speed"] = body.speed
    return Call(
        dialect=_NAME,
        provider=_NAME,
        operation=operation,
        model=body.model,
        key=key,
        stream=body.stream,
        system=body.system,
        messages=messages,
        tools=body.tools,
        tool_choice=body.tool_choice,
        max_tokens=body.max_tokens,
        stop_sequences=body.stop_sequences,
        options=options,
    )


def _automatic(messages: tuple[Message, ...], ttl: Ttl) -> tuple[Message, ...]:
    """Put a cache breakpoint on the last block that can bear one."""
    for at in range(len(messages) - 1, -1, -1):
        content = messages[at].content
        for index in range(len(content) - 1, -1, -1):
            part = content[index]
            if isinstance(part, Thinking) or (isinstance(part, Text) and not part.text):
                continue
            marked = (*content[:index], _marked(part, ttl), *content[index + 1 :])
            message = replace(messages[at], content=marked)
            return (*messages[:at], message, *messages[at + 1 :])
    return messages


def _marked(part: Part, ttl: Ttl) -> Part:
    if isinstance(part, Thinking) or part.cache == ttl:
        return part
    if part.cache is not None:
        raise invalid(
            f"cache_control: the last cacheable block already has a cache_control block with "
            f"ttl='{part.cache}', which differs from ttl='{ttl}'."
        )
    return replace(part, cache=ttl)
