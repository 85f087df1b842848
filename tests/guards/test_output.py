"""A model's answer as a value: read, repaired where that has one reading, or asked for again."""

import asyncio
import enum
import json
import pickle
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards import (
    Arg,
    ArgSpec,
    Completion,
    Deadline,
    OutputError,
    OutputParser,
    OutputTruncated,
    Usage,
)
from chaoskit_guards.loose_json import NotJson, read


class Ticket(ArgSpec):
    title: str
    priority: Annotated[int, Arg(ge=1, le=5)]
    tags: list[str] = []  # noqa: RUF012 - a default, copied for every call


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int = 0


class Options(TypedDict):
    deep: bool


class Model(pydantic.BaseModel):
    n: int


GOOD = '{"title": "Login fails", "priority": 2, "tags": ["auth"]}'
TICKET = Ticket(title="Login fails", priority=2, tags=["auth"])


def problems(parser, text, **keywords):
    """What is wrong with an answer, as one text."""
    with pytest.raises(OutputError) as caught:
        parser.parse(text, **keywords)
    return str(caught.value)


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Ticket, GOOD, TICKET),
        (Point, '{"x": 1}', Point(1)),
        (Options, '{"deep": true}', {"deep": True}),
        (Model, '{"n": 3}', Model(n=3)),
        (list[Point], '[{"x": 1}, {"x": 2, "y": 3}]', [Point(1), Point(2, 3)]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (int, " 42\n", 42),
        (str | None, "null", None),
        (Colour, '"red"', Colour.RED),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, '{"a": 1}', {"a": 1}),
    ],
)
def test_whatever_vet_checks_can_be_read(form, text, value):
    """Annotations, specs, classes and schemas."""
    parsed = OutputParser(form).read(text)
    assert (parsed.value, parsed.repairs) == (value, ())
    assert json.loads(json.dumps(OutputParser(form).schema()))


@pytest.mark.parametrize(
    ("text", "repair"),
    [
        (f"```json\n{GOOD}\n```", "a code fence"),
        (f"Here it is:\n\n```\n{GOOD}\n```\nAnything else?", "a code fence"),
        (f"```json\n{GOOD}", "a code fence"),
        (f"Sure! The ticket {{as asked}} is {GOOD} — done [1].", "text around it"),
        (GOOD.replace('"]}', '"],}'), "a comma too many"),
        (GOOD.replace('"auth"', '"auth",'), "a comma too many"),
        (GOOD.replace('"', "'"), "other quotes"),
        (GOOD.replace('"title"', "title"), "a name without quotes"),
        (GOOD.replace('", "p', '",\n// how urgent\n"p'), "comments"),
        (GOOD.replace('", "p', '"\n"p'), "a missing comma"),
        ("\u201c".join(GOOD.split('"', 1)).replace('title"', "title\u201d"), "other quotes"),
        (GOOD[:-1], "1 missing closing brackets"),
        (GOOD[:-2], "2 missing closing brackets"),
        (GOOD.replace('["auth"]', '"[\\"auth\\"]"'), "/tags was wrapped wrongly"),
    ],
)
def test_what_has_one_reading_is_repaired(text, repair):
    """And what was repaired is said."""
    seen = []
    parsed = OutputParser(Ticket, listener=seen.append).read(text)
    assert parsed.value == TICKET
    assert repair in parsed.repairs
    assert seen[0].values == {"repairs": parsed.repairs}
    assert "Login" not in str(parsed.repairs)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("I cannot do that.", "no JSON"),
        ("", "no JSON"),
        (GOOD.replace("2", "two"), "a text without quotes"),
        (GOOD.replace("2", "2 or 3"), "a comma or a closing bracket is missing"),
        (GOOD.replace("2", "..."), "no value"),
        (GOOD.replace("2", "NaN"), "NaN"),
        (GOOD.replace("2,", "2, 'priority': 3,"), "one name twice"),
        (GOOD.replace("2,", '2, "priority": 3,'), "one name twice"),
        (GOOD.replace("Login fails", 'Login "fails"'), "comma"),
        (GOOD.replace("]", "}"), "brackets do not match"),
        (GOOD.replace("2,", "2,,"), "no value between two commas"),
        ("[" * 5_000, "nested too deeply"),
        (f"{GOOD} or rather {GOOD.replace('2', '3')}", "holds 2 different answers"),
    ],
)
def test_what_has_none_or_several_is_refused(text, told):
    """No value is guessed."""
    assert told in problems(OutputParser(Ticket), text)


