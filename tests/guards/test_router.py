"""Who is asked, who is left alone, and what comes back; through the real SDKs."""

import asyncio
import pickle
import sys

import anthropic
import httpx2
import openai
import pytest

from chaoskit_guards.completion import Usage
from chaoskit_guards.errors import AllProvidersFailed
from chaoskit_guards.router import FallbackRouter, ProviderConfig, Rules
from two_providers import ASK, CHAT, MESSAGE, OVERLOADED, asked


def test_the_first_provider_answers_with_text_that_knows_its_story(world):
    """A str with provider, usage and attempts."""
    text = world.router().call(messages=ASK, max_tokens=512)
    assert text == "from claude"
    assert isinstance(text, str)
    assert text.provider == "anthropic"
    assert text.usage == Usage(input_tokens=7, output_tokens=3, cache_read_tokens=5)
    assert [attempt.outcome for attempt in text.attempts] == ["answered"]
    assert pickle.loads(pickle.dumps(text)).provider == "anthropic"
    assert world.requests["anthropic"][0]["max_tokens"] == 512


@pytest.mark.parametrize(
    "failure",
    [
        (500, {}),
        (503, {}),
        (529, OVERLOADED),
        (408, {}),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("cut"),
        (401, {}),
        (403, {}),
        (404, {}),
        (429, {}),
        (429, {}, {"retry-after": "600"}),
        (200, "<html>gateway</html>", {"content-type": "text/html"}),
        RuntimeError("who knows"),
    ],
)
def test_the_second_provider_answers_when_the_first_cannot(world, failure):
    """Whatever the reason on its side."""
    world.answers["anthropic"] = [failure]
    text = world.router().call(messages=ASK, max_tokens=512)
    assert (text, text.provider) == ("from gpt", "openai")
    assert text.usage == Usage(input_tokens=6, output_tokens=2, cache_read_tokens=4)
    assert asked(world) == ["anthropic", "openai"]
    assert world.clock.sleeps == []


def test_a_dead_primary_is_probed_and_not_hammered_and_comes_back(world):
    """Forty-five minutes of outage, a request every fifteen seconds."""
    router = world.router()
    world.answers["anthropic"] = [(529, OVERLOADED)]
    for _ in range(45 * 4):
        assert router.call(messages=ASK).provider == "openai"
        world.clock.advance(15)
    during = asked(world).count("anthropic")
    assert 5 + 45 * 60 / 135 <= during <= 5 + 45 * 60 / 30
    world.answers["anthropic"] = [(200, MESSAGE)]
    world.clock.advance(120)
    assert router.call(messages=ASK).provider == "anthropic"


@pytest.mark.parametrize(
    "failure", [(400, {"type": "error", "error": {"type": "invalid_request_error"}}), (422, {})]
)
def test_a_bad_request_is_nobody_elses_business(world, failure):
    """It is raised as it is, and the provider is not blamed."""
    router = world.router()
    world.answers["anthropic"] = [failure]
    for _ in range(9):
        with pytest.raises(anthropic.APIStatusError):
            router.call(messages=ASK)
    assert set(asked(world)) == {"anthropic"}
    assert router.breakers()["anthropic"].state == "closed"


def test_a_short_retry_after_is_waited_for(world):
    """The cheaper way, and never too early."""
    world.answers["anthropic"] = [(429, {}, {"retry-after": "1"}), (200, MESSAGE)]
    text = world.router().call(messages=ASK)
    assert text.provider == "anthropic"
    assert 1 <= world.clock.sleeps[0] < 1.5
    assert len(world.clock.sleeps) == 1


def test_a_limited_provider_rests_as_long_as_it_asks_for_all_requests(world):
    """The next request does not ask it either."""
    router = world.router()
    world.answers["anthropic"] = [(429, {}, {"retry-after": "40"}), (200, MESSAGE)]
    router.call(messages=ASK)
    world.clock.advance(39)
    assert router.call(messages=ASK).provider == "openai"
    world.clock.advance(1)
    assert router.call(messages=ASK).provider == "anthropic"
    assert asked(world) == ["anthropic", "openai", "openai", "anthropic"]


