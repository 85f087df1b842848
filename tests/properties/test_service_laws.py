"""Laws of counting, caching and ending, whatever is sent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.exchange import (
    Call,
    Image,
    Message,
    Reply,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from chaoskit.provider import Admission, ProviderSettings, Service, TokenCounter

TTL = st.sampled_from([None, None, "5m", "1h"])
WORDS = st.sampled_from(["alpha ", "beta ", "gamma " * 40, "delta " * 150, "名前", "{}", ""])
SHORT = st.text(max_size=40)
PARTS = st.one_of(
    st.builds(Text, WORDS, TTL),
    st.builds(ToolCall, id=st.just("1"), name=st.just("f"), arguments=WORDS, cache=TTL),
    st.builds(
        ToolResult, call_id=st.just("1"), content=st.tuples(st.builds(Text, WORDS)), cache=TTL
    ),
    st.builds(Image, source=st.just("x"), width=st.integers(0, 3000), height=st.integers(0, 3000)),
    st.builds(Thinking, text=WORDS),
)
MESSAGES = st.lists(
    st.builds(
        Message,
        role=st.sampled_from(["user", "assistant"]),
        content=st.lists(PARTS, max_size=4).map(tuple),
    ),
    max_size=5,
).map(tuple)
TOOLS = st.lists(
    st.sampled_from(["a", "b"]).map(
        lambda name: ToolSpec(name=name, description="", schema={}, raw=f'{{"name":"{name}"}}')
    ),
    max_size=2,
).map(tuple)
MODELS = st.sampled_from(
    [
        ("anthropic", "claude-sonnet-4-6"),
        ("anthropic", "claude-opus-5"),
        ("openai", "gpt-4o"),
        ("openai", "gpt-5.6-luna"),
    ]
)


@st.composite
def calls(draw):
    provider, model = draw(MODELS)
    return Call(
        dialect=provider,
        provider=provider,
        model=model,
        key=draw(st.sampled_from(["k1", "k2"])),
        system=tuple(draw(st.lists(st.builds(Text, WORDS, TTL), max_size=2))),
        messages=draw(MESSAGES),
        tools=draw(TOOLS),
    )


SETTINGS = ProviderSettings(cache_minimum=128, latency={"first_token": 2})
REPLY = Reply(content=(Text("Yes."),))


def content(call):
    """Return everything of a call that its prefix consists of, block by block."""
    plain = [(tool.name, tool.raw) for tool in call.tools]
    plain += [("system", replace(part, cache=None)) for part in call.system]
    marks = [tool.cache for tool in call.tools] + [part.cache for part in call.system]
    for message in call.messages:
        for part in message.content:
            marks.append(getattr(part, "cache", None))
            plain.append(
                (message.role, part if isinstance(part, Thinking) else replace(part, cache=None))
            )
    return plain, marks


@pytest.mark.slow
@given(st.lists(st.tuples(calls(), st.floats(0, 400)), min_size=1, max_size=8))
def test_reads_follow_an_identical_prefix_that_is_alive(traffic):
    """What is read was sent before: byte by byte, by this key, to this model, not too long ago."""
    service, now, sent = Service(SETTINGS), 0.0, []
    for call, pause in traffic:
        now += pause
        admission = service.admit(call, now=now, caller="ann")
        assert isinstance(admission, Admission)
        use = admission.cache
        assert use.read + use.write_5m + use.write_1h + use.uncached == admission.prompt.total
        assert min(use.read, use.write_5m, use.write_1h, use.uncached) >= 0
        blocks, _ = content(call)
        if use.read:
            ends, end = [], 0
            for size in admission.prompt.blocks:
                end += size
                ends.append(end)
            known = max(
                _common(blocks, earlier)
                for earlier, key, model, begins in sent
                if (key, model) == (call.key, call.model) and begins <= now < begins + 90_000
            )
            # OpenAI may share a part of the block in which the prompts begin to differ
            assert use.read >= 128
            whole = known + (call.provider == "openai")
            assert use.read <= (ends[min(whole, len(ends)) - 1] if whole else 0)
        settled = service.settle(admission, call, REPLY, now=now, begins=now + 2)
        assert settled.reply.usage.prompt == service.count(call)
        sent.append((blocks, call.key, call.model, now + 2))


def _common(first, second):
    shared = 0
    for ours, theirs in zip(first, second, strict=False):
        if ours != theirs:
            break
        shared += 1
    return shared


@given(calls(), st.floats(0, 10_000))
def test_same_prompt_is_read_exactly_while_it_lives(call, later):
    """At breakpoints: after the answer began, and until the lifetime is over."""
    call = replace(
        call,
        provider="anthropic",
        model="claude-opus-5",
        system=(Text("word " * 200, "5m"), *(replace(part, cache=None) for part in call.system)),
        messages=(),
        tools=(),
    )
    service = Service(SETTINGS)
    first = service.admit(call, now=0.0, caller="ann")
    service.settle(first, call, REPLY, now=0.0, begins=2.0)
    second = service.admit(call, now=later, caller="ann").cache
    assert first.cache.write_5m > 128
    assert (first.cache.write_5m if 2 <= later < 300 else 0) == second.read


@given(
    st.lists(
        st.one_of(
            st.builds(Text, SHORT),
            st.builds(ToolCall, id=st.just("1"), name=SHORT, arguments=SHORT),
            st.builds(Thinking, text=SHORT),
        ),
        max_size=4,
    ),
    st.integers(0, 60),
    st.lists(st.text(min_size=1, max_size=2), max_size=2),
    st.sampled_from(["claude-sonnet-4-6", "claude-opus-5"]),
)
def test_answer_never_exceeds_max_tokens_nor_passes_a_stop_sequence(parts, limit, stops, model):
    """And what is cut is a beginning of what was to be said."""
    call = Call(
        dialect="anthropic",
        provider="anthropic",
        model=model,
        max_tokens=limit,
        stop_sequences=tuple(stops),
    )
    service = Service()
    admission = service.admit(call, now=0.0, caller="ann")
    reply = Reply(content=tuple(parts))
    settled = service.settle(admission, call, reply, now=0.0, begins=1.0).reply
    assert settled.usage.output <= limit
    assert settled.usage.output >= min(1, limit)
    assert all(
        stop not in part.text
        for stop in stops
        for part in settled.content
        if isinstance(part, Text)
    )
    assert len(settled.content) <= len(parts)
    assert reply.text.startswith(settled.text)


@given(st.text(max_size=300), st.integers(0, 100))
def test_cut_is_a_beginning_and_counts_at_most_the_limit(text, limit):
    """For any text whatever."""
    counter = TokenCounter()
    cut = counter.cut(text, limit)
    assert text.startswith(cut)
    assert counter.text(cut) <= limit
    assert counter.text(text) > limit or cut == text


@given(st.text(max_size=200), st.text(max_size=200))
def test_estimate_grows_with_the_text(first, second):
    """At least one token for a text, at most one for a character; more text is hardly ever less."""
    counter = TokenCounter()
    assert (0 if not first else 1) <= counter.text(first) <= len(first)
    assert counter.text(first + second) >= counter.text(first) - 1
