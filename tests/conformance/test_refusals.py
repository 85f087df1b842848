"""What production refuses, by the entries of the manifest that hold a request and its answer."""

import json
import random

import pytest

from chaoskit.dialect import Envelope, Stateful
from chaoskit.dialects import DIALECTS
from chaoskit.exchange import Call, HttpRequest, Refusal
from chaoskit.provider.catalogue import Catalogue
from chaoskit.provider.shelf import Shelf

SAID = [{"role": "user", "content": "hi"}]
USUAL = {
    "/v1/messages": {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": SAID},
    "/v1/chat/completions": {"model": "gpt-4.1", "messages": SAID},
    "/v1/responses": {"model": "gpt-4.1", "input": "hi"},
    "/v1/embeddings": {"model": "text-embedding-3-small", "input": "hi"},
}


def request_of(name, entry):
    """The request of an entry: the usual one, changed."""
    claude = name.startswith("anthropic.")
    path = entry.get("path", "/v1/messages" if claude else "/v1/chat/completions")
    usual = next((body for begin, body in USUAL.items() if path.startswith(begin)), {})
    body = {key: value for key, value in usual.items() if key != entry.get("without")}
    headers = {"authorization": "Bearer test"}
    if claude:
        headers["anthropic-version"] = entry.get("version", "2023-06-01")
    headers |= entry.get("headers", {})
    return HttpRequest(
        method="POST",
        host="api.anthropic.com" if claude else "api.openai.com",
        path=path,
        headers={key: value for key, value in headers.items() if value},
        body=json.dumps(body | entry.get("with", {})).encode(),
    )


def answered(request):
    """The answer of whichever dialect claims a request; nothing is kept of earlier ones."""
    dialect = next(dialect for dialect in DIALECTS if dialect.claims(request))
    decoded = dialect.decode(request, Catalogue())
    if isinstance(dialect, Stateful) and isinstance(decoded, Call):
        decoded = dialect.recall(decoded, Shelf(), 0.0)
    assert isinstance(decoded, Refusal), decoded
    return dialect.refuse(decoded, None, Envelope(ids=random.Random(1), wall=1_795_330_800.0))


def test_refusal_is_that_of_production(refusal):
    """Status, type, text, and at OpenAI the parameter at fault and the code."""
    name, entry = refusal
    http = answered(request_of(name, entry))
    error = json.loads(http.body)["error"]
    assert http.status == entry.get("status", 400)
    assert error["type"] == entry.get("type", "invalid_request_error")
    assert error["message"] == entry["message"]
    if not name.startswith("anthropic."):
        assert error == {
            "message": entry["message"],
            "type": "invalid_request_error",
            "param": entry.get("param"),
            "code": entry.get("code"),
        }


def test_usual_requests_are_taken():
    """Or the refusals would be about anything."""
    for path, body in USUAL.items():
        request = request_of(
            "anthropic.x" if path == "/v1/messages" else "openai.x", {"path": path, "with": body}
        )
        dialect = next(dialect for dialect in DIALECTS if dialect.claims(request))
        assert isinstance(dialect.decode(request, Catalogue()), Call)


@pytest.fixture
def refusal(request):
    return request.param
