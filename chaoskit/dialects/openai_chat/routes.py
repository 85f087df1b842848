"""Which requests are for OpenAI's API, and for which of its operations."""

from __future__ import annotations

from typing import Literal, TypeAlias

from chaoskit.dialects._openai import paths
from chaoskit.dialects._openai.request import allow, invalid_url
from chaoskit.dialects._request import model_of, vendor_of
from chaoskit.exchange import HttpRequest

__all__ = ["Operation", "claims", "route"]

Operation: TypeAlias = Literal["generate", "list_models", "get_model"]

_TRACES = "/v1/traces/ingest"
"""Where the agents SDK tells the vendor of what it does: no question to a model, so like any other
host it is none of the simulation's."""


def _locate(path: str) -> tuple[Operation, str] | None:
    """Return the operation behind a path of any base URL, and the model that it names."""
    if path.rstrip("/").endswith("/chat/completions"):
        return "generate", ""
    model = model_of(path, "/models")
    if model is None:
        return None
    return ("get_model", model) if model else ("list_models", "")


def claims(request: HttpRequest) -> bool:
    """Tell whether a request speaks to Chat Completions, or to OpenAI at all by its host.

    The models have the same path at Anthropic, whose clients always send a version header.
    """
    vendor = vendor_of(request)
    if vendor is not None:
        return vendor == "openai" and not paths.collection(request) and request.path != _TRACES
    return "anthropic-version" not in request.headers and _locate(request.path) is not None


def route(request: HttpRequest) -> tuple[Operation, str]:
    """Return the operation and the model in the path.

    Raises:
        RefusedError: there is no such path, or not with this method.
    """
    place = _locate(request.path)
    if place is None:
        raise invalid_url(request)
    allow(request, "POST" if place[0] == "generate" else "GET")
    return place
