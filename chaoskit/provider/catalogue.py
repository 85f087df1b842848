"""What is known of models, by name or by family.

`models.toml` holds the facts. The features, by which dialects decide what production accepts:

    overflow_stops      prompt and `max_tokens` may together exceed the window; generation then
                        ends there (`window_exceeded`). Without it such a request is refused
    prefill             the conversation may end with the beginning of the answer
    sampling            `temperature`, `top_p` and such may differ from their defaults
    sampling_by_one     Anthropic: `temperature` and `top_p` may not be given together
    thinking_adaptive   Anthropic: `thinking.type` may be `adaptive`
    thinking_enabled    Anthropic: `thinking.type` may be `enabled`, with a budget
    thinking_disabled   Anthropic: `thinking.type` may be `disabled`
    forced_tool_choice  `tool_choice` may demand a call
    reasoning           OpenAI: a reasoning model, which refuses `max_tokens`
    reasons             OpenAI: a reasoning model that reasons unless `effort` is `none`
    logprobs_barred     OpenAI: a reasoning model that tells no probabilities, whatever `effort` is
    structured_output   OpenAI: `response_format` may hold a JSON Schema
    audio               OpenAI: it can speak
    prediction          OpenAI: `prediction` may say what the answer will mostly be
    cache_options       OpenAI: `prompt_cache_options` are repeated, and misses are diagnosed
    embedding           it embeds texts and does not answer
    thinking_bound      Anthropic: thinking is bound to the conversation before it
    thinking_shown      Anthropic: thinking comes with its text unless `display` is `omitted`
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

from chaoskit.dialect import ModelFacts
from chaoskit.provider.images import ImageRule, image_rule
from chaoskit.provider.settings import ProviderSettings
from chaoskit.settings import duration

__all__ = ["Catalogue", "Model", "Overhead", "geo_factor", "tier_factor", "tool_price"]

Lifecycle: TypeAlias = Literal["active", "deprecated", "retired"]

_LONGEST = 200  # characters of a name
VENDORS = ("anthropic", "openai")

COMPATIBLE = "openai"
"""Models that no vendor has are served in the protocol that most other services speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Tokens that a request has beyond its texts.

    Attributes:
        request: once.
        system: once, when there is a system prompt apart from the messages.
        message: for each message.
        tools: once, when tools are offered: the vendor's hidden instructions on their use.
        tool: for each tool.
        call: for each tool call, in prompts and in answers.
        result: for each tool result.
    """

    request: int
    system: int
    message: int
    tools: int
    tool: int
    call: int
    result: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model as the service sees it.

    Attributes:
        group: class of models that share rate limits.
        scale: tokens per token of the counter.
        cache: `breakpoints` as at Anthropic, `automatic` as at OpenAI.
        cache_life: lifetime of automatic entries, in seconds.
        cache_writes: automatic writes are reported, and billed.
        cache_rate: requests a minute with the same beginning that one machine takes; more of them
            go to others, which have caches of their own. 0 for any number.
        rates: tokens a minute of prompts and of answers, where they are not the usual ones.
        overflow_text: the vendor's text when prompt and `max_tokens` exceed the window.
    """

    facts: ModelFacts
    group: str
    overhead: Overhead
    image: ImageRule
    scale: float = 1.0
    cache: Literal["breakpoints", "automatic"] = "breakpoints"
    cache_life: float = 0.0
    cache_writes: bool = False
    cache_rate: int = 0
    rates: tuple[int, int] | None = None
    overflow_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vendor:
    defaults: Mapping[str, Any] = field(default_factory=dict)
    families: tuple[Mapping[str, Any], ...] = ()
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lists_aliases: bool = False
    tiers: Mapping[str, float] = field(default_factory=dict)
    geos: Mapping[str, float] = field(default_factory=dict)
    tool_prices: Mapping[str, float] = field(default_factory=dict)
    tool_types: tuple[Mapping[str, Any], ...] = ()

    def lacking(self, name: str) -> tuple[str, ...]:
        """Return the types of tools that a model does not support."""
        return tuple(
            entry["match"]
            for entry in self.tool_types
            if any(fnmatchcase(name, pattern) for pattern in entry["without"])
        )