def test_when_nobody_else_is_left_a_limited_provider_is_waited_for(world):
    """Longer than one would with an alternative."""
    world.answers["anthropic"] = [(429, {}, {"retry-after": "9"}), (200, MESSAGE)]
    world.answers["openai"] = [(500, {})]
    assert world.router().call(messages=ASK).provider == "anthropic"
    assert 9 <= world.clock.sleeps[0] <= 12


def test_refused_credentials_take_a_provider_out_until_it_is_reinstated(world):
    """Asking again with the same key is of no use."""
    router = world.router()
    world.answers["anthropic"] = [(401, {}), (200, MESSAGE)]
    router.call(messages=ASK)
    world.clock.advance(500)
    assert router.call(messages=ASK).provider == "openai"
    router.reinstate("anthropic")
    assert router.call(messages=ASK).provider == "anthropic"
    with pytest.raises(ValueError):
        router.reinstate("nobody")


def test_an_overflow_goes_to_a_larger_window_only_and_cools_nobody(world):
    """A smaller one would refuse it too."""
    overflow = (400, {"type": "error", "error": {"message": "prompt is too long: 9 tokens > 8"}})
    world.answers["anthropic"] = [overflow]
    router = world.router(
        primary={"context_window": 200_000}, secondary={"context_window": 400_000}
    )
    assert router.call(messages=ASK).provider == "openai"
    assert router.breakers()["anthropic"].state == "closed"
    smaller = world.router(
        primary={"context_window": 200_000}, secondary={"context_window": 100_000}
    )
    with pytest.raises(anthropic.BadRequestError):
        smaller.call(messages=ASK)
    assert asked(world) == ["anthropic", "openai", "anthropic"]


def test_what_does_not_fit_is_not_asked(world):
    """Where tokens can be counted before."""
    router = world.router(
        primary={"context_window": 1000},
        secondary={"context_window": 9000},
        count_tokens=lambda messages: 800,
    )
    assert router.call(messages=ASK, max_tokens=512).provider == "openai"
    with pytest.raises(AllProvidersFailed, match="does not fit"):
        router.call(messages=ASK, max_tokens=8500)


def test_when_all_fail_the_error_names_each_and_why_and_when(world):
    """In a text without anything of the request or the answers."""
    world.answers = {
        "anthropic": [(429, {"error": {"message": "secret"}}, {"retry-after": "50"})],
        "openai": [(503, {"error": {"message": "secret"}})],
    }
    router = world.router()
    with pytest.raises(AllProvidersFailed) as caught:
        router.call(messages=ASK)
    error = caught.value
    assert str(error) == (
        "no provider answered (anthropic: rate limited (429); openai: overloaded (503)); "
        "try again in 50.0 s"
    )
    assert isinstance(error.__cause__, openai.InternalServerError)
    assert pickle.loads(pickle.dumps(error)).retry_after == 50
    with pytest.raises(AllProvidersFailed, match="left out by the caller"):
        router.call(messages=ASK, skip_providers=["anthropic", "openai"])


def test_skipped_providers_are_not_asked(world):
    """As the seventh day asks for it."""
    router = world.router()
    assert router.call(messages=ASK, skip_providers=["anthropic"]).provider == "openai"
    assert asked(world) == ["openai"]
    for wrong in (["antropic"], "anthropic"):
        with pytest.raises(ValueError):
            router.call(messages=ASK, skip_providers=wrong)


def test_the_retries_of_the_sdk_are_switched_off(world):
    """One request, one attempt."""
    world.answers = {"anthropic": [(500, {})], "openai": [(500, {})]}
    with pytest.raises(AllProvidersFailed):
        world.router().call(messages=ASK)
    assert asked(world) == ["anthropic", "openai"]


def test_default_clients_come_from_the_installed_sdks(monkeypatch, world):
    """Imported when they are needed, and a missing one is no reason to fail."""
    made, client = [], world.clients()[0]

    def make(**settings):
        made.append(settings)
        return client

    monkeypatch.setattr(anthropic, "Anthropic", make)
    monkeypatch.setitem(sys.modules, "openai", None)
    providers = [
        ProviderConfig(name="openai", model="gpt-5.4", priority=1),
        ProviderConfig(name="anthropic", model="claude-sonnet-4-6", priority=2),
    ]
    text = FallbackRouter(providers=providers, clock=world.clock).call(messages=ASK)
    assert text.provider == "anthropic"
    assert text.attempts[0].detail == "the package openai is not installed"
    assert made == [{"max_retries": 0}]


