"""Which requests are for OpenAI's API, and for which of its operations."""

from __future__ import annotations

from typing import Literal, TypeAlias

from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects._request import api_key, model_of, vendor_of
from chaoskit.exchange import HttpRequest, Refusal

__all__ = ["Operation", "authenticate", "claims", "route", "unknown_model"]

Operation: TypeAlias = Literal["generate", "list_models", "get_model"]


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
        return vendor == "openai"
    return "anthropic-version" not in request.headers and _locate(request.path) is not None


def route(request: HttpRequest) -> tuple[Operation, str]:
    """Return the operation and the model in the path.

    Raises:
        RefusedError: there is no such path, or not with this method.
    """
    place = _locate(request.path)
    method = request.method.upper()
    if place is None:
        message = f"Invalid URL ({method} {request.path})"
        raise RefusedError(Refusal(kind="not_found", message=message))
    expected = "POST" if place[0] == "generate" else "GET"
    if method != expected:
        message = (
            f"Not allowed to {method} on {request.path}. "
            f"(HINT: Perhaps you meant to make a {expected} request.)"
        )
        raise RefusedError(Refusal(kind="invalid_request", status=405, message=message))
    return place


def authenticate(request: HttpRequest) -> str:
    """Return the API key.

    Raises:
        RefusedError: there is none.
    """
    key = api_key(request.headers, "api-key")
    if not key:
        message = (
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password "
            "field (with blank username) if you're accessing the API from your browser and are "
            "prompted for a username and password. You can obtain an API key from "
            "https://platform.openai.com/account/api-keys."
        )
        raise RefusedError(Refusal(kind="authentication", message=message))
    return key


def unknown_model(model: str) -> RefusedError:
    """Return the error for a model that does not exist."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return RefusedError(Refusal(kind="not_found", message=message, code="model_not_found"))
