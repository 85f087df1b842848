"""Whose fault an exception is, with the real classes of the SDKs and look-alikes of older ones."""

import asyncio
import concurrent.futures
import errno
import http.client
import json
import socket
import ssl
import urllib.error

import anthropic
import httpx
import httpx2
import openai
import pytest

from chaoskit_guards.errors import ArgError, CircuitOpenError, RetryAfterTooLong
from chaoskit_guards.failures import classify, sdk_retries

ANTHROPIC = anthropic.Anthropic(api_key="k")
OPENAI = openai.OpenAI(api_key="k")
REQUEST = httpx2.Request("POST", "https://api.example.test/v1/messages")


def anthropic_error(status, body=None, **headers):
    """The exception that the installed Anthropic SDK makes of an answer."""
    response = httpx2.Response(
        status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        json=body or {},
        request=REQUEST,
    )
    return ANTHROPIC._make_status_error("refused", body=body, response=response)


def openai_error(status, body=None, **headers):
    """The exception that the installed OpenAI SDK makes of an answer."""
    response = httpx2.Response(
        status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        json=body or {},
        request=REQUEST,
    )
    return OPENAI._make_status_error("refused", body=body, response=response)


@pytest.mark.parametrize("make", [anthropic_error, openai_error])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"),
        (401, "auth"),
        (402, "quota"),
        (403, "auth"),
        (404, "not_found"),
        (408, "timeout"),
        (409, "server"),
        (413, "invalid_request"),
        (422, "invalid_request"),
        (429, "rate_limited"),
        (500, "server"),
        (502, "server"),
        (503, "overloaded"),
        (504, "timeout"),
        (529, "overloaded"),
    ],
)
def test_statuses_of_both_sdks_are_recognised(make, status, kind):
    """The status decides, whatever the class is called."""
    failure = classify(make(status))
    assert (kind, status) == (failure.kind, failure.status)


def test_retry_after_and_should_retry_come_from_the_headers():
    """The answer's wishes are on the failure."""
    failure = classify(anthropic_error(429, retry_after="7", x_should_retry="false"))
    assert (failure.retry_after, failure.should_retry) == (7.0, False)


def test_a_reset_header_counts_on_a_429_only():
    """A reset on a 503 says nothing about the outage."""
    reset = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"}
    assert classify(openai_error(429, **reset)).retry_after == 9.0
    assert None is classify(openai_error(503, **reset)).retry_after


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("overloaded_error", 529),
        ("api_error", 500),
        ("rate_limit_error", 429),
        ("timeout_error", 504),
    ],
)
def test_an_error_event_in_a_stream_stands_for_its_status(kind, status):
    """The SDK raises a plain status error with 200 for it."""
    error = anthropic_error(200, {"type": "error", "error": {"type": kind, "message": "…"}})
    assert status == classify(error).status


def test_an_openai_error_event_has_no_status_but_a_type():
    """`APIError` carries only the body."""
    error = openai.APIError("broken", REQUEST, body={"type": "server_error", "code": None})
    assert classify(error).kind == "server"


@pytest.mark.parametrize(
    "error",
    [
        openai_error(429, {"code": "insufficient_quota", "type": "insufficient_quota"}),
        anthropic_error(
            429,
            {
                "error": {
                    "type": "rate_limit_error",
                    "details": {"error_code": "enforced_spend_limit_reached"},
                }
            },
        ),
    ],
)
def test_spent_money_is_not_a_rate_limit(error):
    """Waiting does not bring a quota back."""
    assert classify(error).kind == "quota"


