"""The prompt cache of both vendors."""

from dataclasses import replace

import pytest

from chaoskit.exchange import (
    Call,
    Image,
    Message,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)
from chaoskit.provider.cache import PromptCache
from chaoskit.provider.cache_use import CacheUse
from chaoskit.provider.catalogue import Catalogue
from chaoskit.provider.prompt import count
from chaoskit.provider.tokens import TokenCounter

CATALOGUE = Catalogue()
COUNTER = TokenCounter()
LONG = "The quick brown fox jumps over the lazy dog. " * 150  # about 1,500 tokens
CALL = Call(dialect="anthropic", provider="anthropic", model="claude-sonnet-4-6", key="k1")
CHAT = Call(dialect="openai_chat", provider="openai", model="gpt-4o", key="k1")


def user(text, cache=None):
    return Message(role="user", content=(Text(text, cache),))


def assistant(text):
    return Message(role="assistant", content=(Text(text),))


def tool(name, cache=None):
    mark = ',"cache_control":{"type":"ephemeral"}' if cache else ""
    raw = f'{{"name":"{name}","description":"{LONG}","input_schema":{{}}{mark}}}'
    return ToolSpec(name=name, description=LONG, schema={}, raw=raw, cache=cache)


class Client:
    """Sends calls to one cache, one after the other."""

    def __init__(self):
        self.cache = PromptCache()

    def send(self, call, *, at, begins=None) -> CacheUse:
        model = CATALOGUE.model(call.model, call.provider)
        prompt = count(call, model, COUNTER)
        use = self.cache.look_up(call, model, prompt, now=at)
        assert prompt.total == use.read + use.write_5m + use.write_1h + use.uncached
        self.cache.touch(use, now=at)
        self.cache.store(use, started=at, begins=at + 1 if begins is None else begins)
        return use


@pytest.fixture
def client():
    return Client()


def asking(question, *, system=LONG, ttl="5m", **more):
    return replace(CALL, system=(Text(system, ttl),), messages=(user(question),), **more)


def test_first_request_writes_and_the_next_reads(client):
    """Up to the breakpoint; what follows is paid in full."""
    first, second = client.send(asking("one"), at=0), client.send(asking("two"), at=10)
    assert (first.read, first.miss.reason) == (0, "cold")
    assert first.write_5m == second.read > 1_024
    assert (second.write_5m, second.miss) == (0, None)
    assert second.uncached < 20


def test_nothing_is_cached_without_a_breakpoint(client):
    """At Anthropic caching is asked for."""
    for at in (0, 10):
        use = client.send(asking("one", ttl=None), at=at)
        assert use == CacheUse(uncached=use.uncached)
    assert len(client.cache) == 0


def test_short_prefix_is_silently_not_cached(client):
    """Below the model's minimum nothing is written and nothing is said."""
    for at in (0, 10):
        use = client.send(asking("one", system="Be brief."), at=at)
        assert (use.read, use.write_5m, use.miss.reason) == (0, 0, "too_short")
    haiku = client.send(asking("one", model="claude-haiku-4-5"), at=0)
    assert (haiku.write_5m, haiku.miss.reason) == (0, "too_short")


def test_entry_is_readable_only_once_the_first_answer_began(client):
    """Parallel cold requests all write."""
    first = client.send(asking("one"), at=0, begins=2)
    parallel = client.send(asking("two"), at=1.5, begins=3)
    assert first.write_5m == parallel.write_5m > 0
    assert parallel.miss.reason == "not_ready"
    assert client.send(asking("three"), at=2).read == first.write_5m


def test_life_counts_from_the_start_of_the_request_and_reads_prolong_it(client):
    """Five minutes, refreshed at no cost."""
    client.send(asking("one"), at=0, begins=60)
    assert client.send(asking("two"), at=299).read > 0
    assert client.send(asking("three"), at=598).read > 0
    late = client.send(asking("four"), at=898)
    assert (late.read, late.miss.reason) == (0, "expired")
    assert late.write_5m > 0


