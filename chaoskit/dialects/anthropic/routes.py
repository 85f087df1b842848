"""Which requests are for the Claude API, and for which of its operations."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects._request import api_key, model_of, vendor_of
from chaoskit.exchange import HttpRequest, Refusal

__all__ = ["NEWEST", "Operation", "authenticate", "claims", "route", "version"]

NEWEST = "2026-10-21"
_VERSIONS = frozenset({"2023-01-01", "2023-06-01", NEWEST})
_LARGEST_BODY = 32 * 1024 * 1024

Operation: TypeAlias = Literal["generate", "count_tokens", "list_models", "get_model"]


def _locate(path: str) -> tuple[Operation, str] | None:
    """Return the operation behind a path of any base URL, and the model that it names."""
    path = path.rstrip("/")
    if path.endswith("/v1/messages"):
        return "generate", ""
    if path.endswith("/v1/messages/count_tokens"):
        return "count_tokens", ""
    model = model_of(path, "/v1/models")
    if model is None:
        return None
    return ("get_model", model) if model else ("list_models", "")


def claims(request: HttpRequest) -> bool:
    """Tell whether a request speaks to the Claude API.

    `/v1/models` is OpenAI's as well: the version header, which only this API has, tells them apart.
    """
    vendor = vendor_of(request)
    if vendor is not None:
        return vendor == "anthropic"
    if "anthropic-version" in request.headers:
        return True
    place = _locate(request.path)
    return place is not None and place[0] in {"generate", "count_tokens"}


def route(request: HttpRequest) -> tuple[Operation, str]:
    """Return the operation and the model in the path.

    Raises:
        RefusedError: there is no such path, or not with this method, or the body is too large.
    """
    place = _locate(request.path)
    if place is None:
        raise RefusedError(Refusal(kind="not_found", message="Not Found"))
    expected = "POST" if place[0] in {"generate", "count_tokens"} else "GET"
    if request.method.upper() != expected:
        raise RefusedError(
            Refusal(kind="invalid_request", status=405, message="Method Not Allowed")
        )
    if len(request.body) > _LARGEST_BODY:
        raise RefusedError(Refusal(kind="too_large"))
    return place


def authenticate(request: HttpRequest) -> str:
    """Return the API key, from either header.

    Raises:
        RefusedError: there is none.
    """
    key = api_key(request.headers, "x-api-key")
    if not key:
        raise RefusedError(
            Refusal(
                kind="authentication",
                message="Authentication is required: set the `Authorization` or `x-api-key` header",
            )
        )
    return key


def version(request: HttpRequest) -> str:
    """Return the version of the API that the request asks for.

    Raises:
        RefusedError: none is given, or it does not exist; or a beta cannot exist.
    """
    headers = request.headers
    return _version(headers.get("anthropic-version", "").strip(), headers.get("anthropic-beta", ""))


@lru_cache(maxsize=16)
def _version(value: str, betas: str) -> str:
    if not value:
        message = "anthropic-version: header is required"
        raise RefusedError(Refusal(kind="invalid_request", message=message))
    if value not in _VERSIONS:
        message = f'anthropic-version: "{value}" is not a valid version'
        raise RefusedError(Refusal(kind="invalid_request", message=message))
    unknown = [beta for beta in _betas(betas) if not _dated(beta)]
    if unknown:
        message = (
            f"Unexpected value(s) {', '.join(f'`{beta}`' for beta in unknown)} for the "
            "`anthropic-beta` header. Please consult our documentation at platform.claude.com/docs "
            "or try again without the header."
        )
        raise RefusedError(Refusal(kind="invalid_request", message=message))
    return value


def _betas(header: str) -> list[str]:
    return [beta.strip() for beta in header.split(",") if beta.strip()]


def _dated(beta: str) -> bool:
    """Tell whether a beta ends in a date, as each of them does; the list itself changes weekly."""
    digits = beta[-10:].replace("-", "")
    return digits[-8:].isdigit() and len(digits[-8:]) == 8