def test_a_part_of_broken_json_does_not_pass_for_the_whole():
    """Although it would fit."""
    text = '{"wrong": oops, "inner": {"x": 1}}'
    assert "oops" not in problems(OutputParser(Point), text)
    text = '{"a": 1, "wrong": oops, "inner": {"x": 1}}'
    assert "without quotes" in problems(OutputParser(Point), text)


def test_braces_in_prose_are_passed_over():
    """Also where they look like an object."""
    text = f"Fill {{in: this}} and {{{{that}}}} [sic] as in {GOOD}, please."
    assert OutputParser(Ticket).parse(text) == TICKET
    assert "holds no JSON" in problems(OutputParser(Ticket), "Fill {this} in.")


def test_all_problems_are_told_with_their_places():
    """Not only the first, and never a value."""
    told = problems(OutputParser(Ticket), '{"priority": 9, "tags": ["a", 7], "colour": "secret"}')
    assert "title: is missing" in told
    assert "priority: must be at most 5" in told
    assert "tags[1]: must be a string, not an integer" in told
    assert "colour: is unknown" in told
    assert "secret" not in told


def test_nothing_is_repaired_unless_it_may_be():
    """Strict is strict."""
    parser = OutputParser(Ticket, repair=False)
    assert parser.parse(GOOD) == TICKET
    assert "no JSON, or holds more" in problems(parser, f"```json\n{GOOD}\n```")
    assert "tags: must be a list" in problems(parser, GOOD.replace('["auth"]', '"[]"'))


def test_names_that_are_not_declared_can_be_dropped():
    """At the top, as a Vet does."""
    text = GOOD.replace("{", '{"thoughts": "hm", ')
    assert "thoughts: is unknown" in problems(OutputParser(Ticket), text)
    assert OutputParser(Ticket, unknown="drop").parse(text) == TICKET
    assert OutputParser(Model, unknown="drop").parse('{"n": 3, "m": 4}') == Model(n=3)


def test_a_bare_text_is_a_text_where_texts_are_asked_for():
    """One of a few, most of all."""
    parser = OutputParser(Literal["yes", "no"])
    assert parser.parse("yes\n") == parser.parse('"yes"') == "yes"
    assert "no JSON" in problems(parser, "perhaps")
    assert OutputParser(str).parse("some prose") == "some prose"


def test_another_fence_than_the_broken_one_is_read():
    """A model that corrects itself."""
    text = f"```python\nx = {{1: y}}\n```\nso:\n```json\n{GOOD}\n```"
    assert OutputParser(Ticket).parse(text) == TICKET
    both = '```\n{"a": oops}\n```\n```\n[1 2]\n```'
    assert "without quotes" in problems(OutputParser(Ticket), both)


def test_escapes_are_read_as_json_reads_them():
    """Pairs of surrogates, and what JSON does not know."""
    parser = OutputParser(list[str])
    assert parser.parse(r"['\ud83d\ude00 \'a\' \d', 'b',]") == ["😀 'a' \\d", "b"]
    assert "four digits" in problems(parser, r"['\u12x4 ',]")
    assert "too long" in problems(OutputParser(list[int]), f"[{'1' * 1_001},]")
    assert "no number" in problems(OutputParser(list[float]), "[-x,]")
    for cut in (r"['\u12", "['a\\", "[-", "[1.", "[2e-", "[tr", "[nul"):
        with pytest.raises(OutputTruncated):
            parser.parse(cut)


CUT = [GOOD[:at] for at in range(1, len(GOOD) - 2)]


@pytest.mark.parametrize("stop_reason", ["max_tokens", "length", "max_output_tokens"])
def test_an_answer_that_ends_at_its_limit_is_truncated(stop_reason):
    """Wherever it ends, and although its brackets could be closed."""
    parser = OutputParser(Ticket)
    for text in [*CUT, GOOD[:-2], GOOD[:-1], "Let me think"]:
        with pytest.raises(OutputTruncated):
            parser.parse(text, stop_reason=stop_reason)
    assert parser.parse(GOOD, stop_reason=stop_reason) == TICKET


