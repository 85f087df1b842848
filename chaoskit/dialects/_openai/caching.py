"""What a request says of the prompt cache: where it may be cut, and who decides that."""

from __future__ import annotations

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.exchange import Ttl

__all__ = ["breakpoint_of", "is_explicit", "is_prewarm"]


def breakpoint_of(part: Json, path: str) -> Ttl | None:
    """Return the mark after a part that has a breakpoint: the short life is 30m, the long 12h."""
    value = part.get("prompt_cache_breakpoint")
    if value is None:
        return None
    record = values.record(value, f"{path}.prompt_cache_breakpoint")
    mode = record.get("mode", "explicit")
    values.one_of(mode, ("explicit",), f"{path}.prompt_cache_breakpoint.mode")
    ttl = record.get("ttl", "30m")
    values.one_of(ttl, ("30m", "12h"), f"{path}.prompt_cache_breakpoint.ttl")
    return "1h" if ttl == "12h" else "5m"


def is_explicit(body: Json) -> bool:
    """Tell whether only the breakpoints of the request count.

    Raises:
        RefusedError: its options have the wrong form.
    """
    value = body.get("prompt_cache_options")
    if value is None:
        return False
    options = values.record(value, "prompt_cache_options")
    ttl, mode = options.get("ttl"), options.get("mode")
    if ttl is not None:
        values.string(ttl, "prompt_cache_options.ttl")
    if mode is None:
        return False
    mode = values.one_of(mode, ("implicit", "explicit"), "prompt_cache_options.mode")
    return mode == "explicit"


def is_prewarm(body: Json) -> bool:
    """Tell whether the prompt is to be cached, and not answered.

    Raises:
        RefusedError: its options have the wrong form.
    """
    value = body.get("prompt_cache_options")
    if value is None:
        return False
    prewarm = values.record(value, "prompt_cache_options").get("prewarm")
    return prewarm is not None and values.boolean(prewarm, "prompt_cache_options.prewarm")
