"""The token estimate against counts of a real vocabulary, and everything that is not text."""

import base64
import hashlib
import json
import math
import random
import uuid

import pytest

from chaoskit_guards.media import image_size
from chaoskit_guards.tokens import ERROR_BAND, TokenCounter, count_tokens

PROSE = (
    "The deploy failed because the database migration took longer than the timeout that the "
    "pipeline allows. Nobody noticed until users called. We rolled back, raised the limit and "
    "ran it again at night; it finished after forty minutes without any further trouble."
)
CODE = '''def merge(left: list[int], right: list[int]) -> list[int]:
    """Merge two sorted lists."""
    merged = []
    while left and right:
        source = left if left[0] <= right[0] else right
        merged.append(source.pop(0))
    return merged + left + right
'''
CHINESE = "部署失败是因为数据库迁移的时间超过了流水线允许的超时时间。直到用户打来电话才有人注意到。"
JAPANESE = "データベースの移行がパイプラインの制限時間を超えたため、デプロイは失敗しました。"


def records():
    rng = random.Random(5)
    rows = [
        {
            "id": str(uuid.UUID(int=rng.getrandbits(128))),
            "level": rng.choice(["INFO", "ERROR"]),
            "latency_ms": rng.randrange(2_000),
            "at": f"2026-06-{rng.randrange(10, 28)}T10:{rng.randrange(10, 59)}:00Z",
        }
        for _ in range(12)
    ]
    return json.dumps(rows)


def digests():
    return " ".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(6))


def blob():
    return base64.b64encode(random.Random(9).randbytes(600)).decode()


@pytest.mark.parametrize(
    ("text", "o200k"),
    [
        (PROSE, 47),
        (CODE, 66),
        (records(), 730),
        (digests(), 229),
        (blob(), 542),
        (CHINESE, 29),
        (JAPANESE, 30),
    ],
)
def test_the_estimate_is_within_its_band(text, o200k):
    """Counts of the o200k vocabulary, taken once."""
    assert o200k == pytest.approx(count_tokens(text), rel=ERROR_BAND)


def test_nothing_counts_nothing():
    """The empty text is the only one without tokens."""
    assert (count_tokens(""), count_tokens(None), count_tokens("a")) == (0, 0, 1)


def test_lists_are_the_sum_of_their_messages():
    """Counting is additive."""
    one, two = {"role": "user", "content": PROSE}, {"role": "assistant", "content": CODE}
    assert count_tokens([one, two]) == count_tokens(one) + count_tokens(two)


def test_calls_and_results_count_in_every_shape():
    """A call costs its name and arguments, a result its content, whatever the vendor calls them."""
    body = {"query": PROSE}
    shapes = [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "s", "input": body}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "t1",
                    "type": "function",
                    "function": {"name": "s", "arguments": json.dumps(body)},
                }
            ],
        },
        {"type": "function_call", "call_id": "t1", "name": "s", "arguments": json.dumps(body)},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": PROSE}],
        },
        {"role": "tool", "tool_call_id": "t1", "content": PROSE},
        {"type": "function_call_output", "call_id": "t1", "output": PROSE},
    ]
    base = count_tokens(PROSE)
    assert [base < count_tokens(shape) < base + 30 for shape in shapes] == [True] * 6


def test_tools_count_by_their_schema():
    """A large schema costs more than a small one, in either vendor's words."""
    schema = {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(40)}}
    small = {"name": "s", "input_schema": {"type": "object"}}
    ours = {"name": "s", "input_schema": schema}
    theirs = {"type": "function", "function": {"name": "s", "parameters": schema}}
    assert count_tokens(small) < 40 < 300 < min(count_tokens(ours), count_tokens([theirs]))


def png(width, height):
    head = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR"
    return head + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0" * 3


def jpeg(width, height):
    sizes = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\0" * 10 + b"\xff\xc0\x00\x11\x08" + sizes + b"\3" * 9
    )


def gif(width, height):
    return b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little")


@pytest.mark.parametrize("make", [png, jpeg, gif])
def test_sizes_are_read_from_headers(make):
    """Dimensions come from the first bytes of the file."""
    assert image_size(make(640, 480)) == (640, 480)


def test_images_cost_by_their_dimensions():
    """Neither the base64 nor a flat price."""
    data = base64.b64encode(png(300, 250) + b"\0" * 40_000).decode()
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    openai = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    low = {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}
    assert [count_tokens(block), count_tokens(openai), count_tokens(low)] == [100, 255, 85]


def test_a_text_document_costs_its_text():
    """A document is not a flat number."""
    block = {"type": "document", "source": {"type": "text", "data": PROSE * 20}}
    assert count_tokens(block) >= 19 * count_tokens(PROSE)


def test_usage_corrects_the_estimate():
    """After some requests the counter says what the provider bills."""
    counter = TokenCounter()
    for _ in range(20):
        counter.observe(counter(PROSE), 1.3 * count_tokens(PROSE))
    assert pytest.approx(counter.correction, rel=0.05) == 1.3
    assert 1.3 * count_tokens(PROSE) == pytest.approx(counter(PROSE), rel=0.07)


@pytest.mark.parametrize("actual", [0, -5, math.nan, math.inf])
def test_senseless_usage_is_ignored(actual):
    """One bad number does not spoil the counter."""
    counter = TokenCounter()
    counter.observe(100, actual)
    assert counter.correction == 1.0


def test_odd_values_are_counted_and_never_raise():
    """Lone surrogates, bytes, numbers and unknown blocks all have a size."""
    odd = ["\ud800", b"abc", 12.5, {"type": "new_thing", "x": [1, {"y": object()}]}, {"a": 1}]
    assert all(count_tokens(value) > 0 for value in odd)
