"""The token estimate against counts of a real vocabulary, and everything that is not text."""

import base64
import hashlib
import json
import math
import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards.media import image_size
from chaoskit_guards.tokens import ERROR_BAND, TokenCounter, count_tokens
from chaoskit_guards.tokens_exact import exact_counter

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


CAUTIOUS = count_tokens.cautious()


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
        (
            "Wdrożenie nie powiodło się, ponieważ migracja bazy danych trwała dłużej niż pozwala potok. Nikt tego nie zauważył, dopóki nie zadzwonili użytkownicy.",
            48,
        ),
        (
            "Käyttöönotto epäonnistui, koska tietokannan siirto kesti pidempään kuin putki sallii. Kukaan ei huomannut sitä ennen kuin käyttäjät soittivat.",
            44,
        ),
        ("ማሰማራቱ አልተሳካም ምክንያቱም የውሂብ ጎታ ፍልሰት ከተፈቀደው ጊዜ በላይ ስለወሰደ ነው።", 102),
        ("WUSBQNQDF EKLCG QQYMIL WGAQATO KSU NDESWD DFETZXU RGVOU JGVR", 30),
        ("{}[]()<>;:,.!?@#$%^&*-_=+|~`{}[]()<>;:,.!?@#$%^&*-_=+|~`", 36),
        ("😀🎉🔥👍🏽🚀❤️✅🤖👩‍💻🧵🪱🫠", 27),
        (
            "function a(b,c){return d[25]===ahfd?bgbe.dff:!0}function g(h,e){return c[71]===ab?cc.d:!0}",
            41,
        ),
        ("龘靐齉爩鱻麤灪籱厵纞虋讟钃鸜麷鞻韽", 36),
        (
            "Das Deployment ist fehlgeschlagen, weil die Datenbankmigration länger dauerte, als die Pipeline erlaubt. Niemand bemerkte es, bis die Benutzer anriefen.",
            34,
        ),
        (
            "Развёртывание не удалось, потому что миграция базы данных заняла больше времени, чем допускает конвейер.",
            27,
        ),
    ],
)
def test_the_cautious_count_is_not_below(text, o200k):
    """Counts of the o200k vocabulary, taken once; rare scripts and capitals included."""
    assert o200k <= CAUTIOUS(text) <= len(text.encode())


@given(st.text(max_size=300))
def test_the_cautious_count_is_never_above_the_bytes_nor_below_the_estimate_of_one(text):
    """No vocabulary of bytes needs more than one token a byte."""
    assert bool(text) <= CAUTIOUS(text) <= len(text.encode("utf-8", "surrogatepass"))


def test_models_learn_apart():
    """What one model bills says nothing of another."""
    counter = TokenCounter()
    claude, gpt = counter.for_model("claude-opus-4-6"), counter.for_model("gpt-5.4")
    assert counter.for_model("claude-opus-4-6") is claude
    for _ in range(20):
        claude.observe(claude(PROSE), 1.5 * count_tokens(PROSE))
    assert claude.correction == pytest.approx(1.5, rel=0.05)
    assert (gpt.correction, counter.correction) == (1.0, 1.0)


def test_a_cautious_counter_keeps_what_was_learned():
    """And never goes below what the model is known for."""
    claude = TokenCounter().for_model("claude-opus-4-8")
    assert claude.correction == claude.cautious().correction == 1.3
    for _ in range(30):
        claude.observe(100, 200)
    assert claude.cautious().correction == claude.correction > 1.9


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (
            {"model": "claude-x", "system": PROSE, "messages": [{"role": "user", "content": CODE}]},
            {"usage": {"input_tokens": 100, "cache_read_input_tokens": 126, "output_tokens": 9}},
        ),
        (
            {"model": "gpt-x", "messages": [{"role": "user", "content": PROSE + CODE}]},
            {"usage": {"prompt_tokens": 226, "completion_tokens": 9}},
        ),
        (
            {"model": "gpt-x", "instructions": PROSE, "input": CODE},
            {"usage": {"input_tokens": 226, "input_tokens_details": {"cached_tokens": 0}}},
        ),
        (
            {
                "model": "gemini-x",
                "contents": [{"role": "user", "parts": [{"text": PROSE + CODE}]}],
            },
            {"usageMetadata": {"promptTokenCount": 226}},
        ),
    ],
)
def test_a_response_teaches_its_model(request_, response):
    """From the usage of any vendor, cached tokens included."""
    counter = TokenCounter()
    for _ in range(30):
        counter.learn(request_, response)
    assert counter.correction == 1.0
    assert counter.for_model(request_["model"]).correction == pytest.approx(2, rel=0.15)


def test_a_response_without_usage_teaches_nothing():
    """A stream that told no usage, or an error."""
    counter = TokenCounter()
    counter.learn({"model": "m", "messages": PROSE}, {"content": []})
    assert counter.for_model("m").correction == 1.0


def test_gemini_counts_like_the_others():
    """Texts, calls, answers and pictures in parts."""
    body = {"query": PROSE}
    data = base64.b64encode(png(1_000, 700)).decode()
    base = count_tokens(PROSE)
    shapes = [
        {"role": "user", "parts": [{"text": PROSE}]},
        {"role": "model", "parts": [{"functionCall": {"name": "s", "args": body}}]},
        {"role": "user", "parts": [{"function_response": {"name": "s", "response": body}}]},
    ]
    assert [base < count_tokens(shape) < base + 30 for shape in shapes] == [True] * 3
    picture = {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}
    small = {"inline_data": {"mime_type": "image/png", "data": png(300, 200)}}
    assert count_tokens(picture) == 4 + 2 * 258
    assert count_tokens({"role": "user", "parts": [small]}) == 4 + 258


def test_pictures_cost_what_the_model_takes():
    """The same picture in four models."""
    data = base64.b64encode(png(2_000, 1_000)).decode()
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    assert [
        TokenCounter(model=model, correction=1 / scale)(shown)
        for model, scale, shown in [
            ("claude-opus-4-6", 1, block),
            ("claude-opus-4-8", 1.3, block),
            ("gpt-4o", 1, url),
            ("gpt-4o-mini", 1, url),
            ("gpt-5-mini", 1, url),
        ]
    ] == [1_600, 2_667, 1_105, 36_835, 2_489]


def test_pages_of_a_document_are_counted():
    """A PDF by its pages, a text by its text."""
    pdf = b"%PDF-1.7 /Type /Pages /Type /Page x /Type/Page y"
    data = base64.b64encode(pdf).decode()
    block = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": data},
    }
    assert count_tokens(block) == 4_000
    part = {"inlineData": {"mimeType": "application/pdf", "data": data}}
    assert count_tokens({"role": "user", "parts": [part]}) == 4 + 2 * 258


def test_no_vocabulary_no_exact_counter(tmp_path, monkeypatch):
    """Nothing is fetched: without the file there is no counter."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert exact_counter() is None
    with pytest.raises(ValueError, match="o200k_base"):
        exact_counter("p50k")


def test_a_vocabulary_that_is_given_is_the_models_own():
    """Only estimates are scaled."""
    counter = TokenCounter(text=len).for_model("claude-opus-4-8")
    assert (counter("abc"), counter.band) == (3, 0)
    assert TokenCounter().for_model("claude-opus-4-8").band == ERROR_BAND