def test_an_answer_that_ends_within_a_value_is_truncated():
    """Also where nobody says why the model stopped; malformed is something else."""
    parser = OutputParser(Ticket)
    for text in CUT:
        with pytest.raises(OutputTruncated):
            parser.parse(text)
    for text in (GOOD.replace("2", "two"), "Let me think", '{"title": 3}'):
        with pytest.raises(OutputError) as caught:
            parser.parse(text, stop_reason="end_turn")
        assert type(caught.value) is OutputError


def test_a_draft_does_not_take_the_place_of_an_answer_that_was_cut_off():
    """The last one was meant."""
    with pytest.raises(OutputTruncated):
        OutputParser(Ticket).parse(f"{GOOD}\nBetter:\n{GOOD[:30]}")


def test_what_is_complete_of_a_truncated_answer_can_be_kept():
    """Whole values only."""
    parser = OutputParser(list[str], truncated="keep")
    parsed = parser.read('["one", "two", "thr', stop_reason="max_tokens")
    assert parsed.value == ["one", "two"]
    assert "what is cut off at the end" in parsed.repairs
    ticket = OutputParser(Ticket, truncated="keep")
    assert ticket.parse('{"title": "T", "priority": 1, "tags": ["a", "b').tags == ["a"]
    assert "priority: is missing" in problems(ticket, '{"title": "T", "priority": 1')


def said(text, stop_reason="end_turn", tokens=0):
    """An answer as a router gives it."""
    content = [{"type": "text", "text": text}]
    usage = Usage(input_tokens=tokens)
    return Completion(content=content, stop_reason=stop_reason, usage=usage)


def test_a_completion_tells_why_it_stopped():
    """Nobody else has to."""
    parser = OutputParser(list[int])
    with pytest.raises(OutputTruncated):
        parser.parse(said('["a"', "max_tokens"))
    assert parser.parse(said("[1, 2]", "max_tokens")) == [1, 2]


class Asked:
    """Answers one thing after the other and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, messages):
        self.asked.append(messages)
        return self.answers.pop(0)

    async def later(self, messages):
        await asyncio.sleep(0)
        return self(messages)


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """Asks in either form."""

    def go(parser, model, messages=({"role": "user", "content": "a ticket"},)):
        if request.param == "sync":
            return parser.parse_or_ask(model, messages)
        return asyncio.run(parser.aparse_or_ask(model.later, messages))

    return go


def test_a_model_is_asked_again_with_everything_that_is_wrong(ask):
    """The conversation goes on, and the caller's own is not changed."""
    seen = []
    model = Asked('{"title": 3}', GOOD[:30], "", GOOD)
    parser = OutputParser(Ticket, max_attempts=4, listener=seen.append)
    messages = ({"role": "user", "content": "a ticket"},)
    parsed = ask(parser, model, messages)
    assert (parsed.value, parsed.attempts) == (TICKET, 4)
    assert [len(asked) for asked in model.asked] == [1, 3, 5, 7]
    assert messages == ({"role": "user", "content": "a ticket"},)
    wrong, cut, nothing = (asked[-1]["content"] for asked in model.asked[1:])
    assert "- title: must be a string, not an integer\n- priority: is missing" in wrong
    assert cut.startswith("Your answer was cut off")
    assert "holds no JSON" in nothing
    assert [m["role"] for m in model.asked[-1]] == ["user", *["assistant", "user"] * 3]
    assert model.asked[-1][1]["content"] == '{"title": 3}'
    assert all(message["content"] for message in model.asked[-1])
    assert [event.values["truncated"] for event in seen] == [False, True, False]


def test_the_attempts_have_an_end(ask):
    """The last answer's problems are raised, with how often it was asked."""
    model = Asked(*["no"] * 5)
    with pytest.raises(OutputError) as caught:
        ask(OutputParser(Ticket, max_attempts=2), model)
    assert (caught.value.attempts, len(model.asked)) == (2, 2)


