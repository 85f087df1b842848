"""Requests to the Claude API, into calls or into the refusals of production."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from chaoskit.dialect import ModelFacts, Models, Shelf
from chaoskit.dialects._json import Json, read
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects._request import fingerprint, query_of, retry_count
from chaoskit.dialects.anthropic import body as bodies
from chaoskit.dialects.anthropic import (
    conversation,
    counting,
    grammar,
    hosted,
    pages,
    routes,
    rules,
    stored,
    threads,
)
from chaoskit.dialects.anthropic.threads import Thread
from chaoskit.exchange import Call, HttpRequest, Message, Part, Refusal, Text, Thinking, Ttl

__all__ = ["decode", "recall"]

_NAME = "anthropic"


def decode(request: HttpRequest, models: Models) -> Call | Refusal:
    """Return the call, or what production answers to an invalid request.

    A call that continues a thread carries its own messages only, until it is recalled.
    """
    try:
        place = routes.route(request)
        key = fingerprint(routes.authenticate(request))
        version = routes.version(request)
        if place.operation in ("list_models", "get_model", "stored"):
            return _listed_or_kept(request, place, key, models)
        raw = _parse(request.body)
        betas, previous = frozenset[str](), None
        if raw.get("thread") is not None:
            betas = routes.betas(request)
            threaded = any(beta.startswith(routes.THREADS) for beta in betas)
            previous = threads.read(raw, beta=threaded)
        body = bodies.read(
            raw,
            newest=version == routes.NEWEST,
            counting=place.operation == "count_tokens",
            continuing=bool(previous),
        )
        facts = _facts(body.model, models)
        options: dict[str, object] = {"served": facts.name}
        if retries := retry_count(request.headers):
            options["retry_count"] = retries
        if previous is not None:
            options["thread"] = Thread(previous=previous, body=body, facts=facts, betas=betas)
        if place.operation == "count_tokens":
            counting.check(body)
        if not previous:
            _check(body, facts)
        return _call(place.operation, key, body, facts, options)
    except RefusedError as error:
        return error.refusal


def recall(call: Call, shelf: Shelf, wall: float) -> Call | Refusal:
    """Return the call with the conversation that its thread holds, or the refusal."""
    thread = call.options.get("thread")
    if not isinstance(thread, Thread) or not thread.previous:
        return call
    try:
        body = threads.whole(thread, shelf, wall)
        _check(body, thread.facts)
        options = {name: call.options[name] for name in ("retry_count",) if name in call.options}
        options |= {"served": thread.facts.name, "thread": replace(thread, body=body)}
        return _call(call.operation, call.key, body, thread.facts, options)
    except RefusedError as error:
        return error.refusal


def _check(body: bodies.Body, facts: ModelFacts) -> None:
    rules.check(body, facts)
    conversation.check(body, facts)
    if body.max_tokens is not None:  # where tokens are counted, nothing is compiled
        grammar.check(body)


def _listed_or_kept(request: HttpRequest, place: routes.Place, key: str, models: Models) -> Call:
    """Return the call of an operation for which there is no model to ask."""
    options: dict[str, object] = {}
    if place.operation == "list_models":
        options = pages.bounds(query_of(request))
    elif place.operation == "get_model":
        if models.find(place.name, _NAME) is None:
            raise RefusedError(Refusal(kind="not_found", message=f"model: {place.name}"))
    else:
        options = stored.options(request, place, _parse)
    return Call(
        dialect=_NAME,
        provider=_NAME,
        operation=place.operation,
        model=place.name if place.operation == "get_model" else "",
        key=key,
        options=options,
    )


def _parse(data: bytes) -> Json:
    try:
        body = read(data)
    except ValueError as error:
        raise invalid(f"The request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise invalid("Input should be a valid dictionary")
    return body


def _facts(model: str, models: Models) -> ModelFacts:
    facts = models.find(model, _NAME)
    if facts is None or facts.lifecycle == "retired":
        raise RefusedError(Refusal(kind="not_found", message=f"model: {model}"))
    return facts


def _call(
    operation: routes.Operation | Literal["embed", "prepare", "upgrade"],
    key: str,
    body: bodies.Body,
    facts: ModelFacts,
    options: dict[str, object],
) -> Call:
    messages = body.messages
    if body.automatic is not None:
        messages = _automatic(messages, body.automatic)
    for name in ("builtin_tools", "effort", "speed", "geo", "standard_only"):
        if value := getattr(body, name):
            options[name] = value
    if body.output_schema is not None:
        options["output_schema"] = body.output_schema
    if body.thinking:
        options["thinking"] = (body.thinking, body.budget)
    if _reasons(body, facts):
        options["reasons"] = True
        shown = body.display or ("summarized" if "thinking_shown" in facts.features else "omitted")
        if "thinking_bound" in facts.features:
            options["thinking_bound"] = True
        if shown == "omitted":
            options["thinking_omitted"] = True
    if body.diagnostics is not None:
        options["diagnostics"] = body.diagnostics
    if body.speed == "fast":
        options["service_tier"] = "fast"
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
        hosted=hosted.offered(body.builtin_tools) if body.builtin_tools else (),
        max_tokens=body.max_tokens,
        stop_sequences=body.stop_sequences,
        options=options,
    )


def _reasons(body: bodies.Body, facts: ModelFacts) -> bool:
    """Tell whether the model thinks: it is asked to, or cannot be asked not to."""
    if body.thinking:
        return body.thinking != "disabled"
    return "thinking_adaptive" in facts.features and "thinking_disabled" not in facts.features


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
