"""Results within a number of tokens, still readable, and honest about what is gone."""

import asyncio
import datetime as dt
import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards import LimitedTools, ResultLimiter, Vet, count_tokens
from chaoskit_guards.result_cut import LEAST, cut_text, cut_value, written

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=12),
    max_leaves=30,
)
TEXTS = st.text(max_size=3_000) | st.lists(
    st.sampled_from(["word ", "line\n", '"', "\\", "{", "[", "é", "中", "\x00", "0123 "]),
    max_size=2_000,
).map("".join)
COUNTERS = st.sampled_from([count_tokens, len, lambda text: len(text.encode("utf-8", "replace"))])


def rows(count=400):
    """Orders such as a tool finds."""
    rng = random.Random(1)
    items = [{"id": n, "note": "blah " * rng.randint(1, 30)} for n in range(count)]
    return {"total": count, "orders": items, "next": "abc"}


@pytest.mark.slow
@given(VALUES, st.integers(16, 400), COUNTERS)
def test_a_value_never_exceeds_the_limit_and_stays_json(value, most, counter):
    """The law; and what fits is not touched, so limiting again changes nothing."""
    limiter = ResultLimiter(most, counter=counter)
    made = limiter.limit(value)
    text = made if isinstance(made, str) and isinstance(value, str) else written(made)
    assert limiter.tokens(made) <= most
    if not isinstance(made, str):
        assert counter(text) <= most
        assert json.loads(text) == made
    assert limiter.limit(made) == made
    if limiter.tokens(value) <= most:
        assert made is value


@pytest.mark.slow
@given(TEXTS, st.integers(16, 400), COUNTERS)
def test_a_text_never_exceeds_the_limit(text, most, counter):
    """Nor does JSON text, which stays JSON."""
    limiter = ResultLimiter(most, counter=counter)
    made = limiter.cut(text)
    assert counter(made.value) == made.tokens <= most
    assert limiter.limit(made.value) == made.value
    assert bool(made.cuts) is (made.value != text)
    wrapped = written({"text": text, "n": 1})
    assert isinstance(json.loads(limiter.limit(wrapped)), dict)


@pytest.mark.slow
@given(VALUES, st.integers(LEAST, 500))
def test_a_cut_value_has_room_in_so_many_characters(value, room):
    """Exactly counted, escapes included; and only strings, marks and leaves change."""
    cuts = []
    made = cut_value(value, room, "", cuts)
    assert len(written(made)) <= room
    assert bool(cuts) is (made != value)
    assert type(made) is type(value) or made == "[…]"


@pytest.mark.slow
@given(TEXTS, st.integers(0, 300), st.booleans())
def test_a_cut_text_is_a_beginning_and_an_end(text, room, quoted):
    """With the right numbers between them."""
    room += LEAST
    cuts = []
    made = cut_text(text, room, "", cuts, quoted=quoted)
    assert (len(written(made)) if quoted else len(made)) <= room
    if not cuts:
        assert made == text
        return
    assert (cuts[0].total, cuts[0].what) == (len(text), "characters")
    if cuts[0].kept:
        mark = f"[… {len(text) - cuts[0].kept:,} of {len(text):,} characters not shown …]"
        head, found, tail = made.partition(mark)
        assert found
        assert text.startswith(head)
        assert text.endswith(tail)
        assert len(head) + len(tail) == cuts[0].kept


def test_a_list_keeps_its_beginning_and_its_end():
    """And says how many are gone, in their place."""
    made = ResultLimiter(300).cut(rows())
    orders = made.value["orders"]
    shown = [item["id"] for item in orders if isinstance(item, dict)]
    gone = 400 - len(shown)
    assert shown[0] == 0
    assert shown[-1] == 399
    assert f"[… {gone} of 400 items not shown …]" in orders
    assert made.value["total"] == 400
    assert made.value["next"] == "abc"
    assert f"/orders: {len(shown)} of 400 items shown" in map(str, made.cuts)
    assert 0.7 * 300 <= made.tokens <= 300
    assert made.tokens_before > 5_000


