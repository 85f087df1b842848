"""Requests to Responses, into calls or into the refusals of production."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.dialect import ModelFacts, Models
from chaoskit.dialects._openai.request import PROVIDER, authenticate, facts_on, parse
from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects._request import fingerprint, query_of, retry_count
from chaoskit.dialects.openai_responses import bodies, pairs, routes, rules
from chaoskit.dialects.openai_responses import body as shapes
from chaoskit.dialects.openai_responses.items import Item, messages_of
from chaoskit.dialects.openai_responses.settings import echo
from chaoskit.exchange import Call, HttpRequest, Part, Refusal, Text

__all__ = ["NAME", "decode", "with_items"]

NAME = "openai_responses"


def decode(request: HttpRequest, models: Models) -> Call | Refusal:
    """Return the call, or what production answers to an invalid request.

    A call that continues something carries its own items only, until it is recalled.
    """
    try:
        place = routes.route(request)
        key = fingerprint(authenticate(request))
        if place.route not in ("create", "input_tokens"):
            options: dict[str, object] = {"place": place, "query": query_of(request)}
            if request.method.upper() == "POST":
                options["body"] = bodies.read(place.route, request.body)
            return Call(
                dialect=NAME, provider=PROVIDER, operation="stored", key=key, options=options
            )
        body = shapes.read(parse(request.body))
        facts = facts_on(body.model, models)
        rules.check(body, facts)
        call = _call(request, key, body, facts)
        if place.route == "input_tokens":
            call = replace(call, operation="count_tokens", stream=False)
        if _continues(body):
            return replace(call, messages=messages_of(body.items))
        pairs.check(body.items)
        return with_items(call, body.items)
    except RefusedError as error:
        return error.refusal


def with_items(call: Call, items: tuple[Item, ...]) -> Call:
    """Return the call with a whole conversation; instructions at its beginning are its system."""
    messages = messages_of(items)
    system: list[Part] = list(call.system)
    first = 0
    for message in messages[:-1]:
        if message.role != "system":
            break
        system += message.content
        first += 1
    return replace(
        call,
        system=tuple(system),
        messages=messages[first:],
        options={**call.options, "items": items},
    )


def _continues(body: shapes.Body) -> bool:
    """Tell whether more than the request itself is needed to know what it says."""
    return bool(
        body.previous
        or body.conversation
        or any(item.kind == "item_reference" for item in body.items)
    )


def _call(request: HttpRequest, key: str, body: shapes.Body, facts: ModelFacts) -> Call:
    options: dict[str, object] = {
        "served": facts.name,
        "echo": echo(body, facts),
        "given": body.items,
        "store": body.store,
    }
    if retries := retry_count(request.headers):
        options["retry_count"] = retries
    if body.builtin_tools:
        options["builtin_tools"] = body.builtin_tools
    if body.output_schema is not None:
        options["output_schema"] = body.output_schema
    if body.effort:
        options["effort"] = body.effort
    if body.raw.get("truncation") == "auto":
        options["truncation"] = "auto"
    if body.effort != "none" and (body.effort or "reasons" in facts.features):
        options["reasons"] = True
    for name in ("json_object", "previous", "conversation", "background", "summary", "sealed"):
        if value := getattr(body, name):
            options[name] = value
    return Call(
        dialect=NAME,
        provider=PROVIDER,
        model=body.model,
        key=key,
        stream=body.stream,
        system=(Text(body.instructions),) if body.instructions else (),
        tools=body.functions,
        tool_choice=body.tool_choice,
        max_tokens=body.max_tokens,
        options=options,
    )
