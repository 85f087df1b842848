"""What the Claude API keeps between requests, through the SDK and a whole world behind it."""

import json
import threading
import time
from functools import partial

import anthropic
import pytest

from chaoskit.journal import Replied
from lived_clients import lived

ASK = {"model": "claude-sonnet-4-6", "max_tokens": 100}
HI = {"role": "user", "content": "Why did the deploy fail?"}
LONG = "A rule of this shop that everybody keeps. " * 400
live = partial(lived, anthropic.Anthropic)


def refused(action, error):
    with pytest.raises(error) as caught:
        action()
    return caught.value


def batch(client, *params):
    requests = [{"custom_id": f"r{at}", "params": given} for at, given in enumerate(params)]
    return client.messages.batches.create(requests=requests)


@pytest.mark.wire("anthropic.batches.results")
def test_batch_is_answered_request_by_request():
    """A bad request fails alone; the usage is that of a batch, the price is half."""

    def use(client):
        made = batch(client, ASK | {"messages": [HI]}, ASK | {"messages": []})
        ended = client.messages.batches.retrieve(made.id)
        lines = {line.custom_id: line.result for line in client.messages.batches.results(made.id)}
        whole = client.messages.create(**ASK, messages=[HI])
        return made, ended, lines, whole

    (made, ended, lines, whole), journal = live(use)
    assert (made.processing_status, made.request_counts.processing) == ("in_progress", 2)
    assert made.id.startswith("msgbatch_01")
    assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 1)
    assert (ended.request_counts.errored, ended.request_counts.processing) == (1, 0)
    assert (ended.expires_at - ended.created_at).days == 1
    good, bad = lines["r0"], lines["r1"]
    assert (good.type, good.message.usage.service_tier) == ("succeeded", "batch")
    assert good.message.content[0].text
    assert (bad.type, bad.error.error.type) == ("errored", "invalid_request_error")
    assert bad.error.error.message == "messages: at least one message is required"
    halved, full = journal.of(Replied)
    assert halved.cost_usd == pytest.approx(full.cost_usd / 2)
    assert full.text == whole.content[0].text


@pytest.mark.wire("anthropic.batches.lifecycle")
def test_batch_is_listed_canceled_and_deleted():
    """Pages go on by id; what has ended cannot be canceled, what has not cannot be deleted."""

    def use(client):
        batches = client.messages.batches
        names = [batch(client, ASK | {"messages": [HI]}).id for _ in range(3)]
        listed = [found.id for found in batches.list(limit=2)]
        early = refused(lambda: batches.delete(names[0]), anthropic.BadRequestError)
        canceling = batches.cancel(names[0])
        ended = batches.retrieve(names[0])
        late = refused(lambda: batches.cancel(names[0]), anthropic.BadRequestError)
        lines = [line.result.type for line in batches.results(names[0])]
        gone = batches.delete(names[0])
        refused(lambda: batches.retrieve(names[0]), anthropic.NotFoundError)
        return names, listed, early, canceling, ended, late, lines, gone

    (names, listed, early, canceling, ended, late, lines, gone), _ = live(use)
    assert listed == names[::-1]
    assert "cannot be deleted" in early.message
    assert canceling.processing_status == "canceling"
    assert canceling.cancel_initiated_at
    assert (ended.processing_status, ended.request_counts.canceled) == ("ended", 1)
    assert "cannot be canceled" in late.message
    assert lines == ["canceled"]
    assert gone.type == "message_batch_deleted"


@pytest.mark.wire("anthropic.batches.form")
@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([], "requests: List should have at least 1 item after validation, not 0"),
        (
            [{"custom_id": "a b", "params": {}}],
            "requests.0.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'",
        ),
        (
            [{"custom_id": "a", "params": {}}] * 2,
            "requests.1.custom_id: custom_id must be unique within a batch: a",
        ),
        (
            [{"custom_id": "a", "params": {"stream": True}}],
            "requests.0.params.stream: streaming is not supported in batches",
        ),
    ],
)
def test_batch_of_the_wrong_form_is_refused(requests, message):
    """As a whole, before any of its requests is looked at."""
    found, _ = live(
        lambda client: refused(
            lambda: client.messages.batches.create(requests=requests), anthropic.BadRequestError
        )
    )
    assert found.body["error"]["message"] == message


@pytest.mark.wire("anthropic.files")
def test_file_is_kept_listed_and_deleted():
    """What was uploaded cannot be read back, only what the model's tools wrote can."""

    def use(client):
        made = client.files.upload(file=("a.txt", b"hello", "text/plain"), expires_in_seconds=3600)
        same = client.files.retrieve_metadata(made.id)
        more = [client.files.upload(file=("b.txt", b"x", "text/plain")).id for _ in range(2)]
        listed = [file.id for file in client.files.list(limit=2)]
        error = refused(lambda: client.files.download(made.id), anthropic.BadRequestError)
        gone = client.files.delete(made.id)
        refused(lambda: client.files.retrieve_metadata(made.id), anthropic.NotFoundError)
        return made, same, more, listed, error, gone

    (made, same, more, listed, error, gone), _ = live(use)
    assert made == same
    assert (made.filename, made.mime_type, made.size_bytes) == ("a.txt", "text/plain", 5)
    assert (made.expires_at - made.created_at).total_seconds() == 3600
    assert listed == [*more[::-1], made.id]
    assert type(error).__name__ == "FileNotDownloadableError"
    assert gone.type == "file_deleted"


