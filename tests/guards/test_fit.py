"""The fit report: every part on its own line, and a verdict with its band."""

import asyncio

import pytest

from chaoskit_guards.fit import FitReport
from chaoskit_guards.models import facts_of
from chaoskit_guards.tokens import TokenCounter, count_tokens
from chaoskit_guards.tokens_exact import CachedCounts

TASK = [{"role": "user", "content": "why did the deploy fail?"}]
TOOLS = [{"name": "look", "input_schema": {"type": "object"}}]


def test_the_parts_add_up():
    """System, tools and messages are the tokens."""
    report = FitReport(TASK, "claude-sonnet-4-6", system="be brief", tools=TOOLS)
    parts = (count_tokens("be brief"), count_tokens(TOOLS), count_tokens(TASK))
    assert parts == (report.system, report.tools, report.messages)
    assert sum(parts) == report.tokens == count_tokens("be brief") + sum(parts[1:])


def test_system_messages_inside_count_as_system():
    """Chat Completions carry the system prompt as a message."""
    report = FitReport([{"role": "system", "content": "be brief"}, *TASK])
    assert (report.per_message[0], report.per_message[1]) == (report.system, report.messages)


def test_block_messages_are_not_empty():
    """A long text in a block is as long as the text."""
    long = "word " * 5_000
    report = FitReport([{"role": "user", "content": [{"type": "text", "text": long}]}])
    assert report.tokens >= count_tokens(long)


@pytest.mark.parametrize(
    ("window", "verdict"),
    [(1_000_000, "fits"), (5_500, "tight"), (4_000, "over"), (None, "unknown")],
)
def test_the_verdict_knows_its_error(window, verdict):
    """Between the estimate and its upper end it is tight."""
    report = FitReport([{"role": "user", "content": "word " * 5_000}], context_window=window)
    assert (verdict, verdict in ("fits", "tight")) == (report.verdict, report.fits)


def test_the_answer_takes_room():
    """Reserved output counts against the window."""
    report = FitReport(TASK, context_window=1_000, max_output_tokens=995)
    assert ("over", 1_000 - 995 - report.tokens) == (report.verdict, report.headroom)
    assert "largest is message 0" in str(report)


def test_images_have_their_own_line():
    """What pictures cost is shown."""
    image = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    report = FitReport([{"role": "user", "content": [image]}])
    assert 0 < report.images < report.messages


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("claude-sonnet-4-6", 1_000_000),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 200_000),
        ("openai/gpt-4o-2024-08-06", 128_000),
        ("something-else", None),
    ],
)
def test_windows_are_data(model, window):
    """Dates and regional names find their model; the unknown is unknown."""
    assert window == facts_of(model).context_window


CALL = {"type": "tool_use", "id": "t1", "name": "look", "input": {"query": "deploy " * 30}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "failed " * 200}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}
MIXED = [
    {"role": "user", "content": [{"type": "text", "text": "look at this " * 20}, IMAGE]},
    {"role": "assistant", "content": [CALL]},
    {"role": "user", "content": [RESULT]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}" * 40}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "nothing " * 50},
    {"type": "function_call_output", "call_id": "c2", "output": "nothing " * 50},
    {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"q": "deploy " * 9}}}]},
]


def test_each_block_is_a_part():
    """The parts of a message are the message, whatever its shape."""
    report = FitReport(MIXED)
    for at, tokens in enumerate(report.per_message):
        assert tokens == sum(part.tokens for part in report.parts if part.message == at)
    assert sum(report.by_kind.values()) == report.messages
    found = {(part.message, part.kind) for part in report.parts if part.tokens > 25}
    assert found == {
        (0, "text"),
        (0, "image"),
        (1, "tool_use"),
        (2, "tool_result"),
        (3, "tool_use"),
        (4, "tool_result"),
        (5, "tool_result"),
    }
    assert next(iter(report.by_kind)) == "image"


def test_the_model_decides_how_many_tokens_a_text_is():
    """From Claude 4.7 on the same text is a third more; its pictures may be larger."""
    old, new = (FitReport(MIXED, f"claude-opus-{n}") for n in ("4-6", "4-8"))
    assert new.tokens - new.images > 1.2 * (old.tokens - old.images)
    assert new.images > 2 * old.images


def test_a_prompt_can_be_too_long_for_a_window_that_it_fits():
    """GPT-5 takes 272,000 tokens in and has a window of 400,000."""
    report = FitReport([{"role": "user", "content": "word " * 300_000}], "gpt-5")
    assert report.tokens < report.window
    assert report.verdict == "over"
    assert report.headroom == 272_000 - report.tokens


def test_the_vendors_count_is_the_count():
    """With its keywords, once for the same request, and without a band."""
    asked = []

    def endpoint(**request):
        asked.append(request)
        return {"input_tokens": 995}

    counts = CachedCounts(endpoint)
    for _ in range(3):
        report = FitReport(TASK, "m", system="s", request_counter=counts, context_window=1_000)
        assert (report.tokens, report.verdict, report.exact) == (995, "fits", True)
    assert asked == [{"model": "m", "messages": TASK, "system": "s"}]
    assert "counted by the vendor" in str(report)


@pytest.mark.parametrize("answer", [TimeoutError("secret"), "many", {"input_tokens": -1}])
def test_an_endpoint_that_fails_leaves_the_estimate(answer):
    """The report says that it was asked, and not what it said."""

    def endpoint(**_):
        if isinstance(answer, Exception):
            raise answer
        return answer

    report = FitReport(TASK, request_counter=CachedCounts(endpoint))
    assert report.tokens == count_tokens(TASK)
    assert (report.exact, report.exact_error) in ((False, "TimeoutError"), (False, "ValueError"))
    assert report.error_band > 0


def test_an_async_endpoint_is_asked_before():
    """What was awaited is found."""

    class Answer:
        total_tokens = 77

    async def endpoint(**_):
        return Answer()

    counts = CachedCounts(endpoint)
    assert FitReport(TASK, "m", request_counter=counts).exact_error == "TypeError"
    assert asyncio.run(counts.acount(messages=TASK, model="m")) == 77
    assert FitReport(TASK, "m", request_counter=counts).tokens == 77


def test_the_oldest_count_is_forgotten():
    """The memory is bounded."""
    asked = []
    counts = CachedCounts(lambda **request: asked.append(request) or 1, keep=2)
    for n in (1, 2, 3, 1):
        counts(messages=n)
    assert [request["messages"] for request in asked] == [1, 2, 3, 1]


def test_what_a_cache_can_serve_is_told():
    """The messages that are those of the request before."""
    before = [*TASK, {"role": "assistant", "content": "because"}]
    report = FitReport([*before, *TASK], previous=[*before, {"role": "user", "content": "other"}])
    assert (report.prefix_kept, report.prefix_tokens) == (2, count_tokens(before))


@pytest.mark.parametrize("counter", [TokenCounter(text=len), count_tokens.cautious()])
def test_exact_counts_and_upper_bounds_have_no_band(counter):
    """There is nothing above them."""
    assert FitReport(TASK, "claude-opus-4-8", token_counter=counter).error_band == 0
    assert FitReport(TASK, "claude-opus-4-8").error_band > 0
