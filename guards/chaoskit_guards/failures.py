"""Whose fault a failure is, read from the exception without importing any SDK.

Recognised by what an exception carries: `status_code`, `response.headers`, the error type in its
`body`, the names of its classes and the packages that define them. That covers the SDKs of
Anthropic and OpenAI in all generations (httpx and httpx2), the usual HTTP clients, and the
standard library. Texts are not searched, except for the one sentence by which a provider that
has no code for it says that the prompt is too long.
"""

from __future__ import annotations

import errno
import re
import ssl
from collections.abc import Mapping
from concurrent.futures import CancelledError as FutureCancelledError
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Literal

from chaoskit_guards.errors import (
    AllProvidersFailed,
    CircuitOpenError,
    GuardError,
    OutcomeUnknown,
    RetryError,
    StreamTruncated,
    ToolTimeout,
    UnreadableResponse,
)
from chaoskit_guards.waits import header, retry_after, should_retry

__all__ = ["Failure", "Kind", "classify", "sdk_retries"]

Kind = Literal[
    "rate_limited",
    "quota",
    "overloaded",
    "server",
    "timeout",
    "connection",
    "auth",
    "not_found",
    "context_overflow",
    "invalid_request",
    "cancelled",
    "local",
    "unknown",
]
"""What went wrong. `quota` is spent money: waiting does not bring it back.
`local` is a mistake or a lack on this machine; `unknown` is an exception of nobody we know."""

_PROVIDER_FAULTS = frozenset({"rate_limited", "overloaded", "server", "timeout", "connection"})


@dataclass(frozen=True, slots=True)
class Failure:
    """What an exception says.

    Attributes:
        kind: what went wrong.
        status: HTTP status, or the status that an error inside a stream stands for.
        retry_after: seconds that the provider asks to wait.
        should_retry: what the provider says about repeating the request.
    """

    kind: Kind
    status: int | None = None
    retry_after: float | None = None
    should_retry: bool | None = None

    @property
    def provider_fault(self) -> bool:
        """Whether the provider failed, so that the same request may succeed later."""
        return self.kind in _PROVIDER_FAULTS


# Errors inside a stream arrive with status 200 or none; their type stands for a status.
_TYPES: dict[str, int] = {
    "api_error": 500,
    "authentication_error": 401,
    "billing_error": 402,
    "conflict_error": 409,
    "invalid_request_error": 400,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "request_too_large": 413,
    "requests": 429,
    "server_error": 500,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "timeout_error": 504,
    "tokens": 429,
}
_QUOTA_CODES = frozenset(
    {
        "billing_hard_limit_reached",
        "billing_not_active",
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "insufficient_quota",
        "linked_organization_spend_limit_reached",
    }
)
_OVERFLOW = re.compile(
    r"prompt is too long|maximum context length|context window|context_length_exceeded",
    re.IGNORECASE,
)

_CLIENTS = frozenset(
    {
        "aiohttp",
        "anthropic",
        "botocore",
        "groq",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "mistralai",
        "openai",
        "requests",
        "urllib3",
    }
)
_BY_NAME: dict[str, Kind] = {
    "APIResponseValidationError": "server",
    "ChunkedEncodingError": "connection",
    "ClientConnectionError": "connection",
    "ClientPayloadError": "connection",
    "ConnectTimeoutError": "timeout",
    "ConnectionError": "connection",
    "CredentialsError": "auth",
    "DecodingError": "server",
    "HTTPClientError": "connection",
    "InvalidURL": "local",
    "LocalProtocolError": "local",
    "NetworkError": "connection",
    "ProtocolError": "connection",
    "ProxyError": "connection",
    "ReadTimeoutError": "timeout",
    "RemoteProtocolError": "connection",
    "ServerTimeoutError": "timeout",
    "Timeout": "timeout",
    "TimeoutException": "timeout",
    "TransportError": "connection",
    "UnsupportedProtocol": "local",
}
"""Classes of the HTTP clients and SDKs; the nearest base class that is listed decides."""
_UNREACHABLE = frozenset(
    {
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.EPIPE,
        errno.ETIMEDOUT,
    }
)
_MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    NotImplementedError,
    RecursionError,
    ReferenceError,
    StopAsyncIteration,
    StopIteration,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    Warning,
)


def classify(error: BaseException) -> Failure:
    """Return whose fault an exception is and what the provider asks for."""
    if not isinstance(error, Exception) or isinstance(error, FutureCancelledError):
        return Failure("cancelled")
    if isinstance(error, GuardError):
        return _guard(error)
    if isinstance(error, ExceptionGroup):
        return _group(error)
    if type(error).__module__ == "builtins" and not error.__dict__:
        return Failure(_by_class(error))  # Python's own ones say nothing beyond their class
    response = _read(error, "response")
    headers = _read(response, "headers")
    if headers is None:
        headers = _read(error, "headers")
    codes = _codes(error)
    status = _status(error, response, codes)
    if status is not None:
        kind = _by_status(status, codes, error)
        return Failure(
            kind,
            status,
            retry_after(headers, resets=kind == "rate_limited"),
            should_retry(headers),
        )
    return Failure(_by_class(error))


