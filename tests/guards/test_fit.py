"""The fit report: every part on its own line, and a verdict with its band."""

import pytest

from chaoskit_guards.fit import FitReport
from chaoskit_guards.models import facts_of
from chaoskit_guards.tokens import count_tokens

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