def test_the_tokens_have_an_end(ask):
    """Counted, or as the answers tell; a prompt that is too much by itself is not sent."""
    model = Asked(*["no"] * 9)
    with pytest.raises(OutputError):
        ask(OutputParser(Ticket, max_attempts=9, max_tokens=120), model)
    assert 1 < len(model.asked) < 5
    model = Asked(*[said("no", tokens=1_000)] * 9)
    with pytest.raises(OutputError) as caught:
        ask(OutputParser(Ticket, max_attempts=9, max_tokens=2_500), model)
    assert caught.value.attempts == 3


def test_the_deadline_ends_it(clock):
    """Nobody is asked after it."""

    def slow(messages):
        clock.advance(6)
        return "no"

    with Deadline(10, clock=clock), pytest.raises(OutputError) as caught:
        OutputParser(Ticket, max_attempts=9).parse_or_ask(slow)
    assert caught.value.attempts == 2


def test_what_the_model_raises_is_raised(ask):
    """It is the caller's to repeat."""
    with pytest.raises(IndexError):
        ask(OutputParser(Ticket), Asked())


def test_the_instructions_hold_the_schema():
    """To be put into the prompt."""
    told = OutputParser(Ticket).instructions()
    assert json.loads(told[told.index("{") :]) == Ticket.schema()


def test_wrong_settings_are_refused():
    """When the parser is made."""
    for wrong in ({"max_attempts": 0}, {"max_tokens": 0}, {"truncated": "yes"}, {"unknown": "x"}):
        with pytest.raises(ValueError, match="is"):
            OutputParser(Ticket, **wrong)
    with pytest.raises(TypeError, match="no check"):
        OutputParser(object())


def test_the_errors_can_be_pickled():
    """For task queues."""
    with pytest.raises(OutputTruncated) as caught:
        OutputParser(Ticket).parse(GOOD[:30])
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (OutputTruncated, str(caught.value))


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


def nested(inner):
    """Leaves, and containers of what is inside."""
    return LEAVES | st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)


VALUES = nested(nested(LEAVES))
CONTAINERS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(), VALUES, max_size=4)


@pytest.mark.slow
@given(CONTAINERS, st.booleans(), st.sampled_from([None, 2]))
def test_good_json_is_read_as_it_is(value, ascii_only, indent):
    """The law: the loose reader agrees with the strict one, and repairs nothing."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    loose = read(text)
    assert (loose.value, loose.end, loose.incomplete, loose.closed) == (value, len(text), False, 0)
    assert not loose.repairs


def is_part(part, whole):
    """Whether a value is a beginning of another one: nothing in it is made up."""
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(is_part, part, whole))
    if isinstance(part, dict) and isinstance(whole, dict):
        names = list(whole)[: len(part)]
        return list(part) == names and all(is_part(part[n], whole[n]) for n in names)
    return part == whole


@pytest.mark.slow
@given(CONTAINERS, st.data())
def test_a_cut_never_makes_anything_up(value, data):
    """The law: of a text that is cut anywhere, what is read is a beginning, and said to be."""
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    loose = read(cut)
    assert loose.incomplete or loose.closed
    assert is_part(loose.value, value)


@given(st.text(alphabet="{}[]\":,'\\ntru0e1-. /*#\n", max_size=60))
def test_the_reader_ends_on_anything(text):
    """With a value or with one kind of error."""
    try:
        end = read(text).end
    except NotJson as error:
        end = error.at
    assert 0 <= end <= len(text)
    with pytest.raises(OutputError):
        OutputParser(Ticket).parse(text)


@pytest.mark.slow
@given(CONTAINERS, st.data())
def test_loose_spellings_mean_what_strict_ones_do(value, data):
    """The law: commas, comments and fences change nothing."""
    text = json.dumps(value, indent=1)
    for loose, said_by in ((",\n", ",\n/* so */ "), ("\n]", ",\n]"), ("\n}", ",\n}")):
        if data.draw(st.booleans()) and '"' not in text:
            text = text.replace(loose, said_by)
    if data.draw(st.booleans()):
        text = f"As asked:\n```json\n{text}\n```\nDone."
    kind = list if isinstance(value, list) else dict
    assert OutputParser(kind).parse(text) == value


def test_a_hostile_text_is_refused():
    """A few places in it are tried, and each is read once."""
    for text in ("[" * 99 + "1", "{a " * 20_000, '"' * 40_000, "```\n" * 20_000, "[1] " * 20_000):
        with pytest.raises(OutputError):
            OutputParser(Ticket).parse(text)
