"""Why a prompt could not be read from the cache: it is compared with an earlier response."""

from __future__ import annotations

from typing import Any

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json
from chaoskit.dialects.openai_responses import kept
from chaoskit.dialects.openai_responses.items import Item
from chaoskit.exchange import Call, Usage

__all__ = ["diagnosed"]

_STEP = 128  # tokens; what is reused comes in multiples of it


def diagnosed(made: Json, call: Call, usage: Usage, envelope: Envelope) -> Json:
    """Return the diagnosis that a request asks for, of the response that is its answer."""
    if not call.options.get("diagnosable") or envelope.shelf is None:
        return {"type": "unavailable"}
    old = envelope.shelf.get(kept.RESPONSE, str(call.options["compared"]))
    if not isinstance(old, kept.KeptResponse):
        return {"type": "comparison_response_not_found"}
    reason = _changed(made, call, old)
    if reason:
        before = old.body["usage"]
        return {
            "type": "cache_miss",
            "reason": reason,
            "cache_missed_tokens": usage.prompt - usage.cache_read,
            "comparison_reusable_tokens": before["input_tokens"] // _STEP * _STEP,
        }
    return {"type": "cache_hit" if usage.cache_read else "unavailable"}


def _changed(made: Json, call: Call, old: kept.KeptResponse) -> str:
    """Return the first difference, in the order in which a prompt is made; empty for none."""
    for reason, path in (
        ("model_changed", ("model",)),
        ("service_tier_changed", ("service_tier",)),
        ("tools_changed", ("tools",)),
        ("text_format_changed", ("text", "format")),
        ("reasoning_effort_changed", ("reasoning", "effort")),
        ("verbosity_changed", ("text", "verbosity")),
        ("prompt_cache_key_changed", ("prompt_cache_key",)),
        ("input_changed", ("instructions",)),
    ):
        if _at(made, path) != _at(old.body, path):
            return reason
    items: Any = call.options.get("items", ())
    before = old.items[: len(old.items) - len(old.body["output"])]
    told = [_said(item) for item in items[: len(before)]]
    return "" if told == [_said(item) for item in before] else "input_changed"


def _at(body: Json, path: tuple[str, ...]) -> Any:
    value: Any = body
    for name in path:
        value = value[name]
    return value


def _said(item: Item) -> tuple[str, str, Any]:
    return item.kind, item.role, item.parts