def sdk_retries(error: BaseException) -> int:
    """Return how often the SDK below had already repeated the request that failed."""
    request = _read(error, "request")
    if request is None:
        request = _read(_read(error, "response"), "request")
    try:
        return int(header(_read(request, "headers"), "x-stainless-retry-count") or 0)
    except ValueError:
        return 0


def _read(thing: object, name: str) -> Any:
    """Return an attribute or None; some are properties that raise, such as httpx's `request`."""
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - whatever it is, it tells nothing
        return None


def _group(group: ExceptionGroup) -> Failure:
    """Several failures at once pass only if each of them does, and after the longest wait."""
    members = [classify(error) for error in group.exceptions]
    lasting = [member for member in members if not member.provider_fault]
    return lasting[0] if lasting else max(members, key=lambda member: member.retry_after or 0.0)


def _guard(error: GuardError) -> Failure:
    if isinstance(error, AllProvidersFailed):
        passes = any(attempt.outcome in _PROVIDER_FAULTS for attempt in error.attempts)
        wait = error.retry_after
        return Failure("unknown", retry_after=wait, should_retry=passes or wait is not None)
    if isinstance(error, CircuitOpenError):
        wait = None if error.retry_after == float("inf") else error.retry_after
        return Failure("unknown", retry_after=wait, should_retry=wait is not None)
    if isinstance(error, StreamTruncated):
        return Failure("connection")
    if isinstance(error, UnreadableResponse):
        return Failure("server")
    if isinstance(error, ToolTimeout):  # it is slow, but repeating an effect could double it
        return Failure("timeout", should_retry=False if error.effect else None)
    if isinstance(error, OutcomeUnknown):
        return Failure("unknown", should_retry=error.repeatable)
    cause = error.__cause__
    if isinstance(error, RetryError) and cause is not None:
        return classify(cause)
    return Failure("local")


def _codes(error: BaseException) -> list[str]:
    """Return the machine-readable names in an error's body, outermost last."""
    body: Any = _read(error, "body")
    found: list[object] = []
    for _ in range(3):
        if not isinstance(body, Mapping):
            break
        details = body.get("details")
        if isinstance(details, Mapping):
            found.append(details.get("error_code"))
        found += [body.get("code"), body.get("type")]
        body = body.get("error")
    found += [_read(error, name) for name in ("error_code", "code", "type")]
    return [code for code in found if isinstance(code, str)]


def _status(error: BaseException, response: object, codes: list[str]) -> int | None:
    candidates: list[object] = [_read(error, "status_code")]
    candidates += [_read(response, name) for name in ("status_code", "status")]
    if isinstance(response, Mapping):  # botocore
        details = response.get("ResponseMetadata")
        candidates.append(details.get("HTTPStatusCode") if isinstance(details, Mapping) else None)
    candidates += [_read(error, name) for name in ("status", "code")]
    for status in candidates:
        if isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 600:
            return status
    for code in codes:
        if code in _TYPES:
            return _TYPES[code]
    return None


def _by_status(status: int, codes: list[str], error: BaseException) -> Kind:
    if status == 402 or any(code in _QUOTA_CODES for code in codes):
        return "quota"
    if status == 429:
        return "rate_limited"
    if status in (401, 403):
        return "auth"
    if status == 404:
        return "not_found"
    if status in (408, 504):
        return "timeout"
    if status == 409:
        return "server"  # a lock timeout of the provider, which the SDKs repeat as well
    if status in (503, 529):
        return "overloaded"
    if status >= 500:
        return "server"
    if status in (400, 413) and (
        "context_length_exceeded" in codes or _OVERFLOW.search(str(error))
    ):
        return "context_overflow"
    return "invalid_request"


def _by_class(error: Exception) -> Kind:
    kind = _by_name(type(error))
    if kind is not None:
        return kind
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionError | HTTPException):
        return "connection"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "local"
    if isinstance(error, OSError):
        return _by_errno(error)
    return "local" if isinstance(error, _MISTAKES) else "unknown"


def _by_errno(error: OSError) -> Kind:
    if isinstance(error, ssl.SSLError) or type(error).__name__ == "gaierror":
        return "connection"
    if error.errno == errno.ETIMEDOUT:
        return "timeout"
    if error.errno in _UNREACHABLE:
        return "connection"
    reason = getattr(error, "reason", None)  # urllib's URLError wraps what happened
    if isinstance(reason, Exception):
        return _by_class(reason)
    return "local"


def _by_name(kind: type[BaseException]) -> Kind | None:
    for base in kind.__mro__:
        name = base.__name__
        if name in ("APITimeoutError", "APIConnectionError"):  # telling in any package
            return "timeout" if name == "APITimeoutError" else "connection"
        if name in _BY_NAME and base.__module__.partition(".")[0] in _CLIENTS:
            return _BY_NAME[name]
    return None
