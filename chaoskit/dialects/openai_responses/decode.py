"""Requests to Responses, into calls or into the refusals of production."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.dialect import ModelFacts, Models
from chaoskit.dialects._openai.options import options
from chaoskit.dialects._openai.request import PROVIDER, authenticate, facts_on, parse
from chaoskit.dialects._openai.turns import divided
from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects._request import fingerprint, query_of
from chaoskit.dialects.openai_responses import (
    bodies,
    compaction,
    events,
    hosted,
    pairs,
    routes,
    rules,
)
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
        if place.route == "upgrade":
            return Call(dialect=NAME, provider=PROVIDER, operation="upgrade", key=key)
        if place.route not in ("create", "event", "input_tokens", "compact"):
            told: dict[str, object] = {"place": place, "query": query_of(request)}
            if request.method.upper() == "POST":
                told["body"] = bodies.read(place.route, request.body)
            return Call(dialect=NAME, provider=PROVIDER, operation="stored", key=key, options=told)
        event = events.read(request) if place.route == "event" else None
        if event is not None and event.kind == "response.steer":
            steer = {"steer": event.body}
            return Call(dialect=NAME, provider=PROVIDER, operation="stored", key=key, options=steer)
        raw = parse(request.body) if event is None else event.body
        if place.route == "compact":
            compaction.check(raw)
        body = shapes.read(raw)
        facts = facts_on(body.model or _usual(models), models)
        rules.check(body, facts)
        call = _call(request, key, body, facts)
        if place.route == "input_tokens":
            call = replace(call, operation="count_tokens", stream=False)
        elif place.route == "compact":
            call = replace(call, options={**call.options, "compact": True, "store": False})
        elif body.prewarm or (event is not None and not event.generate):
            call = replace(call, operation="prepare")
        if _continues(body):
            return replace(call, messages=messages_of(body.items))
        pairs.check(body.items)
        return with_items(call, body.items)
    except RefusedError as error:
        return error.refusal


def _usual(models: Models) -> str:
    """Return the model of prompts that the vendor keeps."""
    return next((facts.name for facts in models.all(PROVIDER)), "")


def _system(body: shapes.Body) -> tuple[Part, ...]:
    parts: tuple[Part, ...] = body.template.parts if body.template is not None else ()
    return (*parts, Text(body.instructions)) if body.instructions else parts


def with_items(call: Call, items: tuple[Item, ...]) -> Call:
    """Return the call with a whole conversation; instructions at its beginning are its system."""
    system, messages = divided(messages_of(items))
    return replace(
        call,
        system=(*call.system, *system),
        messages=messages,
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
    found = options(body, facts, request.headers)
    found |= {"echo": echo(body, facts), "given": body.items, "store": body.store}
    if "cache_options" in facts.features:
        found["diagnosable"] = True
    if body.raw.get("include"):
        found["include"] = tuple(body.raw["include"])
    if body.raw.get("truncation") == "auto":
        found["truncation"] = "auto"
    for name in ("previous", "conversation", "background", "summary", "sealed"):
        if value := getattr(body, name):
            found[name] = value
    return Call(
        dialect=NAME,
        provider=PROVIDER,
        model=body.model or facts.name,
        key=key,
        stream=body.stream,
        system=_system(body),
        tools=body.functions,
        tool_choice=body.tool_choice,
        hosted=hosted.offered(body.builtin_tools) if body.builtin_tools else (),
        max_tokens=body.max_tokens,
        options=found,
    )