class Catalogue:
    """The models of the simulated service, known or of a known family."""

    def __init__(self, settings: ProviderSettings | None = None) -> None:
        self._settings = settings or ProviderSettings()
        self._vendors = {name: self._settings.of(name) for name in VENDORS}
        self._found: dict[tuple[str, str], Model] = {}

    def find(self, name: str, provider: str) -> ModelFacts | None:
        """Return the facts on a model, under its dated name where it has one; None when unknown."""
        model = self.model(name, provider)
        return model.facts if model is not None else None

    def all(self, provider: str) -> tuple[ModelFacts, ...]:
        """Return the models that the provider lists, newest first."""
        if self._settings.models is not None:
            found = (self.find(name, provider) for name in self._settings.models)
            return tuple(facts for facts in found if facts is not None)
        vendor = _vendor(provider)
        return tuple(
            replace(facts, name=name)
            for name, entry in vendor.models.items()
            if (name == entry["name"] or vendor.lists_aliases)
            and (facts := self.find(name, provider)) is not None
        )

    def model(self, name: str, provider: str) -> Model | None:
        """Return what the service knows of a model, or None."""
        key = (name, provider)
        found = self._found.get(key)
        if found is None and len(name) <= _LONGEST:
            found = self._make(name, provider)
            if found is not None:  # of names that nobody has there is no end
                self._found[key] = found
        return found

    def _make(self, name: str, provider: str) -> Model | None:
        vendor = _vendor(provider)
        fitting = _fitting(name, provider)
        allowed = self._settings.models
        if allowed is not None and not _meant(name, vendor, allowed):
            return None
        if not fitting and not (provider == COMPATIBLE and self._own(name)):
            return None
        table: dict[str, Any] = dict(vendor.defaults)
        for entry in reversed(fitting):
            table |= entry
        table |= vendor.models.get(name, {"name": name})
        return self._overridden(_model(table, provider), name)

    def _own(self, name: str) -> bool:
        """Tell whether a scenario names a model that no vendor has."""
        named = name in self._settings.per_model or name in (self._settings.models or ())
        return named and not any(_fitting(name, vendor) for vendor in VENDORS)

    def _overridden(self, model: Model, name: str) -> Model:
        everywhere = self._vendors[model.facts.provider]
        single = self._settings.per_model.get(name) or self._settings.per_model.get(
            model.facts.name
        )
        changes = {
            key: value
            for layer in (everywhere, single)
            for key in ("window", "max_output", "cache_minimum", "lifecycle")
            if (value := getattr(layer, key, None)) is not None
        }
        return replace(model, facts=replace(model.facts, **changes)) if changes else model


def _fitting(name: str, provider: str) -> list[Mapping[str, Any]]:
    return [entry for entry in _vendor(provider).families if fnmatchcase(name, entry["match"])]


def _meant(name: str, vendor: _Vendor, allowed: tuple[str, ...]) -> bool:
    """Tell whether a name, dated or not, is among the allowed ones."""
    dated = vendor.models.get(name, {}).get("name", name)
    return any(dated == vendor.models.get(other, {}).get("name", other) for other in allowed)


def _model(table: Mapping[str, Any], provider: str) -> Model:
    facts = ModelFacts(
        name=table["name"],
        provider=provider,
        window=table["window"],
        max_output=table["max_output"],
        cache_minimum=table["cache_minimum"],
        features=frozenset(table["features"]),
        created=_midnight(table.get("created")),
        display_name=table.get("title", table["name"]),
        lifecycle=_lifecycle(table),
        deprecated=_midnight(table.get("deprecated")),
        retires=_midnight(table.get("retires")),
        no_tools=_vendor(provider).lacking(table["name"]),
        retentions=tuple(table.get("retentions", ())),
    )
    return Model(
        facts=facts,
        group=table.get("class", table["name"]),
        overhead=Overhead(**table["overhead"]),
        image=image_rule(table["image"]),
        scale=table.get("scale", 1.0),
        cache=table["cache"],
        cache_life=duration(table.get("cache_life", 0)),
        cache_writes=table.get("cache_writes", False),
        cache_rate=table.get("cache_rate", 0),
        rates=tuple(table["rates"]) if "rates" in table else None,
        overflow_text=table.get("overflow_text", ""),
    )


def _midnight(day: dt.date | None) -> int:
    """Return when a day begins, in unix seconds; 0 for none."""
    midnight = dt.time(tzinfo=dt.UTC)
    return int(dt.datetime.combine(day, midnight).timestamp()) if day else 0


def _lifecycle(table: Mapping[str, Any]) -> Lifecycle:
    """Return where a model stands on the day of the facts."""
    retires: dt.date | None = table.get("retires")
    if retires is None:
        return "active"
    return "retired" if retires <= as_of() else "deprecated"


@cache
def _file() -> Mapping[str, Any]:
    text = resources.files("chaoskit.provider").joinpath("models.toml").read_text("utf-8")
    return tomllib.loads(text)


def as_of() -> dt.date:
    """Return the day of the facts, on which prices are looked up."""
    day: dt.date = _file()["as_of"]
    return day


@cache
def _vendor(provider: str) -> _Vendor:
    table = _file().get(provider)
    if not isinstance(table, dict):
        return _Vendor()
    models = {entry["name"]: entry for entry in table["models"]}
    models |= {entry["alias"]: entry for entry in table["models"] if "alias" in entry}
    return _Vendor(
        defaults=table["defaults"],
        families=tuple(table["families"]),
        models=models,
        lists_aliases=table.get("lists_aliases", False),
        tiers=table.get("tiers", {}),
        geos=table.get("geos", {}),
        tool_prices=table.get("tool_prices", {}),
        tool_types=tuple(table.get("tool_types", ())),
    )


def tier_factor(provider: str, tier: str) -> float:
    """Return by what the prices of a service tier differ from the usual ones."""
    return _vendor(provider).tiers.get(tier, 1.0)


def geo_factor(provider: str, geo: str) -> float:
    """Return by what the prices of inference in one region differ from the usual ones."""
    return _vendor(provider).geos.get(geo, 1.0)


def tool_price(provider: str, tool: str) -> float:
    """Return what each use of a tool of the vendor costs beside its tokens, in US dollars."""
    return _vendor(provider).tool_prices.get(tool, 0.0)
