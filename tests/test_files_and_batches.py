"""Files, uploads and batches through the SDK and a whole world behind it."""

import io
import json
from functools import partial

import openai
import pytest

from chaoskit.journal import Replied, Requested
from lived_clients import lived

DATA = bytes(range(256)) * 40 + b"\r\n--almost a boundary\r\n\r\n"
live = partial(lived, openai.OpenAI)


def batch_of(client, endpoint, *lines):
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    file = client.files.create(file=("in.jsonl", data.encode()), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h", metadata={"a": "b"}
    )


def line(name, url="/v1/responses", **body):
    return {"custom_id": name, "method": "POST", "url": url, "body": body}


def refused(action, error=openai.BadRequestError):
    with pytest.raises(error) as caught:
        action()
    return caught.value.body["message"]


def test_file_comes_back_byte_for_byte():
    """Whatever it contains."""

    def use(client):
        made = client.files.create(file=("a.bin", DATA), purpose="vision")
        same = client.files.retrieve(made.id)
        return made, same, client.files.content(made.id).read()

    (made, same, data), _ = live(use)
    assert (made, DATA) == (same, data)
    assert (made.bytes, made.filename, made.purpose, made.status) == (
        len(DATA),
        "a.bin",
        "vision",
        "processed",
    )
    assert (made.id[:5], len(made.id)) == ("file-", 27)


def test_files_are_listed_and_deleted():
    """Page by page, of one purpose where asked for."""

    def use(client):
        for name in "abc":
            client.files.create(file=(name, b"x"), purpose="evals")
        client.files.create(file=("d", b"x"), purpose="user_data")
        names = [file.filename for file in client.files.list(limit=3)]
        some = [file.filename for file in client.files.list(purpose="evals", order="asc")]
        gone = client.files.list(limit=1).data[0]
        assert client.files.delete(gone.id).deleted
        return names, some, refused(lambda: client.files.retrieve(gone.id), openai.NotFoundError)

    (names, some, message), _ = live(use)
    assert (names, some) == (["d", "c", "b", "a"], ["a", "b", "c"])
    assert message.startswith("No such File object: file-")


def test_what_cannot_be_done_with_files():
    """In the words of the vendor."""

    def use(client):
        made = client.files.create(file=("d", b"x"), purpose="assistants")
        return [
            refused(lambda: client.files.content(made.id)),
            refused(lambda: client.files.create(file=("d", b"x"), purpose="other")),
            refused(lambda: client.post("/files", cast_to=dict, body={"purpose": "batch"})),
            refused(
                lambda: client.post(
                    "/files",
                    cast_to=dict,
                    body={"purpose": "batch"},
                    files={"other": b"x"},
                    options={"headers": {"Content-Type": "multipart/form-data"}},
                )
            ),
        ]

    messages, _ = live(use)
    assert messages == [
        "Not allowed to download files of purpose: assistants",
        (
            "Invalid value: 'other'. Supported values are: 'assistants', 'batch', 'fine-tune', "
            "'vision', 'user_data', and 'evals'."
        ),
        "Expected a request with 'Content-Type: multipart/form-data'.",
        "Missing required parameter: 'file'.",
    ]


def test_file_arrives_in_parts():
    """The SDK's helper cuts it, and the parts are joined in the order that it names."""

    def use(client):
        done = client.uploads.upload_file_chunked(
            file=DATA,
            filename="big.bin",
            bytes=len(DATA),
            mime_type="application/octet-stream",
            purpose="vision",
            part_size=3_000,
        )
        return done, client.files.content(done.file.id).read()

    (done, data), journal = live(use)
    assert (done.status, done.file.filename, data) == ("completed", "big.bin", DATA)
    assert sum(isinstance(event, Requested) for event in journal) == 1 + 4 + 1 + 1


def test_upload_can_be_given_up():
    """And then it takes no more parts; what is missing is told."""

    def use(client):
        def begin(size):
            return client.uploads.create(
                bytes=size, filename="a", mime_type="text/plain", purpose="evals"
            )

        upload = begin(3)
        part = client.uploads.parts.create(upload.id, data=io.BytesIO(b"ab"))
        messages = [
            refused(lambda: client.uploads.complete(upload.id, part_ids=["part_1"])),
            refused(lambda: client.uploads.complete(upload.id, part_ids=[part.id])),
        ]
        assert client.uploads.cancel(upload.id).status == "cancelled"
        messages.append(refused(lambda: client.uploads.parts.create(upload.id, data=b"c")))
        messages.append(refused(lambda: client.uploads.cancel("upload_1"), openai.NotFoundError))
        return upload.id, messages

    (name, messages), _ = live(use)
    assert messages == [
        f"Part 'part_1' does not belong to upload '{name}'.",
        "The upload has 2 bytes, but 3 bytes were announced.",
        f"Upload '{name}' is cancelled and cannot be changed.",
        "No such Upload object: upload_1",
    ]


