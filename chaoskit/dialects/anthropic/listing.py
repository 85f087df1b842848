"""The list of models and one of them."""

from __future__ import annotations

from chaoskit.dialect import Envelope, ModelFacts, Models
from chaoskit.dialects._json import Json, encoded
from chaoskit.dialects.anthropic import headers, ids
from chaoskit.dialects.anthropic.errors import refuse
from chaoskit.exchange import Call, HttpReply, Refusal

__all__ = ["models"]

_LINES = ("haiku", "sonnet", "opus", "fable", "mythos")


def models(call: Call, known: Models, envelope: Envelope) -> HttpReply:
    """Encode one model, or a page of the list of them, the newest first."""
    if call.operation == "get_model":
        facts = known.find(call.model, call.provider)
        if facts is None:
            missing = Refusal(kind="not_found", message=f"model: {call.model}")
            return refuse(missing, call, envelope)
        return _ok(_model(facts), envelope)
    newest = sorted(known.all(call.provider), key=lambda facts: (-facts.created, facts.name))
    return _ok(_page(newest, call), envelope)


def _page(listed: list[ModelFacts], call: Call) -> Json:
    names = [facts.name for facts in listed]
    limit = call.options.get("limit", 20)
    size = limit if isinstance(limit, int) else 20
    after, before = call.options.get("after_id"), call.options.get("before_id")
    if before in names:
        end = names.index(str(before))
        start = max(0, end - size)
        more = start > 0
    else:
        start = names.index(str(after)) + 1 if after in names else 0
        end = start + size
        more = end < len(names)
    page = listed[start:end]
    return {
        "data": [_model(facts) for facts in page],
        "has_more": more,
        "first_id": page[0].name if page else None,
        "last_id": page[-1].name if page else None,
    }


def _model(facts: ModelFacts) -> Json:
    return {
        "type": "model",
        "id": facts.name,
        "display_name": facts.display_name or facts.name,
        "created_at": headers.timestamp(facts.created),
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "line": next((line for line in _LINES if line in facts.name), None),
        "max_input_tokens": facts.window,
        "max_tokens": facts.max_output,
        "capabilities": None,
    }


def _ok(body: Json, envelope: Envelope) -> HttpReply:
    data = encoded(body)
    made = headers.common("application/json", ids.request_id(envelope.ids), envelope)
    made["content-length"] = str(len(data))
    return HttpReply(status=200, headers=made, body=data)