def test_hour_entries_live_an_hour_and_are_reported_apart(client):
    """As they are billed apart."""
    first = client.send(asking("one", ttl="1h"), at=0)
    assert first.write_1h > first.write_5m == 0
    assert client.send(asking("two", ttl="1h"), at=3_599).read == first.write_1h
    assert client.send(asking("three", ttl="1h"), at=3_599 + 3_601).read == 0


def test_hour_before_five_minutes_split_the_writes(client):
    """Up to the last hour's breakpoint, and from there to the last of five minutes."""
    call = replace(
        CALL, system=(Text(LONG, "1h"),), messages=(user("q " * 400, "5m"), user("tail"))
    )
    use = client.send(call, at=0)
    assert (use.write_1h > 1_400, 390 < use.write_5m < 420) == (True, True)
    tail = client.send(replace(call, messages=(user("other", "5m"),)), at=400)
    assert tail.read == use.write_1h


def test_growing_conversation_reads_what_the_last_turn_wrote(client):
    """A moving breakpoint on the newest message."""
    turns = (user(LONG, "5m"),)
    first = client.send(replace(CALL, messages=turns), at=0)
    turns = (user(LONG), assistant("Yes."), user("And then?", "5m"))
    second = client.send(replace(CALL, messages=turns), at=10)
    assert second.read == first.write_5m
    assert 0 < second.write_5m < 20


@pytest.mark.parametrize(("between", "hit"), [(18, True), (19, True), (20, False)])
def test_look_back_is_twenty_positions_with_the_breakpoint(client, between, hit):
    """An entry at block 15 is missed by one from a breakpoint at block 35."""
    written = client.send(replace(CALL, messages=(user(LONG, "5m"),)), at=0).write_5m
    more = tuple(user(f"line {n}") for n in range(between - 1))
    use = client.send(replace(CALL, messages=(user(LONG), *more, user("end", "5m"))), at=10)
    assert (written if hit else 0) == use.read
    assert hit or use.miss.reason == "too_far"


def test_runs_of_tool_calls_and_of_results_are_one_position_each(client):
    """Thirty parallel calls do not push the entry out of reach."""
    written = client.send(replace(CALL, messages=(user(LONG, "5m"),)), at=0).write_5m
    calls = tuple(ToolCall(id=f"t{n}", name="f", arguments="{}") for n in range(30))
    results = tuple(ToolResult(call_id=f"t{n}", content=(Text("x"),)) for n in range(30))
    marked = (*results[:-1], replace(results[-1], cache="5m"))
    messages = (
        user(LONG),
        Message(role="assistant", content=calls),
        Message(role="user", content=marked),
    )
    assert client.send(replace(CALL, messages=messages), at=10).read == written


def test_earlier_breakpoint_is_tried_when_the_last_finds_nothing(client):
    """Each breakpoint has its own look-back."""
    written = client.send(asking("one"), at=0).write_5m
    far = tuple(user(f"line {n}") for n in range(40))
    use = client.send(replace(asking("one"), messages=(*far, user("end", "5m"))), at=10)
    assert use.read == written
    assert use.write_5m > 0


def test_refresh_reaches_the_earlier_breakpoints(client):
    """The system prompt stays warm while the conversation on top of it is read."""
    call = replace(CALL, system=(Text(LONG, "5m"),), messages=(user(LONG, "5m"),))
    client.send(call, at=0)
    for at in (200, 400):
        assert client.send(call, at=at).read > 2_500
    assert client.send(asking("anything"), at=650).read > 1_024


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"tools": (tool("b"),)}, "tools[0]"),
        ({"system": (Text(LONG + "!", "5m"),)}, "system[0]"),
        ({"messages": (user(LONG + "!", "5m"),)}, None),
        ({"tool_choice": ToolChoice(mode="any")}, None),
        ({"options": {"thinking": "adaptive"}}, None),
        ({"options": {"output_schema": {"type": "object"}}}, "system"),
        ({"model": "claude-opus-4-8"}, ""),
        ({"key": "k2"}, ""),
    ],
)
def test_what_invalidates_what(client, change, where):
    """Tools: everything; system: itself and the messages; settings of a turn: the messages."""
    base = replace(
        CALL, tools=(tool("a"),), system=(Text(LONG, "5m"),), messages=(user(LONG, "5m"),)
    )
    client.send(base, at=0)
    whole = client.send(base, at=5).read
    changed = client.send(replace(base, **change), at=10)
    if where is None:  # tools and system are still read
        assert 1_024 < changed.read < whole
    else:
        assert changed.read == 0
        assert ("changed" if where else "cold", where) == (
            changed.miss.reason,
            changed.miss.where,
        )


