"""The list of models and one of them."""

from __future__ import annotations

from chaoskit.dialect import Envelope, ModelFacts, Models
from chaoskit.dialects._json import Json, encoded
from chaoskit.dialects._openai import headers
from chaoskit.dialects._openai.errors import refuse
from chaoskit.dialects._openai.request import unknown_model
from chaoskit.exchange import Call, HttpReply

__all__ = ["models"]


def models(call: Call, known: Models, envelope: Envelope) -> HttpReply:
    """Encode one model, or the list of them."""
    if call.operation == "get_model":
        facts = known.find(call.model, call.provider)
        if facts is None:
            return refuse(unknown_model(call.model).refusal, call, envelope)
        return _ok({**_model(facts), "id": call.model}, envelope)  # aliases are models as well
    listed = [_model(facts) for facts in known.all(call.provider)]
    return _ok({"object": "list", "data": listed}, envelope)


def _model(facts: ModelFacts) -> Json:
    return {
        "id": facts.name,
        "object": "model",
        "created": facts.created,
        "owned_by": "system",
    }


def _ok(body: Json, envelope: Envelope) -> HttpReply:
    return HttpReply.whole(200, headers.common("application/json", envelope), encoded(body))
