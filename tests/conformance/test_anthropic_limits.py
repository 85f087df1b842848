"""Rate limits of the Claude API and how its headers tell them, through the SDK."""

from functools import partial

import anthropic
import pytest

from lived_clients import answered

HI = [{"role": "user", "content": "Why did the deploy fail?"}]
FAST = {"speed": "fast", "betas": ["fast-mode-2026-02-01"]}
live = partial(answered, anthropic.Anthropic)


def ask(client, model="claude-opus-4-8", **more):
    """The answer with the headers that tell of limits, by what they are of."""
    raw = client.beta.messages.with_raw_response.create(
        model=model, max_tokens=50, messages=HI, **more
    )
    told = {name: value for name, value in raw.headers.items() if name.endswith("-limit")}
    return raw.parse(), told, raw.headers


@pytest.mark.wire("anthropic.limits.fast")
def test_fast_requests_have_limits_of_their_own():
    """With headers of their own; and the answer comes two and a half times as fast."""
    script = """
    [provider.latency]
    first_token = 0
    [provider.anthropic.fast_limits]
    input_tokens_per_minute = 20
    output_tokens_per_minute = 10_000
    """

    def use(client):
        usual = ask(client)
        fast = ask(client, **FAST)
        with pytest.raises(anthropic.RateLimitError) as caught:
            ask(client, **FAST)
        return usual, fast, caught.value, ask(client)

    (usual, fast, refused, again), _ = live(use, script)
    assert "anthropic-ratelimit-input-tokens-limit" in usual[1]
    assert not any("fast" in name for name in usual[1])
    assert fast[0].usage.speed == "fast"
    assert fast[1]["anthropic-fast-input-tokens-limit"] == "20"
    assert fast[1]["anthropic-fast-output-tokens-limit"] == "10000"
    assert fast[2]["anthropic-fast-input-tokens-reset"].endswith("Z")
    assert "20 input tokens per minute" in refused.message
    assert int(refused.response.headers["retry-after"]) > 0
    assert refused.response.headers["anthropic-fast-input-tokens-limit"] == "20"
    assert again[0].content


@pytest.mark.wire("anthropic.limits.priority")
def test_priority_tier_lasts_as_long_as_what_was_bought():
    """Then requests are served as ever; whoever does not want it does not use it up."""
    script = """
    [provider.anthropic]
    priority_limits = { input_tokens_per_minute = 40, output_tokens_per_minute = 4_000 }
    """

    def use(client):
        spared = ask(client, service_tier="standard_only")
        found = [ask(client, service_tier="auto") for _ in range(3)]
        return spared, found

    (spared, found), _ = live(use, script)
    assert spared[0].usage.service_tier == "standard"
    assert [made.usage.service_tier for made, _, _ in found] == ["priority", "priority", "standard"]
    for _, told, _ in found:
        assert told["anthropic-priority-input-tokens-limit"] == "40"
        assert told["anthropic-priority-output-tokens-limit"] == "4000"
        assert "anthropic-ratelimit-input-tokens-limit" in told
    (plain, told, _), _ = live(ask)
    assert plain.usage.service_tier == "standard"
    assert not any("priority" in name for name in told)


@pytest.mark.wire("anthropic.geo")
def test_inference_in_one_region_costs_more():
    """And the usage names the region."""

    def use(client):
        return ask(client)[0], ask(client, inference_geo="us")[0]

    (usual, american), (whole, tenth_more) = live(use)
    assert (usual.usage.inference_geo, american.usage.inference_geo) == ("global", "us")
    assert tenth_more.cost_usd == pytest.approx(1.1 * whole.cost_usd)


@pytest.mark.wire("anthropic.limits.classes")
def test_largest_models_have_lower_limits():
    """Unless the scenario says otherwise."""
    name = "anthropic-ratelimit-{}-tokens-limit"

    def use(client):
        return [ask(client, model)[1] for model in ("claude-opus-5", "claude-fable-5")]

    found, _ = live(use)
    assert [(told[name.format("input")], told[name.format("output")]) for told in found] == [
        ("2000000", "400000"),
        ("500000", "100000"),
    ]
    limited, _ = live(use, "[provider.limits]\ninput_tokens_per_minute = 1_000\n")
    assert [told[name.format("input")] for told in limited] == ["1000", "1000"]


@pytest.mark.wire("anthropic.limits.counting")
def test_counting_has_a_limit_of_its_own():
    """Whoever counts before each call reaches it while calls still pass."""

    def use(client):
        def count():
            return client.messages.count_tokens(model="claude-opus-4-8", messages=HI)

        for _ in range(2):
            count()
        with pytest.raises(anthropic.RateLimitError) as caught:
            count()
        return ask(client)[0], caught.value

    (made, refused), _ = live(use, "[provider.limits]\ncounts_per_minute = 2\n")
    assert made.content
    assert "rate limit of 2 requests per minute" in refused.message
    assert int(refused.response.headers["retry-after"]) > 0
