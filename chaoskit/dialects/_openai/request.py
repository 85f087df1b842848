"""What every route of OpenAI asks of a request before it looks at the fields of the body."""

from __future__ import annotations

from chaoskit.dialect import ModelFacts, Models
from chaoskit.dialects._json import Json, read
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects._request import api_key
from chaoskit.exchange import HttpRequest, Refusal

__all__ = [
    "LARGEST",
    "PROVIDER",
    "allow",
    "authenticate",
    "bounded",
    "facts_on",
    "invalid_url",
    "parse",
    "unknown_model",
]

PROVIDER = "openai"
LARGEST = 100 * 1024 * 1024
"""Bytes of a JSON body: no document says how many; 50 MB of images are promised, before base64."""


def invalid_url(request: HttpRequest) -> RefusedError:
    """Return the error for a path that does not exist."""
    message = f"Invalid URL ({request.method.upper()} {request.path})"
    return RefusedError(Refusal(kind="not_found", message=message))


def allow(request: HttpRequest, *methods: str) -> str:
    """Return the method of a request.

    Raises:
        RefusedError: it is none of those that the path has.
    """
    method = request.method.upper()
    if method not in methods:
        message = (
            f"Not allowed to {method} on {request.path}. "
            f"(HINT: Perhaps you meant to make a {methods[0]} request.)"
        )
        raise RefusedError(Refusal(kind="invalid_request", status=405, message=message))
    return method


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


def bounded(data: bytes, most: int = LARGEST) -> bytes:
    """Return the body.

    Raises:
        RefusedError: it has more bytes than the route takes.
    """
    if len(data) > most:
        message = f"Maximum content size limit ({most}) exceeded ({most + 1} bytes read)"
        raise RefusedError(Refusal(kind="too_large", message=message))
    return data


def parse(data: bytes) -> Json:
    """Return the body, a JSON object.

    Raises:
        RefusedError: it is none, or too large.
    """
    bounded(data)
    try:
        body = read(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
            "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what "
            "was sent was not valid JSON.)"
        )
    return body


def facts_on(model: str, models: Models) -> ModelFacts:
    """Return what is known of a model.

    Raises:
        RefusedError: nothing is.
    """
    facts = models.find(model, PROVIDER)
    if facts is None:
        raise unknown_model(model)
    if facts.lifecycle == "retired":
        raise RefusedError(Refusal(kind="not_found", details={"model": model}))
    return facts


def unknown_model(model: str) -> RefusedError:
    """Return the error for a model that does not exist."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return RefusedError(Refusal(kind="not_found", message=message, code="model_not_found"))
