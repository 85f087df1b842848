"""What is said in the other vendor's words means the same, and comes back as it went."""

import json

from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards.translate import Request, neutral, to_anthropic, to_openai

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
texts = st.builds(lambda text: {"type": "text", "text": text}, words)
images = st.one_of(
    st.sampled_from(["AAAA", "/9j/4AAQ"]).map(
        lambda data: {"type": "base64", "media_type": "image/png", "data": data}
    ),
    st.just({"type": "url", "url": "https://example.com/a.png"}),
).map(lambda source: {"type": "image", "source": source})
values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
inputs = st.dictionaries(words, values, max_size=3)


@st.composite
def conversations(draw):
    """Turns in Anthropic's shape, each call with its result in the turn behind."""
    turns = []
    for n in range(draw(st.integers(1, 4))):
        said = draw(words | st.lists(texts | images, min_size=1, max_size=3))
        turns.append({"role": "user", "content": said})
        calls = [
            {"type": "tool_use", "id": f"t{n}-{k}", "name": draw(words), "input": draw(inputs)}
            for k in range(draw(st.integers(0, 3)))
        ]
        if not calls:
            turns.append({"role": "assistant", "content": draw(words)})
            continue
        before = draw(st.lists(texts, max_size=2))
        turns.append({"role": "assistant", "content": [*before, *calls]})
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": draw(words)}
            for call in calls
        ]
        turns.append({"role": "user", "content": [*results, *draw(st.lists(texts, max_size=1))]})
    return turns


def meaning(turns):
    """Who said what to whom, without regard to how it is cut into turns and blocks."""
    found = []
    for turn in turns:
        content = turn["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for block in blocks:
            one = (turn["role"], block)
            last = found[-1] if found else None
            if last and last[0] == turn["role"] == "assistant" and is_text(last[1], block):
                one = (turn["role"], {**block, "text": last[1]["text"] + block["text"]})
                found.pop()
            found.append(one)
    return found


def is_text(*blocks):
    """Whether all are text."""
    return all(block["type"] == "text" for block in blocks)


def asked(system, turns, **options):
    """What is asked of either."""
    return Request(system=system, messages=turns, tools=None, max_tokens=9, options=options)


def chat(system, turns, **options):
    """The request that OpenAI gets."""
    return to_openai("m", asked(system, turns, **options))


@given(system=st.none() | words, turns=conversations())
def test_a_conversation_keeps_its_meaning_in_both_directions(system, turns):
    """Anthropic's words, OpenAI's, Anthropic's again; and OpenAI's stay what they are."""
    before = json.dumps(turns)
    said = chat(system, turns)["messages"]
    system_back, back = neutral(said)

    assert system_back == system
    assert meaning(back) == meaning(turns)
    assert chat(system_back, back)["messages"] == said
    assert json.dumps(turns) == before


@given(turns=conversations())
def test_every_result_stands_behind_its_call(turns):
    """Chat Completions refuses anything in between."""
    open_calls = []
    for message in chat(None, turns)["messages"]:
        if message["role"] == "tool":
            open_calls.remove(message["tool_call_id"])
        else:
            assert open_calls == []
        open_calls += [call["id"] for call in message.get("tool_calls", ())]
    assert open_calls == []


@given(turns=conversations())
def test_the_requests_share_nothing(turns):
    """What one vendor's client changes, no other one sees."""
    _, said = neutral(turns)
    before = json.dumps(said)
    request = to_anthropic("m", asked(None, said))
    for turn in request["messages"]:
        if isinstance(turn["content"], list):
            for block in turn["content"]:
                block.clear()
        turn.clear()

    assert json.dumps(said) == before