def test_batch_is_answered_by_the_model_at_half_the_price():
    """Each request by itself; those that are refused stand in a file of their own."""

    def use(client):
        body = {"model": "gpt-5.4", "input": "Why did the deploy fail?"}
        batch = batch_of(
            client,
            "/v1/responses",
            line("one", **body),
            line("two", **body, stream=True),
            line("bad", model="gpt-5.4"),
        )
        assert batch.status == "validating"
        done = client.batches.retrieve(batch.id)
        assert client.batches.retrieve(batch.id) == done
        good = client.files.content(done.output_file_id).text
        bad = client.files.content(done.error_file_id).text
        whole = client.responses.create(**body)
        return done, [json.loads(it) for it in good.splitlines()], json.loads(bad), whole

    (done, good, bad, whole), journal = live(use)
    assert (done.status, done.metadata) == ("completed", {"a": "b"})
    counts = done.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
    assert [it["custom_id"] for it in good] == ["one", "two"]
    answers = [it["response"]["body"]["output"][0]["content"][0]["text"] for it in good]
    assert answers == [whole.output_text] * 2
    assert (bad["custom_id"], bad["response"]["status_code"]) == ("bad", 400)
    assert bad["response"]["body"]["error"]["param"] == "input"
    first, second, third = [event for event in journal if isinstance(event, Replied)]
    assert first.cost_usd == second.cost_usd == pytest.approx(third.cost_usd / 2)


@pytest.mark.parametrize(
    ("endpoint", "body", "kind"),
    [
        (
            "/v1/chat/completions",
            {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
            "chat.completion",
        ),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "hi"}, "list"),
    ],
)
def test_batch_of_other_requests(endpoint, body, kind):
    """Each is answered by its own dialect."""

    def use(client):
        batch = batch_of(client, endpoint, line("one", endpoint, **body), "")
        done = client.batches.retrieve(batch.id)
        return json.loads(client.files.content(done.output_file_id).text)

    made, _ = live(use)
    assert made["response"]["body"]["object"] == kind


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", "Line 1: this line is not parseable as valid JSON."),
        ("[]", "Invalid type for 'line 1': expected an object, but got an array instead."),
        ({"url": "/v1/responses"}, "Missing required parameter: 'custom_id'."),
        (
            line("a", "/v1/embeddings"),
            "Line 1: the URL provided for this request does not match the batch endpoint.",
        ),
    ],
)
def test_batch_with_a_wrong_line_fails(bad, message):
    """As a whole, and nothing is billed."""

    def use(client):
        done = client.batches.retrieve(batch_of(client, "/v1/responses", bad).id)
        return done.status, done.errors.data[0].message, done.output_file_id

    seen, journal = live(use)
    assert seen == ("failed", message, None)
    assert not any(isinstance(event, Replied) for event in journal)


def test_batches_are_listed_and_given_up():
    """As long as nobody has seen them done."""

    def use(client):
        first = batch_of(client, "/v1/responses", line("a", model="gpt-5.4", input="hi"))
        second = batch_of(client, "/v1/responses", line("a", model="gpt-5.4", input="hi"))
        listed = [batch.id for batch in client.batches.list(limit=1)]
        cancelled = client.batches.cancel(first.id)
        assert client.batches.retrieve(first.id) == cancelled
        client.batches.retrieve(second.id)
        return [
            listed == [second.id, first.id],
            cancelled.status,
            refused(lambda: client.batches.cancel(second.id)),
            refused(lambda: client.batches.retrieve("batch_1"), openai.NotFoundError),
        ]

    seen, _ = live(use)
    assert seen == [
        True,
        "cancelled",
        "Cannot cancel a batch with status 'completed'.",
        "No such Batch object: batch_1",
    ]


def test_batch_needs_a_file_for_batches():
    """One that exists."""

    def use(client):
        file = client.files.create(file=("a", b"x"), purpose="evals")
        window = {"endpoint": "/v1/responses", "completion_window": "24h"}
        return [
            refused(lambda: client.batches.create(input_file_id=file.id, **window)),
            refused(
                lambda: client.batches.create(input_file_id="file-1", **window),
                openai.NotFoundError,
            ),
        ]

    messages, _ = live(use)
    assert messages == [
        "Invalid file purpose: expected 'batch'.",
        "No such File object: file-1",
    ]