THREADS = ["message-threads-2026-08-12"]


def say(client, text, **more):
    said = [{"role": "user", "content": text}]
    return client.beta.messages.create(**ASK, messages=said, betas=THREADS, **more)


def after(message):
    return {"type": "continue", "previous_message_id": message.id}


@pytest.mark.wire("anthropic.threads.continue")
def test_thread_counts_the_whole_conversation():
    """A turn that carries its own message only costs what the whole would have cost."""

    def use(client):
        first = say(client, "One.", system="Be kind.", thread={"type": "create"})
        second = say(client, "Two.", thread=after(first))
        whole = [
            {"role": "user", "content": "One."},
            {"role": "assistant", "content": first.content[0].text},
            {"role": "user", "content": "Two."},
        ]
        return second, client.messages.create(**ASK, system="Be kind.", messages=whole)

    (second, whole), _ = live(use)
    assert second.usage.input_tokens == whole.usage.input_tokens


@pytest.mark.wire("anthropic.threads.errors")
def test_thread_that_cannot_go_on_says_why():
    """By codes on which the SDK's own helper starts anew."""

    def use(client):
        first = say(client, "One.", thread={"type": "create"})
        lost = refused(
            lambda: say(client, "x", thread={"type": "continue", "previous_message_id": "msg_0"}),
            anthropic.NotFoundError,
        )
        say(client, "Two.", thread=after(first))
        twice = refused(lambda: say(client, "x", thread=after(first)), anthropic.BadRequestError)
        other = say(client, "One.", thread={"type": "create"})
        changed = refused(
            lambda: say(client, "x", system="Be rude.", thread=after(other)),
            anthropic.BadRequestError,
        )
        return lost, twice, changed

    errors, _ = live(use)
    assert [type(error).__name__ for error in errors] == [
        "ThreadNotFoundError",
        "ThreadAlreadyContinuedError",
        "ThreadFingerprintMismatchError",
    ]


@pytest.mark.wire("anthropic.threads.expiry")
def test_thread_is_gone_after_five_minutes_without_use():
    """Each turn begins them anew."""

    def use(client):
        first = say(client, "One.", thread={"type": "create"})
        time.sleep(290)
        second = say(client, "Two.", thread=after(first))
        time.sleep(290)
        third = say(client, "Three.", thread=after(second))
        time.sleep(301)
        return refused(lambda: say(client, "x", thread=after(third)), anthropic.NotFoundError)

    error, _ = live(use)
    assert type(error).__name__ == "ThreadNotFoundError"


@pytest.mark.wire("anthropic.threads.in_flight")
def test_thread_is_not_continued_twice_at_once():
    """Whoever comes second hears that the first is still at work, and later that it is done."""

    def use(client):
        first = say(client, "One.", thread={"type": "create"})
        other = threading.Thread(target=say, args=(client, "Two."), kwargs={"thread": after(first)})
        other.start()
        time.sleep(0.2)
        busy = refused(lambda: say(client, "x", thread=after(first)), anthropic.BadRequestError)
        other.join()
        late = refused(lambda: say(client, "x", thread=after(first)), anthropic.BadRequestError)
        return busy, late

    errors, _ = live(use)
    assert [error.body["error"]["details"]["error_code"] for error in errors] == [
        "thread_continue_in_flight",
        "thread_already_continued",
    ]


@pytest.mark.wire("anthropic.threads.helper")
def test_thread_helper_of_the_sdk_sends_what_is_new():
    """Two turns, and the second knows the first."""

    def use(client):
        thread = client.beta.messages.thread(**ASK, system="Be kind.")
        said = [{"role": "user", "content": text} for text in ("One.", "Two.")]
        return [thread.send(message).usage.input_tokens for message in said]

    (first, second), journal = live(use)
    assert second > first
    assert all(event.text for event in journal.of(Replied))


def diagnosed(changes, other):
    """The diagnosis of a request that differs from an earlier one by some changes."""

    def use(client):
        def ask(previous, **more):
            given = {"system": LONG, "messages": [HI], "model": "claude-sonnet-4-6"} | more
            return client.messages.create(
                max_tokens=50, **given, diagnostics={"previous_message_id": previous}
            )

        first = ask(None)
        assert first.diagnostics is None
        previous = "msg_unknown" if other else first.id
        return ask(previous, **changes).diagnostics

    return live(use)[0]


TOOL = {"name": "a", "input_schema": {"type": "object"}}
SAID = {"role": "assistant", "content": "Because."}


