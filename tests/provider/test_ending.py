"""Where answers end."""

from dataclasses import replace

import pytest

from chaoskit.exchange import Call, Opaque, Reply, Text, Thinking, ToolCall
from chaoskit.provider.catalogue import Catalogue
from chaoskit.provider.ending import end
from chaoskit.provider.prompt import part_tokens
from chaoskit.provider.tokens import TokenCounter

COUNTER = TokenCounter()
SONNET = Catalogue().model("claude-sonnet-4-6", "anthropic")
OPUS = Catalogue().model("claude-opus-5", "anthropic")
CALL = Call(dialect="anthropic", provider="anthropic", model="claude-sonnet-4-6", max_tokens=1000)
TEXT = Text("one two three four five six seven eight")
SEARCH = ToolCall(id="1", name="search", arguments='{"query":"why did the last deploy fail"}')


def ended(reply, *, room=10**6, model=SONNET, **change):
    return end(reply, replace(CALL, **change), model, COUNTER, room=room)


def test_complete_answer_is_left_alone():
    """And its tokens are counted."""
    reply = Reply(content=(TEXT, SEARCH), stop="tool_use")
    same, tokens = ended(reply)
    assert same is reply
    assert tokens == sum(part_tokens(part, SONNET, COUNTER) for part in reply.content)


def test_text_is_cut_at_max_tokens():
    """By whole tokens, and the stop says why."""
    reply, tokens = ended(Reply(content=(TEXT,)), max_tokens=3)
    assert (reply.text, reply.stop, tokens) == ("one two three", "max_tokens", 3)


def test_parts_after_the_cut_are_gone():
    """The model never came to them."""
    reply, _ = ended(Reply(content=(TEXT, SEARCH), stop="tool_use"), max_tokens=8)
    assert (reply.content, reply.stop) == ((TEXT,), "max_tokens")


def test_arguments_of_a_tool_call_are_cut():
    """They are no JSON any more."""
    reply, tokens = ended(Reply(content=(SEARCH,), stop="tool_use"), max_tokens=14)
    (call,) = reply.tool_calls
    assert SEARCH.arguments.startswith(call.arguments)
    assert 0 < len(call.arguments) < len(SEARCH.arguments)
    assert (reply.stop, tokens) == ("max_tokens", 14)


def test_reasoning_is_cut_like_text_and_unknown_blocks_fall_away():
    """Whatever a part is, the limit holds."""
    thought = Thinking(text="one two three four")
    assert ended(Reply(content=(thought,)), max_tokens=2)[0].content == (Thinking(text="one two"),)
    opaque = Opaque(kind="x", raw='{"type":"x","text":"a b c"}')
    reply, tokens = ended(Reply(content=(opaque,)), max_tokens=2)
    assert (reply.content, tokens) == ((), 1)
    assert ended(Reply(content=(SEARCH,)), max_tokens=2)[0].content == ()
    assert ended(Reply(content=(TEXT, thought)), max_tokens=8)[0].content == (TEXT,)


def test_limit_is_in_the_tokens_of_the_model():
    """A model that counts more says less."""
    reply, tokens = ended(Reply(content=(TEXT,)), model=OPUS, max_tokens=5)
    assert tokens <= 5
    assert reply.text == "one two three four"
    assert ended(Reply(content=(TEXT,)), model=OPUS, max_tokens=6)[1] == 5


def test_largest_output_of_the_model_holds_without_max_tokens():
    """A request need not set a limit."""
    small = replace(SONNET, facts=replace(SONNET.facts, max_output=2))
    reply, _ = ended(Reply(content=(TEXT,)), model=small, max_tokens=None)
    assert (reply.text, reply.stop) == ("one two", "max_tokens")


def test_answer_ends_at_the_end_of_the_window():
    """Which is another stop than `max_tokens`."""
    reply, tokens = ended(Reply(content=(TEXT,)), room=4)
    assert (reply.text, reply.stop, tokens) == ("one two three four", "window_exceeded", 4)
    assert ended(Reply(content=(TEXT,)), room=-5)[0].content == ()


def test_zero_max_tokens_warms_the_cache_and_says_nothing():
    """No content, no tokens."""
    reply, tokens = ended(Reply(content=(TEXT,)), max_tokens=0)
    assert (reply.content, reply.stop, tokens) == ((), "max_tokens", 0)
    reply, tokens = ended(Reply(content=()), max_tokens=0)
    assert (reply.content, reply.stop, tokens) == ((), "max_tokens", 0)


def test_empty_answer_has_a_token():
    """Usage never says 0 for an answer."""
    assert ended(Reply(content=())) == (Reply(content=()), 1)


@pytest.mark.parametrize(
    ("sequences", "text", "found"),
    [
        (("three",), "one two ", "three"),
        (("six", "four "), "one two three ", "four "),
        (("one",), "", "one"),
        (("", "absent"), TEXT.text, None),
    ],
)
def test_stop_sequence_ends_the_text_before_itself(sequences, text, found):
    """The first of them, whichever it is; it is reported, not part of the text."""
    reply, _ = ended(Reply(content=(TEXT, SEARCH)), stop_sequences=sequences)
    assert (text, found) == (reply.text, reply.stop_sequence)
    assert ("end" if found is None else "stop_sequence") == reply.stop
    assert bool(reply.tool_calls) == (found is None)


def test_stop_sequences_are_not_looked_for_in_tool_calls():
    """Only text is text."""
    reply, _ = ended(Reply(content=(SEARCH,), stop="tool_use"), stop_sequences=("deploy",))
    assert reply.content == (SEARCH,)


def test_limit_before_the_stop_sequence_wins():
    """The model never came to it."""
    reply, _ = ended(Reply(content=(TEXT,)), stop_sequences=("six",), max_tokens=2)
    assert (reply.text, reply.stop, reply.stop_sequence) == ("one two", "max_tokens", None)