def test_documents_that_may_be_cited_invalidate_the_system_prompt(client):
    """Wherever they stand; the tools are still read."""
    base = replace(
        CALL, tools=(tool("a", "5m"),), system=(Text(LONG, "5m"),), messages=(user(LONG, "5m"),)
    )
    whole = client.send(base, at=0).write_5m
    for cited, read in (("false", whole), ("true", None)):
        raw = f'{{"type":"document","citations":{{"enabled":{cited}}}}}'
        page = Message(role="user", content=(Opaque(kind="document", raw=raw),))
        use = client.send(replace(base, messages=(*base.messages, page)), at=10)
        if read is None:
            assert 1_024 < use.read < whole - 2 * 1_024
        else:
            assert use.read == read


def test_picture_anywhere_invalidates_the_messages(client):
    """Not the tools and the system."""
    base = replace(CALL, system=(Text(LONG, "5m"),), messages=(user(LONG, "5m"),))
    whole = client.send(base, at=0).write_5m
    picture = Message(role="user", content=(Image(source="x", width=9, height=9),))
    result = Message(role="user", content=(ToolResult(call_id="1", content=(Image(source="x"),)),))
    for extra in (picture, result):
        use = client.send(replace(base, messages=(*base.messages, extra)), at=10)
        assert 1_024 < use.read < whole


def test_breakpoint_itself_is_not_part_of_the_prefix(client):
    """On tools, on texts and on blocks of unknown kinds."""
    odd = '{"type":"odd","text":"x"%s}'
    mark = ',"cache_control":{"type":"ephemeral"}'
    first = replace(
        CALL,
        tools=(tool("a", "5m"),),
        messages=(Message(role="user", content=(Opaque(kind="odd", raw=odd % mark, cache="5m"),)),),
    )
    second = replace(
        CALL,
        tools=(tool("a"),),
        messages=(
            Message(role="user", content=(Opaque(kind="odd", raw=odd % ""), Text("y", "5m"))),
        ),
    )
    written = client.send(first, at=0).write_5m
    assert client.send(second, at=10).read == written


def test_miss_names_the_first_block_that_differs(client):
    """A timestamp in the middle of a conversation is found."""
    turns = [user(LONG), assistant("Yes."), user("It is 10:00."), user("Go on.", "5m")]
    client.send(replace(CALL, messages=tuple(turns)), at=0)
    turns[2] = user("It is 10:01.")
    use = client.send(replace(CALL, messages=tuple(turns)), at=10)
    assert (use.miss.reason, use.miss.where) == ("changed", "messages[2].content[0]")


def test_same_text_in_another_place_is_another_prefix(client):
    """Role, call id, error flag, name and reasoning all count."""
    parts = [
        ToolResult(call_id="1", content=(Text(LONG),), cache="5m"),
        ToolResult(call_id="2", content=(Text(LONG),), cache="5m"),
        ToolResult(call_id="1", content=(Text(LONG),), is_error=True, cache="5m"),
        ToolResult(call_id="1", content=(Text(LONG), Text("x")), cache="5m"),
        ToolCall(id="1", name="a", arguments=LONG, cache="5m"),
        ToolCall(id="1a", name="", arguments=LONG, cache="5m"),
        Text(LONG, "5m"),
    ]
    messages = [Message(role="user", content=(part,)) for part in parts]
    messages.append(Message(role="assistant", content=(Text(LONG, "5m"),)))
    for at, message in enumerate(messages):
        assert client.send(replace(CALL, messages=(message,)), at=at * 2).read == 0
    reasoned = replace(
        CALL, messages=(Message(role="assistant", content=(Thinking(text="x"), Text(LONG, "5m"))),)
    )
    assert client.send(reasoned, at=10).read == 0


