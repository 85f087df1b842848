"""Dialects of OpenAI in which no model speaks."""

import json

import pytest

from chaoskit.dialects import OpenAIEmbeddingsDialect, OpenAIFilesDialect
from chaoskit.errors import InternalError
from chaoskit.exchange import Call, HttpRequest, Refusal, Reply

CALL = Call(dialect="openai_files", provider="openai", operation="stored")
REPLY = Reply(content=())


@pytest.mark.parametrize("dialect", [OpenAIEmbeddingsDialect(), OpenAIFilesDialect()])
def test_what_no_route_asks_for_is_a_mistake_of_the_harness(dialect, envelope, models):
    """Neither a stream, nor a number of tokens, nor models."""
    for ask in (
        lambda: dialect.stream(REPLY, CALL, envelope()),
        lambda: dialect.count(1, CALL, envelope()),
        lambda: dialect.models(CALL, models, envelope()),
    ):
        with pytest.raises(InternalError, match="cannot answer stored"):
            ask()


def test_files_are_no_answer_of_a_model(envelope):
    """They are read from the shelf, without which there are none."""
    dialect = OpenAIFilesDialect()
    with pytest.raises(InternalError, match="cannot answer stored"):
        dialect.plain(REPLY, CALL, envelope())
    with pytest.raises(InternalError, match="without a shelf"):
        dialect.stored(CALL, envelope())


def test_errors_are_those_of_the_vendor(envelope):
    """In a response, and after HTTP 200."""
    dialect = OpenAIEmbeddingsDialect()
    http = dialect.refuse(Refusal(kind="overloaded"), None, envelope())
    frame = dialect.error_frame(Refusal(kind="overloaded"), envelope())
    told = json.loads(http.body)["error"]
    assert (http.status, told, frame.kind) == (503, json.loads(frame.data)["error"], "error")
    assert dialect.call_id(envelope().ids).startswith("call_")


def test_batch_needs_somebody_who_answers(envelope, shelf, models):
    """The world does; a dialect by itself cannot."""
    dialect = OpenAIFilesDialect()

    def ask(method, path, body=b"", kind="application/json"):
        headers = {"authorization": "Bearer test", "content-type": kind}
        request = HttpRequest(
            method=method, host="api.openai.com", path=path, headers=headers, body=body
        )
        call = dialect.decode(request, models)
        return json.loads(dialect.stored(call, envelope(shelf=shelf)).body)

    line = {"custom_id": "a", "url": "/v1/responses", "body": {}}
    form = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n'
        + json.dumps(line).encode()
        + b"\r\n--b--\r\n"
    )
    file = ask("POST", "/v1/files", form, "multipart/form-data; boundary=b")
    given = {
        "input_file_id": file["id"],
        "endpoint": "/v1/responses",
        "completion_window": "24h",
    }
    batch = ask("POST", "/v1/batches", json.dumps(given).encode())
    with pytest.raises(InternalError, match="needs somebody who answers"):
        ask("GET", f"/v1/batches/{batch['id']}")