@pytest.mark.parametrize("first", ["anthropic", "openai"])
def test_a_provider_without_credentials_is_passed_over(monkeypatch, clock, first):
    """With a word about it."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    router = FallbackRouter(
        [
            ProviderConfig(name=first, model="x"),
            ProviderConfig(name="b", model="x", priority=2, call=lambda **request: "hello"),
        ],
        clock=clock,
    )
    text = router.call(ASK)
    assert text == "hello"
    assert ("credentials" in text.attempts[0].detail) or ("set up" in text.attempts[0].detail)


def test_a_tool_loop_goes_on_at_the_other_provider(world):
    """Calls and results are said in its words, and its answer in ours."""
    call = {
        "id": "call_9",
        "type": "function",
        "function": {"name": "search", "arguments": '{"q": "y"}'},
    }
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    world.answers["anthropic"] = [(529, OVERLOADED)]
    world.answers["openai"] = [
        (
            200,
            {**CHAT, "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]},
        )
    ]
    tools = [{"name": "search", "description": "Find.", "input_schema": {"type": "object"}}]
    history = [
        *ASK,
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"q": "x"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": "none",
                    "is_error": True,
                }
            ],
        },
    ]
    completion = world.router().complete(
        messages=history,
        system="Be brief.",
        tools=tools,
        max_tokens=64,
        tool_choice={"type": "any"},
    )
    assert completion.stop_reason == "tool_use"
    assert completion.tool_calls == [
        {"type": "tool_use", "id": "call_9", "name": "search", "input": {"q": "y"}}
    ]
    sent = world.requests["openai"][0]
    assert [turn["role"] for turn in sent["messages"]] == ["system", "user", "assistant", "tool"]
    assert sent["messages"][3] == {
        "role": "tool",
        "tool_call_id": "toolu_1",
        "content": "Error: none",
    }
    assert sent["tool_choice"] == "required"
    assert sent["max_completion_tokens"] == 64
    assert world.requests["anthropic"][0]["messages"] == history


def test_what_cannot_be_translated_passes_the_other_provider_over(world):
    """And the caller learns what it was."""
    world.answers["anthropic"] = [(529, OVERLOADED)]
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    with pytest.raises(AllProvidersFailed, match="web_search"):
        world.router().complete(ASK, tools=tools)


def test_a_failing_listener_does_not_destroy_an_answer(world, caplog):
    """It has been paid for."""

    def broken(event):
        raise RuntimeError("observer")

    assert world.router(listener=broken).call(messages=ASK) == "from claude"


def test_every_attempt_is_told(world):
    """With names and numbers only."""
    told = []
    world.answers["anthropic"] = [(529, OVERLOADED)]
    world.router(listener=told.append).call(messages=ASK)
    assert [(e.values["provider"], e.values["outcome"]) for e in told if e.kind == "attempt"] == [
        ("anthropic", "overloaded"),
        ("openai", "answered"),
    ]


def test_async_calls_use_async_clients_and_the_same_rules(world):
    """Also in a second event loop."""
    router = world.router(asynchronous=True)
    world.answers["anthropic"] = [(529, OVERLOADED), (200, MESSAGE)]
    assert asyncio.run(router.acall(messages=ASK)).provider == "openai"
    assert asyncio.run(router.acomplete(messages=ASK)).provider == "anthropic"
    with pytest.raises(TypeError, match="acall"):
        router.call(messages=ASK)


def test_async_calls_ask_a_sync_client_in_a_thread(world):
    """Rather than block the loop."""
    assert asyncio.run(world.router().acall(messages=ASK)) == "from claude"


def test_rules_are_the_users(world):
    """No patience, no waiting."""
    world.answers["anthropic"] = [(429, {}, {"retry-after": "1"}), (200, MESSAGE)]
    router = world.router(rules=Rules(patience=0))
    assert router.call(messages=ASK).provider == "openai"