def test_deploy_empties_the_cache(client):
    """The next requests are cold and write again."""
    client.send(asking("one"), at=0)
    client.cache.clear()
    use = client.send(asking("two"), at=10)
    assert (use.read, use.miss.reason) == (0, "evicted")
    assert use.write_5m > 0


def test_expired_entries_are_dropped_when_there_are_many(client, monkeypatch):
    """A week of traffic does not fill the memory."""
    monkeypatch.setattr("chaoskit.provider.cache._CROWD", 10)
    for at in range(40):
        client.send(asking(f"{at}", system=f"{at} {LONG}"), at=at * 400)
        client.send(replace(CHAT, key=f"k{at}", messages=(user(LONG),)), at=at * 400)
    assert len(client.cache) <= 12
    assert len(client.cache._siblings) <= 6


def test_automatic_caching_needs_1024_tokens(client):
    """And no breakpoint."""
    for at in (0, 10):
        assert client.send(replace(CHAT, messages=(user("short"),)), at=at) == CacheUse(uncached=8)
    first = client.send(replace(CHAT, messages=(user(LONG),)), at=0)
    second = client.send(replace(CHAT, messages=(user(LONG),)), at=10)
    assert (first.read, first.write_5m, first.miss.reason) == (0, 0, "cold")
    assert second.read == 1_408
    assert (second.read % 128, second.write_5m) == (0, 0)


def test_automatic_caching_shares_the_beginning_of_a_text(client):
    """Instructions and question may stand in one message."""
    client.send(replace(CHAT, messages=(user(LONG + "First question?"),)), at=0)
    use = client.send(replace(CHAT, messages=(user(LONG + "Second question?"),)), at=10)
    assert 1_024 <= use.read <= 1_408
    assert use.read % 128 == 0


def test_automatic_caching_follows_a_conversation(client):
    """Each turn reads the one before."""
    turns = [Message(role="system", content=(Text(LONG),))]
    reads = []
    for at in range(4):
        turns += [user("Question. " * 60), assistant("Answer. " * 60)]
        reads.append(client.send(replace(CHAT, messages=tuple(turns)), at=at * 10).read)
    assert reads == sorted(reads)
    assert reads[0] == 0 < reads[1] < reads[3]


def test_automatic_entries_expire(client):
    """After minutes without use; newer models keep them for a day."""
    for model, alive, dead in (("gpt-4o", 299, 601), ("gpt-5.4", 80_000, 170_000)):
        call = replace(CHAT, model=model, messages=(user(LONG),))
        client.send(call, at=0)
        assert client.send(call, at=alive).read > 0
        late = client.send(call, at=dead)
        assert (late.read, late.miss.reason) == (0, "expired")


def test_automatic_writes_are_reported_where_they_are_billed(client):
    """From GPT-5.6 on."""
    call = replace(CHAT, model="gpt-5.6-luna", messages=(user(LONG),))
    first, second = client.send(call, at=0), client.send(call, at=10)
    assert first.write_5m == second.read == 1_408
    assert second.write_5m == 0


def test_automatic_caching_ignores_the_choice_of_tools_but_not_the_tools(client):
    """The choice is not in the prompt."""
    call = replace(CHAT, tools=(tool("a"),), messages=(user(LONG),))
    client.send(call, at=0)
    chosen = replace(call, tool_choice=ToolChoice(mode="any"))
    assert client.send(chosen, at=10).read > 2_500
    changed = client.send(replace(call, tools=(tool("b"),)), at=10)
    assert (changed.read, changed.miss.reason, changed.miss.where) == (0, "changed", "tools[0]")


def test_automatic_caching_is_by_key(client):
    """A text at the very beginning is not shared across organisations either."""
    call = replace(CHAT, system=(Text(LONG),), messages=(user("x"),))
    client.send(call, at=0)
    assert client.send(replace(call, key="k2"), at=10).read == 0
    shifted = replace(call, key="k2", system=(Text(LONG + "more"),))
    assert client.send(shifted, at=10.5).read == 0


