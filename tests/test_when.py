import pytest
from pydantic import TypeAdapter, ValidationError

from chaoskit.match import Subject
from chaoskit.when import When

PROVIDER = Subject(user="ann", number=1, turn=1, now=40.0)
COUNTING = Subject(user="ann", operation="count_tokens")
TOOL = Subject(user="ann", operation="run_tool", called=("search_logs",))


@pytest.mark.parametrize(
    ("when", "provider", "counting", "tool"),
    [
        (When(), True, True, False),
        (When(calls=1), True, False, False),
        (When(tool="search_*"), False, False, True),
        (When(operation="count_tokens"), False, True, False),
        (When(operation="run_tool"), False, False, True),
        (When(calls=1, operation="count_tokens"), False, True, False),
    ],
)
def test_a_rule_is_about_the_provider_unless_it_names_a_tool(when, provider, counting, tool):
    """Numbered calls are those that produce an answer."""
    chooses = when.chooses()
    assert (provider, counting, tool) == (chooses(PROVIDER), chooses(COUNTING), chooses(TOOL))


WIRED = Subject(user="ann", operation="run_tool", dialect="mcp", called=("search_logs",))
LISTING = Subject(user="ann", operation="list_tools", dialect="mcp")
CONNECTING = Subject(user="ann", operation="connect", dialect="mcp")
REPLYING = Subject(user="ann", called=("search_logs",))


@pytest.mark.parametrize("stage", ["admit", "frames", "steps"])
@pytest.mark.parametrize(
    ("when", "chosen"),
    [
        (When(), {PROVIDER, REPLYING}),
        (When(calls=1), {PROVIDER, REPLYING}),
        (When(tool="search_*"), {TOOL, WIRED}),
        (When(dialect="mcp"), {WIRED}),
        (When(dialect="mcp", operation="list_tools"), {LISTING}),
        (When(operation="connect"), {CONNECTING}),
        (When(dialect="anthropic"), set()),
        (When(operation="generate", tool="search_*"), {REPLYING}),
    ],
)
def test_a_rule_strikes_models_or_tools_and_never_both(stage, when, chosen):
    """Whatever carries the request."""
    everything = (PROVIDER, REPLYING, TOOL, WIRED, LISTING, CONNECTING)
    assert {one for one in everything if when.chooses(stage)(one)} == chosen


def test_a_fault_of_the_models_words_is_about_replies_that_call_the_tool():
    """It is asked of no request for tools."""
    assert When(tool="search_*").chooses("reply")(REPLYING)


def test_a_fault_made_for_tool_servers_needs_no_when():
    """It is about its own operations, where they come over a wire."""
    chooses = When().chooses(about=("run_tool", "listen"))
    assert [chooses(one) for one in (PROVIDER, TOOL, WIRED, LISTING)] == [False, False, True, False]
    narrowed = When(operation="list_tools").chooses(about=("run_tool",))
    assert [narrowed(one) for one in (WIRED, LISTING)] == [False, True]


def test_a_rule_of_a_tool_fault_is_about_all_tools():
    """It needs no name of one."""
    assert When(calls=1).chooses("result")(TOOL)


def test_every_key_narrows():
    """All of the table must hold."""
    when = When(user="ann", turn=1, model="*", provider="", dialect="", stream=False, for_="41s")
    assert when.chooses()(PROVIDER)
    others = {"user": "bob", "turn": 2, "model": "x", "provider": "x", "dialect": "x"}
    more = {"stream": True, "offers": "*", "from_": 41, "for_": 40, "user": ["bob", 3]}
    for key, value in [*others.items(), *more.items()]:
        assert not When(**{key: value}).chooses()(PROVIDER), key


def test_flapping_counts_from_its_beginning():
    """Sick five seconds of every thirty, from second ten on."""
    chooses = When(from_=10, every=30, sick=5).chooses()
    sick = [now for now in range(0, 90, 5) if chooses(Subject(user="ann", now=float(now)))]
    assert sick == [10, 40, 70]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"calls": "x"}, "write 3"),
        ({"turn": "0"}, "start at 1"),
        ({"every": 30}, "needs both"),
        ({"sick": 5}, "needs both"),
        ({"every": 5, "sick": 5}, "part of the period"),
        ({"every": 5, "sick": 0}, "part of the period"),
        ({"probability": 1.5}, "less than or equal to 1"),
        ({"times": 0}, "greater than or equal to 1"),
        ({"callz": 1}, "Unexpected"),
        ({"until": "tired"}, "reported"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(table, why):
    """The text says what is wrong."""
    with pytest.raises(ValidationError, match=why):
        When(**table)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (When(), "always"),
        (When(calls="2-3"), "call 2-3 of each user"),
        (
            When(**{"from": "30s", "for": "1m"}, probability=0.3, times=2),
            "from 30 s to 90 s, with probability 0.3, at most 2 times for each user",
        ),
        (
            When(user=["ann", 2], tool="search_*", until="reported"),
            (
                "by ann or user 2 and calling tool search_*, "
                "until the agent reports an error of the tool to the model"
            ),
        ),
        (When(operation="generate"), "performing generate"),
    ],
)
def test_a_table_is_described_in_words(when, words):
    """One line for people."""
    assert words == when.describe()


def test_repr_shows_what_was_set():
    """And builds the table again."""
    when = When(calls="2-3", **{"from": "30s"}, user=["ann"])
    assert repr(when) == "When(calls='2-3', from_=30.0, user=('ann',))"
    assert when == eval(repr(when))
    assert repr(When()) == "When()"


def test_schema_has_the_keys_of_files():
    """Editors offer `from` and `for`."""
    properties = TypeAdapter(When).json_schema()["properties"]
    assert {"from", "for"} < set(properties)
    assert not [key for key, value in properties.items() if not value.get("description")]
