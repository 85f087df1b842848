"""What becomes of models, and what they can do, through the SDKs and a whole world behind them."""

import anthropic
import openai
import pytest

from lived_clients import lived

HI = [{"role": "user", "content": "Why did the deploy fail?"}]


def live(maker, use, script=""):
    """What use of a client inside a run returned."""
    return lived(maker, use, script)[0]


def gone(action, error):
    with pytest.raises(error) as caught:
        action()
    return caught.value.body


def claude(client, model):
    return client.beta.messages.create(model=model, max_tokens=50, messages=HI)


def chat(client, model):
    return client.chat.completions.create(model=model, messages=HI)


def respond(client, model):
    return client.responses.create(model=model, input=HI)


@pytest.mark.wire("anthropic.models.lifecycle")
def test_models_of_claude_have_a_lifecycle():
    """A deprecated model works and says until when; a retired one is known, and not found."""

    def use(client):
        found = [
            client.models.retrieve(name)
            for name in ("claude-opus-5", "claude-haiku-4-5", "claude-mythos-preview")
        ]
        listed = {model.id: model.lifecycle for model in client.models.list()}
        body = gone(lambda: claude(client, "claude-3-5-haiku-20241022"), anthropic.NotFoundError)
        counted = gone(
            lambda: client.messages.count_tokens(model="claude-opus-4-20250514", messages=HI),
            anthropic.NotFoundError,
        )
        return found, listed, client.models.retrieve("claude-sonnet-4-5"), body, counted

    (active, other, retired), listed, deprecated, body, counted = live(anthropic.Anthropic, use)
    assert (active.lifecycle, active.deprecated_at, active.retires_at) == ("active", None, None)
    assert other.lifecycle == "active"
    assert (deprecated.lifecycle, retired.lifecycle) == ("deprecated", "retired")
    assert str(deprecated.retires_at.date()) == "2026-11-30"
    assert deprecated.deprecated_at < deprecated.retires_at
    assert listed["claude-sonnet-4-5-20250929"] == "deprecated"
    assert body["error"] == {
        "type": "not_found_error",
        "message": "model: claude-3-5-haiku-20241022",
    }
    assert counted["error"]["message"] == "model: claude-opus-4-20250514"


@pytest.mark.wire("anthropic.models.lifecycle")
@pytest.mark.parametrize("name", ["claude-sonnet-4-0", "claude-2.1", "claude-instant-1.2"])
def test_names_of_models_that_are_long_gone_are_not_found(name):
    """Undated ones, too."""
    body = live(
        anthropic.Anthropic,
        lambda client: gone(lambda: claude(client, name), anthropic.NotFoundError),
    )
    assert body["error"]["message"] == f"model: {name}"


@pytest.mark.wire("openai.models.retired")
@pytest.mark.parametrize("ask", [chat, respond])
def test_retired_model_of_openai_says_so(ask):
    """Unlike one that never was."""
    body = live(
        openai.OpenAI, lambda client: gone(lambda: ask(client, "o1-mini"), openai.NotFoundError)
    )
    assert body == {
        "message": "The model `o1-mini` has been deprecated, learn more here: "
        "https://platform.openai.com/docs/deprecations",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }


@pytest.mark.wire("engine.models.retired")
@pytest.mark.parametrize("how", ["setting", "fault"])
@pytest.mark.parametrize(
    ("maker", "ask", "model", "words"),
    [
        (anthropic.Anthropic, claude, "claude-opus-5", "model: claude-opus-5"),
        (openai.OpenAI, chat, "gpt-4.1", "The model `gpt-4.1` has been deprecated"),
        (openai.OpenAI, respond, "gpt-4.1", "The model `gpt-4.1` has been deprecated"),
    ],
)
def test_any_model_can_be_retired(how, maker, ask, model, words):
    """From the beginning by a setting, or from some moment on by a fault."""
    script = f'[provider.per_model."{model}"]\nlifecycle = "retired"\n'
    if how == "fault":
        script = '[[faults]]\nfault = "retired_model"\nwhen = { calls = "2-" }\n'

    def use(client):
        if how == "fault":
            assert ask(client, model)
        error = anthropic.NotFoundError if ask is claude else openai.NotFoundError
        body = gone(lambda: ask(client, model), error)
        return body.get("error", body)["message"]

    assert live(maker, use, script).startswith(words)


@pytest.mark.wire("anthropic.tools.unsupported")
def test_tools_of_the_vendor_that_the_model_lacks_are_refused():
    """By their types; an older version of the same tool may do."""

    def use(client):
        def ask(model, kind):
            tool = {"type": kind, "name": "web_search"}
            return client.messages.create(model=model, max_tokens=50, messages=HI, tools=[tool])

        assert ask("claude-opus-4-6", "web_search_20260209").content
        assert ask("claude-haiku-4-5", "web_search_20250305").content
        return gone(
            lambda: ask("claude-haiku-4-5", "web_search_20260209"), anthropic.BadRequestError
        )

    assert live(anthropic.Anthropic, use)["error"]["message"] == (
        "'claude-haiku-4-5' does not support tool types: web_search_20260209."
    )