def test_an_object_keeps_all_its_names_while_they_have_room():
    """What is long gives way to what is short."""
    value = {"log": "x y " * 5_000, "trace": "z w " * 5_000, "code": 137, "ok": False, "why": None}
    made = ResultLimiter(120).limit(value)
    assert list(made) == list(value)
    assert (made["code"], made["ok"], made["why"]) == (137, False, None)
    assert "characters not shown" in made["log"]


def test_an_object_with_too_many_names_says_how_many_are_gone():
    """Under a name that it does not have itself."""
    value = {"…": 1, **{f"name {n}": "x" * 50 for n in range(500)}}
    made = ResultLimiter(100).limit(value)
    kept = len(made) - 1
    assert made["……"] == f"{501 - kept} of 501 members not shown"
    assert list(made)[:2] == ["…", "name 0"]


def test_json_text_stays_json_text():
    """And broken JSON is a text."""
    text = json.dumps(rows())
    made = ResultLimiter(200).limit(text)
    assert isinstance(made, str)
    assert json.loads(made)["total"] == 400
    broken = ResultLimiter(200).limit(text[:-1])
    assert broken.startswith('{"total": 400, "orders": [{"id": 0,')
    assert broken.endswith('"next": "abc"')
    assert "characters not shown" in broken


def test_what_json_does_not_know_is_written_first():
    """As the loop would send it."""
    value = {"at": dt.datetime(2026, 11, 22), "ratio": math.nan, "text": "x y " * 500}
    made = ResultLimiter(60).limit(value)
    assert (made["at"], made["ratio"]) == ("2026-11-22 00:00:00", "NaN")
    cyclic = {"text": "x y " * 500}
    cyclic["self"] = cyclic
    made = ResultLimiter(60).limit(cyclic)
    assert isinstance(made, str)
    assert count_tokens(made) <= 60


def test_a_deep_value_is_cut_as_well():
    """Deeper than Python recurses, it is a text."""
    value = []
    for _ in range(100_000):
        value = [value, "x"]
    assert count_tokens(str(ResultLimiter(60).limit(json.dumps([1] * 500)))) <= 60
    assert ResultLimiter(60).tokens(ResultLimiter(60).limit(value)) <= 60


PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAgAAAAIA" + "A" * 4_000  # 512 by 512


def image(kind):
    """A picture in the words of each vendor, of 350 tokens or more."""
    return {
        "mcp": {"type": "image", "data": PICTURE, "mimeType": "image/png"},
        "anthropic": {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
        },
        "openai": {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64," + PICTURE},
        },
        "responses": {"type": "input_image", "image_url": "data:image/png;base64," + PICTURE},
    }[kind]


def text(words, kind="text"):
    """A block of text."""
    return {"type": kind, "text": "word " * words}


@pytest.mark.parametrize("kind", ["mcp", "anthropic", "openai", "responses"])
def test_a_picture_stays_whole_or_leaves_a_note(kind):
    """Its data are never cut."""
    blocks = [text(2_000, "input_text" if kind == "responses" else "text"), image(kind)]
    kept = ResultLimiter(900).limit(blocks)
    assert kept[1] == image(kind)
    assert "characters not shown" in kept[0]["text"]
    gone = ResultLimiter(200).cut(blocks)
    assert gone.value[1]["type"] == blocks[0]["type"]
    assert gone.value[1]["text"].startswith("[picture")
    assert gone.value[1]["text"].endswith("tokens not shown]")
    assert "/1: 0 of 1 images shown" in map(str, gone.cuts)
    assert gone.tokens <= 200