def test_context_overflow_is_told_from_other_bad_requests():
    """By code where there is one, by the provider's sentence where there is none."""
    coded = openai_error(400, {"code": "context_length_exceeded"})
    response = httpx2.Response(400, request=REQUEST)
    said = anthropic.BadRequestError(
        "prompt is too long: 210000 tokens > 200000 maximum", response=response, body=None
    )
    assert classify(coded).kind == "context_overflow"
    assert classify(said).kind == "context_overflow"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (anthropic.APITimeoutError(REQUEST), "timeout"),
        (anthropic.APIConnectionError(request=REQUEST), "connection"),
        (openai.APITimeoutError(REQUEST), "timeout"),
        (openai.APIConnectionError(request=REQUEST), "connection"),
        (httpx.ReadTimeout("…"), "timeout"),
        (httpx.ConnectError("…"), "connection"),
        (httpx.RemoteProtocolError("…"), "connection"),
        (httpx.LocalProtocolError("…"), "local"),
        (httpx.UnsupportedProtocol("…"), "local"),
        (httpx.DecodingError("…"), "server"),
        (httpx2.PoolTimeout("…"), "timeout"),
        (httpx2.ReadError("…"), "connection"),
        (TimeoutError(), "timeout"),
        (TimeoutError(errno.ETIMEDOUT, "…"), "timeout"),
        (ConnectionResetError(), "connection"),
        (BrokenPipeError(), "connection"),
        (socket.gaierror(-2, "…"), "connection"),
        (OSError(errno.ENETUNREACH, "…"), "connection"),
        (ssl.SSLEOFError(8, "…"), "connection"),
        (ssl.SSLCertVerificationError(1, "…"), "local"),
        (http.client.IncompleteRead(b""), "connection"),
        (urllib.error.URLError(ConnectionRefusedError()), "connection"),
        (FileNotFoundError(2, "…"), "local"),
        (PermissionError(13, "…"), "local"),
        (TypeError("…"), "local"),
        (KeyError("…"), "local"),
        (json.JSONDecodeError("…", "", 0), "local"),
        (ArgError("search", ()), "local"),
        (RuntimeError("…"), "unknown"),
        (asyncio.CancelledError(), "cancelled"),
        (concurrent.futures.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
        (SystemExit(), "cancelled"),
        (GeneratorExit(), "cancelled"),
    ],
)
def test_exceptions_without_a_status_are_recognised(error, kind):
    """Clients, the standard library, mistakes and signals."""
    assert kind == classify(error).kind


def test_statuses_of_other_clients_are_recognised():
    """httpx, urllib, aiohttp's and botocore's shapes."""
    of_httpx = httpx.HTTPStatusError(
        "…",
        request=httpx.Request("GET", "http://x.test"),
        response=httpx.Response(503, headers={"retry-after": "3"}),
    )
    of_urllib = urllib.error.HTTPError("http://x.test", 429, "…", {"Retry-After": "2"}, None)
    of_aiohttp = type("ClientResponseError", (Exception,), {"status": 502, "headers": {}})()
    of_botocore = type("ClientError", (Exception,), {})()
    of_botocore.response = {"ResponseMetadata": {"HTTPStatusCode": 503}}
    found = [classify(e) for e in (of_httpx, of_urllib, of_aiohttp, of_botocore)]
    of_urllib.close()
    assert [(failure.status, failure.retry_after) for failure in found] == [
        (503, 3.0),
        (429, 2.0),
        (502, None),
        (503, None),
    ]


def test_the_older_generation_is_recognised_by_shape():
    """The same attributes on classes whose responses are httpx's."""
    base = type("APIStatusError", (Exception,), {"__module__": "anthropic._exceptions"})
    error = base("Overloaded")
    error.response = httpx.Response(529, headers={"retry-after": "1"})
    error.status_code = 529
    error.body = {"type": "error", "error": {"type": "overloaded_error"}}
    assert (
        classify(error).kind,
        classify(error).status,
        classify(error).retry_after,
    ) == ("overloaded", 529, 1.0)


def test_the_retries_of_the_sdk_are_seen_on_its_request():
    """The SDK numbers its own attempts in a header."""
    error = anthropic_error(500)
    assert sdk_retries(error) == 0
    error.request.headers["x-stainless-retry-count"] = "2"
    try:
        assert sdk_retries(error) == 2
    finally:
        del error.request.headers["x-stainless-retry-count"]
    assert sdk_retries(RuntimeError()) == 0


def test_guards_speak_for_what_is_behind_them():
    """A wrapper is judged by its cause, a refusal of our own is nobody's failure."""
    wrapped = RetryAfterTooLong("…", retry_after=600, attempts=1)
    wrapped.__cause__ = anthropic_error(429)
    assert classify(wrapped).kind == "rate_limited"
    assert classify(CircuitOpenError("primary", 4.0)).retry_after == 4.0


def test_a_property_that_raises_tells_nothing():
    """As `request` of httpx's errors, where no client has sent one."""
    error = httpx2.ConnectError("refused")
    assert sdk_retries(error) == 0
    assert classify(error).kind == "connection"

    class Odd(ConnectionError):
        @property
        def response(self):
            raise RuntimeError("no response")

    assert classify(Odd()).kind == "connection"


def test_a_group_passes_only_if_all_of_it_does():
    """The longest wait counts, and one mistake is enough."""
    passing = [anthropic_error(429, retry_after="3"), anthropic_error(529, retry_after="8")]
    assert classify(ExceptionGroup("both", [*passing, ConnectionError()])).retry_after == 8
    assert classify(ExceptionGroup("both", [*passing, TypeError()])).kind == "local"
    assert classify(BaseExceptionGroup("both", [KeyboardInterrupt()])).kind == "cancelled"