@pytest.mark.wire("anthropic.cache.diagnostics")
@pytest.mark.parametrize(
    ("changes", "other", "reason"),
    [
        ({}, False, None),
        ({"messages": [HI, SAID, HI]}, False, None),
        ({"model": "claude-opus-4-6"}, False, "model_changed"),
        ({"tools": [TOOL]}, False, "tools_changed"),
        ({"system": f"Now. {LONG}"}, False, "system_changed"),
        ({"messages": [SAID | {"role": "user"}, HI]}, False, "messages_changed"),
        ({"thinking": {"type": "adaptive"}}, False, "unavailable"),
        ({}, True, "previous_message_not_found"),
    ],
)
def test_diagnosis_names_what_changed(changes, other, reason):
    """Whatever comes first in the prompt; what was only appended changed nothing."""
    found = diagnosed(changes, other)
    if reason is None:
        assert found is None
    else:
        assert found.cache_miss_reason.type == reason
        if reason.endswith("changed"):
            assert found.cache_miss_reason.cache_missed_input_tokens > 0


@pytest.mark.wire("anthropic.thinking.billed")
@pytest.mark.parametrize("stream", [False, True])
def test_thinking_is_billed_and_shown_as_asked(stream):
    """Newer models tell its text to those who ask; its tokens are part of the output."""

    def use(client):
        found = {}
        for model, thinking in (
            ("claude-sonnet-4-6", {"type": "enabled", "budget_tokens": 1024}),
            ("claude-opus-4-8", {"type": "adaptive"}),
            ("claude-fable-5", None),
            ("claude-opus-4-8-", {"type": "adaptive", "display": "summarized"}),
        ):
            given = {"model": model.rstrip("-"), "max_tokens": 2048, "messages": [HI]}
            if thinking:
                given["thinking"] = thinking
            if stream:
                with client.messages.stream(**given) as events:
                    found[model] = events.get_final_message()
            else:
                found[model] = client.messages.create(**given)
        return found

    found, journal = live(use)
    shown = {model: bool(message.content[0].thinking) for model, message in found.items()}
    assert shown == {
        "claude-sonnet-4-6": True,
        "claude-opus-4-8": False,
        "claude-fable-5": False,
        "claude-opus-4-8-": True,
    }
    for message, event in zip(found.values(), journal.of(Replied), strict=True):
        thought, answer = message.content
        assert (thought.type, bool(thought.signature), answer.type) == ("thinking", True, "text")
        details = message.usage.output_tokens_details
        assert 0 < details.thinking_tokens < message.usage.output_tokens == event.output_tokens


@pytest.mark.wire("anthropic.batches.bytes")
def test_results_are_lines_of_json():
    """At the address that the batch names, below whatever base URL the client has."""

    def use(client):
        made = batch(client, ASK | {"messages": [HI]})
        url = client.messages.batches.retrieve(made.id).results_url
        raw = client.messages.batches.with_raw_response.retrieve(made.id)
        return url, made.id, raw.headers["request-id"]

    (url, name, request), _ = live(use)
    assert url == f"https://api.anthropic.com/v1/messages/batches/{name}/results"
    assert json.dumps(request).startswith('"req_01')


@pytest.mark.wire("anthropic.thinking.bound")
def test_thinking_of_some_models_is_bound_to_its_conversation():
    """Whoever cuts the beginning off has to cut the thinking, too; a cache mark may move."""
    marked = {"type": "text", "text": HI["content"], "cache_control": {"type": "ephemeral"}}

    def use(client):
        def ask(*said, model="claude-opus-5-5"):
            return client.messages.create(model=model, max_tokens=900, messages=said)

        first = ask(HI)
        said = first.to_param()
        second = ask({"role": "user", "content": [marked]}, said, HI)
        cut = refused(lambda: ask(SAID | {"role": "user"}, said, HI), anthropic.BadRequestError)
        other = ask(HI, model="claude-fable-5").to_param()
        return second, cut, ask(SAID | {"role": "user"}, other, HI, model="claude-fable-5")

    (second, cut, free), _ = live(use)
    assert second.content[-1].text
    assert free.content[-1].text
    assert cut.body["error"]["message"] == (
        "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a "
        "different conversation."
    )


@pytest.mark.wire("anthropic.cache.citations")
def test_citations_that_are_switched_on_invalidate_the_system_prompt():
    """The tools before it are still read, the system prompt and the messages are not."""
    mark = {"cache_control": {"type": "ephemeral"}}
    tools = [TOOL | {"description": LONG} | mark]
    system = [{"type": "text", "text": LONG} | mark]

    def use(client):
        def read(cited):
            source = {"type": "text", "media_type": "text/plain", "data": "The disk was full."}
            page = {"type": "document", "source": source, "citations": {"enabled": cited}}
            said = [{"role": "user", "content": [page, {"type": "text", "text": "Why?"}]}]
            made = client.messages.create(**ASK, tools=tools, system=system, messages=said)
            return made.usage.cache_read_input_tokens

        return [read(cited) for cited in (False, False, True, True)]

    (cold, warm, toggled, again), _ = live(use)
    assert cold == 0
    assert 0 < toggled < warm
    assert again == warm
