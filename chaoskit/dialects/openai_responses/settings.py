"""The settings of a request as its answer repeats them."""

from __future__ import annotations

from chaoskit.dialect import ModelFacts
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai.options import effort_of
from chaoskit.dialects.openai_responses import tools
from chaoskit.dialects.openai_responses.body import Body

__all__ = ["echo"]

_AS_SENT = ("instructions", "max_output_tokens", "max_tool_calls", "previous_response_id")
_AT_THE_END = ("prompt_cache_key", "prompt_cache_retention", "safety_identifier", "user")


def echo(body: Body, model: ModelFacts) -> Json:
    """Return the settings, defaults included."""
    raw = body.raw
    text = raw.get("text") or {}
    made: Json = {"background": body.background}
    made |= {name: raw.get(name) for name in _AS_SENT}
    made |= {
        "conversation": {"id": body.conversation} if body.conversation else None,
        "parallel_tool_calls": body.tool_choice.parallel,
        "reasoning": {
            "effort": effort_of(body, model)
            if body.effort or "reasoning" in model.features
            else None,
            "summary": body.summary or None,
        },
        "service_tier": body.service_tier,
        "store": body.store,
        "temperature": raw["temperature"] if raw.get("temperature") is not None else 1.0,
        "text": {
            "format": text.get("format") or {"type": "text"},
            "verbosity": text.get("verbosity") or "medium",
        },
        "tool_choice": raw.get("tool_choice") or "auto",
        "tools": tools.echoed(raw.get("tools")),
        "top_logprobs": raw.get("top_logprobs") or 0,
        "top_p": raw["top_p"] if raw.get("top_p") is not None else 1.0,
        "truncation": raw.get("truncation") or "disabled",
        "metadata": raw.get("metadata") or {},
    }
    if "cache_options" in model.features:
        made["prompt_cache_options"] = {
            "mode": "explicit" if body.caching.explicit else "implicit",
            "ttl": "12h" if body.caching.long else "30m",
            "comparison_response_id": body.caching.compared or None,
        }
    if body.template is not None:
        made["prompt"] = body.template.echo
    return made | {name: raw.get(name) for name in _AT_THE_END}
