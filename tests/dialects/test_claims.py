"""Whose request it is, whatever the base URL."""

import pytest

from chaoskit.dialects import DIALECTS
from chaoskit.exchange import HttpRequest

VERSION = {"anthropic-version": "2026-10-21"}
KEY = {"authorization": "Bearer test"}

CASES = [
    ("POST", "api.anthropic.com", "/v1/messages", {}, "anthropic"),
    ("POST", "127.0.0.1:8080", "/v1/messages", {}, "anthropic"),
    ("POST", "127.0.0.1:8080", "/v1/messages/", {}, "anthropic"),
    ("POST", "proxy", "/team/a/v1/messages/count_tokens", {}, "anthropic"),
    ("GET", "proxy", "/v1/models", VERSION, "anthropic"),
    ("GET", "proxy", "/v1/models/claude", VERSION, "anthropic"),
    ("GET", "api.anthropic.com", "/v1/models", {}, "anthropic"),
    ("POST", "api.anthropic.com", "/v1/nope", {}, "anthropic"),
    ("POST", "proxy", "/v1/messages/batches", VERSION, "anthropic"),
    ("POST", "api.openai.com:443", "/v1/chat/completions", {}, "openai_chat"),
    ("POST", "proxy", "/chat/completions", {}, "openai_chat"),
    ("POST", "proxy", "/openai/v1/chat/completions/", {}, "openai_chat"),
    ("GET", "proxy", "/v1/models", {}, "openai_chat"),
    ("GET", "proxy", "/v1/models/gpt", {}, "openai_chat"),
    ("POST", "API.openai.com", "/v1/nope", {}, "openai_chat"),
    ("POST", "api.openai.com", "/v1/responses", {}, "openai_responses"),
    ("POST", "proxy", "/responses", {}, "openai_responses"),
    ("POST", "proxy", "/openai/v1/responses/", {}, "openai_responses"),
    ("GET", "proxy", "/v1/responses/resp_1", {}, "openai_responses"),
    ("GET", "proxy", "/v1/responses/resp_1/input_items", {}, "openai_responses"),
    ("POST", "proxy", "/v1/responses/input_tokens", {}, "openai_responses"),
    ("POST", "proxy", "/v1/conversations", KEY, "openai_responses"),
    ("GET", "proxy", "/a/v1/conversations/conv_1/items/msg_1", KEY, "openai_responses"),
    ("GET", "api.openai.com", "/v1/conversations/conv_1", {}, "openai_responses"),
    ("GET", "crm.example.com", "/conversations/1", KEY, None),
    ("GET", "crm.example.com", "/v1/conversations/1", {}, None),
    ("POST", "api.openai.com", "/v1/files", {}, "openai_files"),
    ("POST", "proxy", "/v1/files", KEY, "openai_files"),
    ("GET", "proxy", "/v1/files/file-1/content", KEY, "openai_files"),
    ("POST", "proxy", "/v1/batches/batch_1/cancel", KEY, "openai_files"),
    ("POST", "proxy", "/v1/uploads/upload_1/parts", KEY, "openai_files"),
    ("GET", "intranet", "/files/7", KEY, None),
    ("POST", "proxy", "/v1/files", VERSION | KEY, "anthropic"),
    ("POST", "api.openai.com", "/v1/embeddings", {}, "openai_embeddings"),
    ("POST", "proxy", "/embeddings", {}, "openai_embeddings"),
    ("POST", "api.openai.com", "/v1/responses/a/b", {}, "openai_chat"),
    ("POST", "proxy", "/v1/responses/a/b", {}, None),
    ("POST", "api.anthropic.com", "/v1/responses", {}, "anthropic"),
    ("POST", "proxy", "/v1/responses", VERSION, "anthropic"),
    ("GET", "proxy", "/v1/models/a/b", {}, None),
    ("POST", "api.anthropic.com", "/v1/chat/completions", {}, "anthropic"),
    ("POST", "api.openai.com", "/v1/messages", VERSION, "openai_chat"),
    ("GET", "example.com", "/", {}, None),
    ("POST", "proxy", "/v1/threads/t/messages", {}, None),
]


@pytest.mark.wire("sdk.hosts.request_belongs_to_the_dialect")
@pytest.mark.parametrize(("method", "host", "path", "headers", "expected"), CASES)
def test_request_belongs_to_the_dialect(method, host, path, headers, expected):
    """Host, path and the version header decide; at most one dialect claims it."""
    request = HttpRequest(method=method, host=host, path=path, headers=headers)
    assert [expected] * (expected is not None) == [d.name for d in DIALECTS if d.claims(request)]


@pytest.mark.wire("openai.requests.traces_are_no_calls")
def test_traces_are_no_calls():
    """Of the whole host, that path alone is none of the provider's."""
    for path, claimed in (("/v1/traces/ingest", []), ("/v1/traces/nope", ["openai_chat"])):
        request = HttpRequest(method="POST", host="api.openai.com", path=path, headers={})
        assert claimed == [dialect.name for dialect in DIALECTS if dialect.claims(request)]
