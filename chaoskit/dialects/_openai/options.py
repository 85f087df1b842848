"""What the rest of the simulation is told of a request, in the same words for every dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from chaoskit.dialect import ModelFacts
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai.caching import USUAL, Caching
from chaoskit.dialects._request import retry_count

__all__ = ["Settings", "effort_of", "options"]


class Settings(Protocol):
    """The fields that bodies of several dialects have in common."""

    @property
    def builtin_tools(self) -> tuple[Json, ...]:
        """Tools that the vendor runs."""
        ...

    @property
    def output_schema(self) -> Json | None:
        """JSON Schema to which the answer has to conform."""
        ...

    @property
    def json_object(self) -> bool:
        """Whether the answer has to be any JSON object."""
        ...

    @property
    def effort(self) -> str:
        """How long the model is to think, empty when the request does not say."""
        ...

    @property
    def logprobs(self) -> int | None:
        """How many alternatives to tell for each token; None for no probabilities."""
        ...

    @property
    def caching(self) -> Caching:
        """What the request says of the prompt cache."""
        ...

    @property
    def obfuscated(self) -> bool:
        """Whether the pieces of a stream are padded."""
        ...

    @property
    def service_tier(self) -> str:
        """The tier that serves the request."""
        ...


def effort_of(settings: Settings, model: ModelFacts) -> str:
    """Return how long the model thinks: as it was told, or as it does by itself."""
    return settings.effort or ("medium" if "reasons" in model.features else "none")


def options(settings: Settings, model: ModelFacts, headers: Mapping[str, str]) -> dict[str, object]:
    """Return the options of a call."""
    found: dict[str, object] = {"served": model.name}
    if retries := retry_count(headers):
        found["retry_count"] = retries
    for name in ("builtin_tools", "effort", "json_object"):
        if value := getattr(settings, name):
            found[name] = value
    for name in ("output_schema", "logprobs"):
        if (value := getattr(settings, name)) is not None:
            found[name] = value
    if effort_of(settings, model) != "none":
        found["reasons"] = True
    if settings.caching is not USUAL:
        found |= settings.caching.options
    if not settings.obfuscated:
        found["obfuscated"] = False
    if settings.service_tier != "default":
        found["service_tier"] = settings.service_tier
    return found
