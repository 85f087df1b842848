"""What a request says of the prompt cache: where it may be cut, for how long, who decides that."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.dialect import ModelFacts
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._refused import invalid
from chaoskit.exchange import Ttl

__all__ = ["USUAL", "Caching", "breakpoint_of", "check", "is_prewarm", "read"]

_NAMES = frozenset({"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"})
_RETENTIONS = ("in_memory", "in-memory", "24h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """What a request says of the prompt cache.

    Attributes:
        explicit: only its breakpoints count.
        long: what it writes lives 12 hours unless a breakpoint says otherwise.
        key: requests with the same one go to the same machines.
        retention: `in_memory` or `24h`, empty when it does not say.
        compared: id of the response that a diagnosis is to compare with, or empty.
    """

    explicit: bool = False
    long: bool = False
    key: str = ""
    retention: str = ""
    compared: str = ""

    @property
    def options(self) -> dict[str, object]:
        """The options of a call, for the service."""
        found: dict[str, object] = {}
        if self.explicit:
            found["explicit_cache"] = True
        if self.long:
            found["long_cache"] = True
        if self.key:
            found["cache_key"] = self.key
        if self.retention:
            found["cache_retention"] = self.retention
        if self.compared:
            found["compared"] = self.compared
        return found


USUAL = Caching()


def read(body: Json) -> Caching:
    """Return what a request says.

    Raises:
        RefusedError: with the message that names the first field that is wrong.
    """
    if _NAMES.isdisjoint(body):
        return USUAL
    key, retention = body.get("prompt_cache_key"), body.get("prompt_cache_retention")
    if key is not None:
        values.string(key, "prompt_cache_key")
    if retention is not None:
        values.one_of(retention, _RETENTIONS, "prompt_cache_retention")
    options: Json = {}
    if body.get("prompt_cache_options") is not None:
        options = values.record(body["prompt_cache_options"], "prompt_cache_options")
    mode, ttl = options.get("mode"), options.get("ttl")
    if mode is not None:
        values.one_of(mode, ("implicit", "explicit"), "prompt_cache_options.mode")
    if ttl is not None:
        values.one_of(ttl, ("30m", "12h"), "prompt_cache_options.ttl")
    compared = options.get("comparison_response_id")
    if compared is not None:
        values.string(compared, "prompt_cache_options.comparison_response_id")
    return Caching(
        explicit=mode == "explicit",
        long=ttl == "12h",
        key=key or "",
        retention="" if retention is None else str(retention).replace("-", "_"),
        compared=compared or "",
    )


def check(caching: Caching, model: ModelFacts) -> None:
    """Refuse a retention that the model does not have.

    Raises:
        RefusedError: it does not.
    """
    if caching.retention and model.retentions and caching.retention not in model.retentions:
        raise invalid(
            "prompt_cache_retention is not supported on this model",
            param="prompt_cache_retention",
            code="invalid_parameter",
        )


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
