"""Which requests are for the Claude API, and for which of its operations."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote

from chaoskit.cors import DIRECT
from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects._request import api_key, model_of, vendor_of
from chaoskit.exchange import HttpRequest, Refusal

__all__ = [
    "NEWEST",
    "THREADS",
    "Operation",
    "Place",
    "authenticate",
    "betas",
    "claims",
    "largest",
    "route",
    "version",
]

NEWEST = "2026-10-21"
_VERSIONS = frozenset({"2023-01-01", "2023-06-01", NEWEST})
THREADS = "message-threads-"
"""The beginning of the beta that lets the service hold conversations."""

_MB = 1024 * 1024
_LARGEST_BODY = 32 * _MB
_LARGEST_BATCH = 256 * _MB
_LARGEST_FILE = 500 * _MB
_KEPT = re.compile(
    r"/v1/(?:messages/(?P<batches>batches)|(?P<files>files))"
    r"(?:/(?P<name>[^/]+)(?:/(?P<what>results|cancel|content))?)?\Z"
)
_UNVERSIONED = re.compile(r"(?=/(?:messages|models|files)(?:/|\Z))")
_STORED = {
    ("batches", False, None): {"POST": "create_batch", "GET": "list_batches"},
    ("batches", True, None): {"GET": "retrieve_batch", "DELETE": "delete_batch"},
    ("batches", True, "results"): {"GET": "read_results"},
    ("batches", True, "cancel"): {"POST": "cancel_batch"},
    ("files", False, None): {"POST": "create_file", "GET": "list_files"},
    ("files", True, None): {"GET": "retrieve_file", "DELETE": "delete_file"},
    ("files", True, "content"): {"GET": "read_file"},
}

Operation: TypeAlias = Literal["generate", "count_tokens", "list_models", "get_model", "stored"]


class Place(NamedTuple):
    """An operation.

    Attributes:
        name: of a model, a batch or a file in the path.
        methods: what each method does there, where the operation is on something that is kept.
        base: what stands before `/v1` in the path.
    """

    operation: Operation
    name: str = ""
    methods: dict[str, str] = {}  # noqa: RUF012 - never changed
    base: str = ""


def _locate(path: str) -> Place | None:
    """Return the operation behind a path of any base URL."""
    path = path.rstrip("/")
    if path.endswith("/v1/messages"):
        return Place("generate")
    if path.endswith("/v1/messages/count_tokens"):
        return Place("count_tokens")
    kept = _KEPT.search(path)
    if kept is not None:
        name, what = kept["name"], kept["what"]
        methods = _STORED.get((kept["batches"] or kept["files"], name is not None, what))
        if methods is None:
            return None
        return Place("stored", unquote(name or ""), methods, path[: kept.start()])
    model = model_of(path, "/v1/models")
    if model is None:
        return None
    return Place("get_model", model) if model else Place("list_models")


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
    if place is None:
        return False
    batches = place.operation == "stored" and "/messages/batches" in request.path
    return batches or place.operation in {"generate", "count_tokens"}


def route(request: HttpRequest) -> Place:
    """Return the operation that a request asks for.

    Some clients want a base URL that ends with `/v1` and others one without, and all of them read
    the same variable. Therefore the path counts without it, too, unless the host is the vendor's.

    Raises:
        RefusedError: there is no such path, or not with this method, or the body is too large.
    """
    place = _locate(request.path)
    if place is None and vendor_of(request) is None:
        place = _locate(_UNVERSIONED.sub("/v1", request.path, count=1))
    if place is None:
        raise RefusedError(Refusal(kind="not_found", message="Not Found"))
    if request.method.upper() not in (place.methods or _methods(place.operation)):
        raise RefusedError(
            Refusal(kind="invalid_request", status=405, message="Method Not Allowed")
        )
    if len(request.body) > _LARGEST_BODY and len(request.body) > largest(request):
        raise RefusedError(Refusal(kind="too_large"))
    return place


def _methods(operation: Operation) -> tuple[str, ...]:
    return ("POST",) if operation in {"generate", "count_tokens"} else ("GET",)


def largest(request: HttpRequest) -> int:
    """Return how many bytes the body may have."""
    if "/v1/files" in request.path:
        return _LARGEST_FILE
    return _LARGEST_BATCH if "/messages/batches" in request.path else _LARGEST_BODY


def authenticate(request: HttpRequest) -> str:
    """Return the API key, from either header.

    Raises:
        RefusedError: there is none, or a page of a browser sends it and does not say so.
    """
    headers = request.headers
    key = api_key(headers, "x-api-key")
    if not key:
        raise RefusedError(
            Refusal(
                kind="authentication",
                message="Authentication is required: set the `Authorization` or `x-api-key` header",
            )
        )
    if "origin" in headers and DIRECT not in headers:
        message = f"CORS requests must set '{DIRECT}' header"
        raise RefusedError(Refusal(kind="authentication", message=message))
    return key


def version(request: HttpRequest) -> str:
    """Return the version of the API that the request asks for.

    Raises:
        RefusedError: none is given, or it does not exist; or a beta cannot exist.
    """
    headers = request.headers
    return _version(headers.get("anthropic-version", "").strip(), headers.get("anthropic-beta", ""))


def betas(request: HttpRequest) -> frozenset[str]:
    """Return the betas that a request names."""
    return frozenset(_betas(request.headers.get("anthropic-beta", "")))


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
