"""Requests to OpenAI, into calls or into the refusals of production."""

from __future__ import annotations

from chaoskit.dialect import ModelFacts, Models
from chaoskit.dialects._openai.options import options
from chaoskit.dialects._openai.request import PROVIDER, authenticate, facts_on, parse
from chaoskit.dialects._openai.turns import divided
from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects._request import fingerprint
from chaoskit.dialects.openai_chat import body as bodies
from chaoskit.dialects.openai_chat import routes, rules
from chaoskit.dialects.openai_chat.extras import NONE, Extras
from chaoskit.exchange import Call, HttpRequest, Message, Refusal
from chaoskit.quick import maker

__all__ = ["decode"]

_NAME = "openai_chat"
_new_call = maker(Call)


def decode(request: HttpRequest, models: Models) -> Call | Refusal:
    """Return the call, or what production answers to an invalid request."""
    try:
        operation, model = routes.route(request)
        key = fingerprint(authenticate(request))
        if operation != "generate":
            if operation == "get_model":
                facts_on(model, models)
            return Call(dialect=_NAME, provider=PROVIDER, operation=operation, model=model, key=key)
        body, messages = bodies.read(parse(request.body))
        facts = facts_on(body.model, models)
        rules.check(body, messages, facts)
        return _call(request, key, body, messages, facts)
    except RefusedError as error:
        return error.refusal


def _call(
    request: HttpRequest,
    key: str,
    body: bodies.Body,
    said: tuple[Message, ...],
    facts: ModelFacts,
) -> Call:
    found = options(body, facts, request.headers)
    if body.include_usage:
        found["include_usage"] = True
    if body.n > 1:
        found["n"] = body.n
    more = body.extras
    if more is not NONE:
        found |= _special(more)
    system, messages = divided(said)
    return _new_call(
        dialect=_NAME,
        provider=PROVIDER,
        model=body.model,
        key=key,
        stream=body.stream,
        system=system,
        messages=messages,
        tools=body.tools,
        tool_choice=body.tool_choice,
        hosted=("web_search",) if more.searches else (),
        max_tokens=body.max_tokens,
        stop_sequences=body.stop,
        options=found,
    )


def _special(more: Extras) -> dict[str, object]:
    """Return the options that hardly any request has."""
    found: dict[str, object] = {}
    if more.functions is not None:
        found["functions"] = True
    if more.audio:
        found["audio"] = more.audio
    if more.prediction:
        found["prediction"] = more.prediction
    return found