def test_model_without_a_cache(client):
    """Older models have none."""
    call = replace(CHAT, model="gpt-4-turbo", messages=(user(LONG),))
    for at in (0, 10):
        assert client.send(call, at=at).read == 0


def test_tools_of_the_vendor_belong_to_the_prefix(client):
    """Switching web search on changes the tools."""
    web = {"builtin_tools": ({"type": "web_search_20250305", "name": "web_search"},)}
    client.send(asking("one"), at=0)
    use = client.send(asking("one", options=web), at=10)
    assert (use.read, use.miss.reason, use.miss.where) == (0, "changed", "tools[0]")
    assert client.send(asking("two", options=web), at=20).read == use.write_5m


def test_beginning_of_an_expired_text_is_not_shared(client):
    """Nor one that differs within its first step."""
    client.send(replace(CHAT, messages=(user(LONG + "One?"),)), at=0)
    assert client.send(replace(CHAT, messages=(user(LONG + "Two?"),)), at=700).read == 0
    assert client.send(replace(CHAT, messages=(user("No! " + LONG),)), at=710).read == 0


def test_crowded_cache_keeps_what_is_alive(client, monkeypatch):
    """Only the expired go."""
    monkeypatch.setattr("chaoskit.provider.cache._CROWD", 1)
    for at in range(3):
        client.send(replace(CHAT, messages=(user(f"{at} {LONG}"),)), at=at * 200)
    assert client.send(replace(CHAT, messages=(user(f"2 {LONG}"),)), at=410).read > 0


def test_entry_that_vanished_is_not_prolonged(client):
    """A deploy may come between looking up and reading."""
    call = asking("one")
    client.send(call, at=0)
    model = CATALOGUE.model(call.model, call.provider)
    use = client.cache.look_up(call, model, count(call, model, COUNTER), now=10)
    client.cache.clear()
    client.cache.touch(use, now=10)
    assert len(client.cache) == 0


def test_many_requests_with_the_same_beginning_go_to_other_machines(client):
    """Each has a cache of its own, which the first request that comes there fills."""
    call = replace(CHAT, messages=(user(LONG),))
    uses = [client.send(call, at=second) for second in range(32)]
    missed = {at: use.miss.reason for at, use in enumerate(uses) if not use.read}
    assert missed == {0: "cold", 15: "overflow", 30: "overflow"}
    assert client.send(call, at=92).read  # a quiet minute later all go to the first one again
    other = replace(call, options={"cache_key": "mine"})
    assert [bool(client.send(other, at=93 + at).read) for at in range(3)] == [True, True, True]


def test_machines_are_few(client):
    """However many requests there are, most of them find something."""
    call = replace(CHAT, messages=(user(LONG),))
    uses = [client.send(call, at=at / 10, begins=at / 10) for at in range(500)]
    assert sum(not use.read for use in uses) == 8
    assert sum(map(len, client.cache._arrivals.values())) <= 8 * 15


@pytest.mark.parametrize(
    ("model", "retention", "alive", "dead"),
    [("gpt-4.1", "in_memory", 299, 700), ("gpt-4.1", "24h", 86_000, 180_000)],
)
def test_retention_decides_how_long_automatic_entries_live(client, model, retention, alive, dead):
    """Whatever the model does by itself."""
    options = {"cache_retention": retention}
    call = replace(CHAT, model=model, messages=(user(LONG),), options=options)
    client.send(call, at=0)
    assert client.send(call, at=alive).read > 0
    assert client.send(call, at=dead).read == 0


@pytest.mark.parametrize("explicit", [True, False])
def test_what_is_to_live_long_is_written_apart(client, explicit):
    """Twelve hours in place of thirty minutes, for breakpoints that do not say."""
    options = {"long_cache": True} | ({"explicit_cache": True} if explicit else {})
    call = replace(CHAT, model="gpt-5.6-luna", messages=(user(LONG, "5m" if explicit else None),))
    call = replace(call, options=options)
    first, late = client.send(call, at=0), client.send(call, at=43_000)
    assert first.write_5m == 0
    assert first.write_1h == late.read > 1_024
    assert client.send(call, at=90_000).read == 0