BLOCKS = st.lists(
    st.one_of(
        st.integers(0, 400).map(text),
        st.sampled_from(["mcp", "anthropic", "openai"]).map(image),
        st.just({"type": "resource", "resource": {"uri": "file:///a", "text": "line\n" * 99}}),
        st.just({"type": "resource_link", "uri": "file:///b", "name": "b"}),
        st.just({"type": "audio", "data": "A" * 900, "mimeType": "audio/wav"}),
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.slow
@given(BLOCKS, st.integers(16, 1_500), st.booleans())
def test_blocks_never_exceed_the_limit(blocks, most, in_result):
    """Nor does a result that holds them; what is kept is in order, and limiting is idempotent."""
    limiter = ResultLimiter(most)
    result = {"content": blocks, "isError": False} if in_result else blocks
    made = limiter.cut(result)
    assert limiter.tokens(made.value) == made.tokens <= most
    assert limiter.limit(made.value) == made.value
    found = made.value["content"] if in_result else made.value
    assert len(found) <= len(blocks)
    assert all("type" in block for block in found)


@pytest.mark.parametrize(
    ("shell", "slot"),
    [
        ({"type": "tool_result", "tool_use_id": "t1"}, "content"),
        ({"role": "tool", "tool_call_id": "t1"}, "content"),
        ({"type": "function_call_output", "call_id": "t1"}, "output"),
    ],
    ids=["anthropic", "openai", "openai_responses"],
)
def test_the_result_of_a_call_keeps_its_shell(shell, slot):
    """Only what the tool gave is cut, and the places tell where."""
    result = {**shell, slot: json.dumps(rows())}
    made = ResultLimiter(200).cut(result)
    assert {k: v for k, v in made.value.items() if k != slot} == shell
    assert json.loads(made.value[slot])["total"] == 400
    assert made.cuts[-1].pointer == f"/{slot}/orders"
    assert ResultLimiter(200).tokens(made.value) <= 200


def test_structured_content_of_mcp_is_cut_too():
    """Both parts together are within the limit."""
    value = rows()
    result = {
        "content": [{"type": "text", "text": json.dumps(value)}],
        "structuredContent": value,
        "isError": False,
    }
    made = ResultLimiter(400).limit(result)
    assert json.loads(made["content"][0]["text"])["total"] == 400
    assert made["structuredContent"]["total"] == 400
    assert ResultLimiter(400).tokens(made) <= 400


def test_a_limit_without_room_for_a_mark_is_refused():
    """It could not say what is gone."""
    for most in (0, 15, True, 20.0):
        with pytest.raises(ValueError, match="max_tokens"):
            ResultLimiter(most)


def test_the_listener_hears_of_cuts_only():
    """Numbers, no contents."""
    seen = []
    limiter = ResultLimiter(100, listener=seen.append)
    limiter.limit("short")
    limiter.limit("word " * 500)
    assert [(event.kind, event.guard) for event in seen] == [("cut", "limiter")]
    assert seen[0].values["tokens"] <= 100 < seen[0].values["tokens_before"]


def test_tools_are_limited_one_by_one():
    """Sync and async ones, in both forms."""
    vet = Vet()

    @vet.guard()
    def search() -> dict:
        return rows()

    @vet.guard()
    async def fetch() -> str:
        return "word " * 5_000

    tools = LimitedTools(vet, max_tokens=200, limits={"fetch": 50})
    assert count_tokens(tools.dispatch("search", {})) <= 200
    assert count_tokens(asyncio.run(tools.dispatch("fetch", {}))) <= 50
    assert count_tokens(asyncio.run(tools.adispatch("search", {}))) <= 200
    assert count_tokens(asyncio.run(tools.adispatch("fetch", {}))) <= 50
    assert tools.schemas() == vet.schemas()
    assert json.loads(LimitedTools(vet).dispatch("search", {})) != rows()
    assert json.loads(LimitedTools(vet, max_tokens=99_000).dispatch("search", {})) == rows()
    with pytest.raises(ValueError, match="did you mean 'fetch'"):
        LimitedTools(vet, limits={"fech": 50})
