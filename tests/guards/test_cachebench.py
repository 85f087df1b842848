"""The cache benchmark: hits over all prompt tokens, in every vendor's words."""

from types import SimpleNamespace

import pytest

from chaoskit_guards.cachebench import CacheBenchmark
from chaoskit_guards.completion import Completion, Usage
from chaoskit_guards.usage import PromptUsage, read_usage


def test_nothing_is_zero():
    """Never NaN."""
    bench = CacheBenchmark()
    assert (bench.hit_ratio(), bench.request_hit_rate(), bench.net_savings_tokens()) == (
        0.0,
        0.0,
        0.0,
    )


def test_the_ratio_is_over_all_prompt_tokens():
    """A tenth read is ten percent, and a write is a miss."""
    bench = CacheBenchmark()
    bench.record(cache_read_tokens=1_000, input_tokens=9_000)
    assert bench.hit_ratio() == 0.1
    bench.record(cache_creation_tokens=10_000)
    assert (bench.hit_ratio(), bench.request_hit_rate()) == (0.05, 0.5)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {"input_tokens": 5, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5},
            (90, 5, 5),
        ),
        ({"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 64}}, (64, 0, 36)),
        (
            {
                "input_tokens": 100,
                "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 6},
            },
            (64, 6, 30),
        ),
        (
            {"inputTokens": 5, "cacheReadInputTokens": 90, "cacheWriteInputTokens": 5},
            (90, 5, 5),
        ),
        ({"promptTokenCount": 100, "cachedContentTokenCount": 60}, (60, 0, 40)),
        ({"prompt_token_count": 100, "cached_content_token_count": None}, (0, 0, 100)),
        ({"prompt_tokens": 100, "prompt_cache_hit_tokens": 60}, (60, 0, 40)),
        ({"input_tokens": 5, "cache_read_tokens": 90, "cache_write_tokens": 5}, (90, 5, 5)),
        ({"input_tokens": 7, "cache_read_input_tokens": None}, (0, 0, 7)),
    ],
)
def test_every_vendor_is_understood(usage, expected):
    """Cached tokens stand beside the input or within it."""
    read, written, fresh = expected
    wanted = PromptUsage(read=read, written=written, fresh=fresh)
    assert [wanted] * 3 == [
        read_usage(usage),
        read_usage({"usage": usage}),
        read_usage(SimpleNamespace(usage=SimpleNamespace(**usage))),
    ]


def test_a_response_of_gemini_is_understood():
    """As JSON and as an object of its SDK; its cached tokens are within the prompt."""
    wire = {"usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 60}}
    sdk = SimpleNamespace(
        usage_metadata=SimpleNamespace(prompt_token_count=100, cached_content_token_count=60)
    )
    for response in (wire, sdk):
        bench = CacheBenchmark()
        bench.record_response(response)
        assert bench.hit_ratio() == 0.6


def test_what_a_router_answers_is_understood():
    """Its counts have names of their own."""
    usage = Usage(input_tokens=5, cache_read_tokens=90, cache_write_tokens=5)
    bench = CacheBenchmark()
    bench.record_response(Completion(content=[], stop_reason="end_turn", usage=usage))
    assert bench.hit_ratio() == 0.9


def test_writes_for_an_hour_cost_what_they_cost():
    """Twice an input token, not one and a quarter."""
    bench = CacheBenchmark(model="claude-sonnet-4-6")
    kept = {"ephemeral_5m_input_tokens": 40, "ephemeral_1h_input_tokens": 60}
    usage = {"input_tokens": 0, "cache_creation_input_tokens": 100, "cache_creation": kept}
    bench.record_response({"usage": usage})
    assert bench.net_savings_tokens() == pytest.approx(-(0.25 * 40 + 1.0 * 60))


def test_a_hook_that_fails_stops_nothing(caplog):
    """The numbers are counted, the failure is in the log."""

    def broken(regression):
        raise RuntimeError("pager is down")

    bench = CacheBenchmark(recent=1, on_regression=broken)
    bench.record(cache_read_tokens=100)
    bench.record(input_tokens=100)
    assert bench.hit_ratio() == 0.5
    assert "pager is down" in caplog.text


def test_a_response_without_usage_is_refused():
    """It is not a miss, it is nothing."""
    with pytest.raises(ValueError, match="no usage"):
        CacheBenchmark().record_response({"id": "x"})


def test_savings_are_net_of_the_write_premium():
    """A cache that is only written costs money."""
    bench = CacheBenchmark(model="claude-sonnet-4-6", input_usd_per_million=3.0)
    bench.record(cache_creation_tokens=1_000_000)
    assert pytest.approx(bench.net_savings_usd()) == -0.75
    bench.record(cache_read_tokens=1_000_000)
    assert pytest.approx(bench.net_savings_usd()) == 1.95


def test_a_fall_is_told_once_with_the_first_differing_byte():
    """The prompt got a clock, and every request misses."""
    heard = []
    bench = CacheBenchmark(recent=5, on_regression=heard.append)
    for _ in range(10):
        bench.record(cache_read_tokens=9_000, input_tokens=500, prefix="It is a fine day.")
    for n in range(6):
        bench.record(input_tokens=9_500, prefix=f"It is 10:0{n} on a fine day.")
    assert len(heard) == 1
    assert (heard[0].after < heard[0].before, heard[0].diff.part) == (True, "system")
    assert "10:0" in str(bench.why_missed())


def test_a_lost_mark_is_a_regression_too():
    """Nothing read, nothing written, all of it paid in full."""
    bench = CacheBenchmark(recent=4)
    for _ in range(8):
        bench.record(cache_read_tokens=9_000, input_tokens=10)
    assert bench.regression() is None
    for _ in range(4):
        bench.record(input_tokens=9_010)
    assert 0.0 == bench.recent_hit_ratio() == bench.regression().after


def test_negative_counts_are_refused():
    """They would make the ratio a lie."""
    with pytest.raises(ValueError, match="negative"):
        CacheBenchmark().record(cache_read_tokens=-1)


def test_an_alert_that_fails_costs_no_record(caplog):
    """The answer that is counted has been paid for."""

    def broken(_regression):
        raise LookupError

    bench = CacheBenchmark(recent=2, on_regression=broken)
    for read, fresh in [(100, 1)] * 9 + [(0, 100)] * 9:
        bench.record(cache_read_tokens=read, input_tokens=fresh)

    assert "on_regression failed" in caplog.text
    assert bench.request_hit_rate() == 0.5
