"""The list of models and one of them."""

from __future__ import annotations

from chaoskit.dialect import Envelope, ModelFacts, Models
from chaoskit.dialects._json import Json
from chaoskit.dialects.anthropic import headers, pages, replies
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
        return replies.json(_model(facts), envelope)
    newest = sorted(known.all(call.provider), key=lambda facts: (-facts.created, facts.name))
    return replies.json(pages.page([_model(facts) for facts in newest], call.options), envelope)


def _model(facts: ModelFacts) -> Json:
    return {
        "type": "model",
        "id": facts.name,
        "display_name": facts.display_name or facts.name,
        "created_at": headers.timestamp(facts.created),
        "lifecycle": facts.lifecycle,
        "deprecated_at": headers.timestamp(facts.deprecated) if facts.deprecated else None,
        "retires_at": headers.timestamp(facts.retires) if facts.retires else None,
        "line": next((line for line in _LINES if line in facts.name), None),
        "max_input_tokens": facts.window,
        "max_tokens": facts.max_output,
        "capabilities": _capabilities(facts),
    }


def _capabilities(facts: ModelFacts) -> Json:
    """Return what the model supports, as far as the simulation knows it."""
    adaptive = "thinking_adaptive" in facts.features
    enabled = "thinking_enabled" in facts.features
    off = "thinking_disabled" in facts.features or not (adaptive or enabled)
    yes, no = {"supported": True}, {"supported": False}
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": yes,
        "context_management": no
        | {
            "clear_thinking_20251015": None,
            "clear_tool_uses_20250919": None,
            "compact_20260112": None,
        },
        "effort": {"supported": adaptive}
        | {level: {"supported": adaptive} for level in ("low", "medium", "high", "xhigh", "max")},
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": yes | {"web_search": yes, "code_execution": yes},
        "structured_outputs": yes,
        "thinking": {
            "supported": adaptive or enabled,
            "types": {
                "adaptive": {"supported": adaptive},
                "between_tools": no,
                "disabled": {"supported": off},
                "enabled": {"supported": enabled},
            },
        },
    }
