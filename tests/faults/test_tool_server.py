"""Faults of tool servers, one by one: exact where they strike, nothing where they cannot."""

import json

import pytest

from chaoskit.exchange import Call
from chaoskit.faults import (
    ClosedInput,
    Crash,
    CutStream,
    EmptyContent,
    EndlessListing,
    IgnoredCancel,
    JsonRpcError,
    ListChangedStorm,
    LogNoise,
    Progress,
    SessionExpired,
    UnknownContent,
    VersionRefused,
    WrongId,
    WrongMediaType,
)
from chaoskit.steps import Close, Finish, Frame, Head, Refuse, Send, Wait
from chaoskit.steps import Crash as Died

CALL = Call(dialect="tools", provider="tools")
REPORT = Frame(kind="block", name="message", data='{"jsonrpc":"2.0","method":"progress"}')
RESULT = {
    "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
    "structuredContent": {"n": 2},
    "isError": False,
}
JSON = {"content-type": "application/json"}


def answer(result=RESULT, **more):
    """The frame of an answer."""
    data = {"jsonrpc": "2.0", "id": 7, "result": result} | more
    return Frame(kind="content", name="message", data=json.dumps(data, separators=(",", ":")))


def changed(**parts):
    """The frame of the answer with other parts."""
    return answer({key: value for key, value in (RESULT | parts).items() if value is not None})


class Mute:
    """Makes the frames of a dialect without any of the optional powers."""

    def error(self, refusal):
        return Frame(kind="error", name="", data=str(refusal.kind))


class Loud(Mute):
    """Makes every frame that there is."""

    def __init__(self, told=True):
        self.told = told

    def progress(self, done, total):
        return Frame(kind="block", name="", data=f"{done}/{total}") if self.told else None

    def tools_changed(self):
        return Frame(kind="block", name="", data="changed") if self.told else None

    def noise(self, text):
        return Frame(kind="ping", name="", data=text)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (WrongId(), answer(id=100_007)),
        (EmptyContent(), changed(content=[], structuredContent=None)),
        (
            UnknownContent(type="smell"),
            changed(content=[{"type": "smell", "text": one} for one in ("one", "two")]),
        ),
        (EndlessListing(), answer()),
    ],
)
def test_answer_is_changed_in_one_place(fault, expected, strike):
    """Messages before it stay as they are."""
    assert fault.frames((REPORT, answer()), Mute(), strike()) == (REPORT, expected)


def test_text_ids_are_changed_too(strike):
    """A client is free to use them."""
    (made,) = WrongId().frames((answer(id="a"),), Mute(), strike())
    assert json.loads(made.data)["id"] == "a-100000"


def test_every_page_names_the_same_next_one(strike):
    """Whether or not there was one."""
    page = {"tools": [{"name": "search"}]}
    for given in (page, page | {"nextCursor": "2"}):
        (made,) = EndlessListing(cursor="x").frames((answer(given),), Mute(), strike())
        assert json.loads(made.data)["result"] == page | {"nextCursor": "x"}


@pytest.mark.parametrize("fault", [WrongId(), EmptyContent(), UnknownContent(), EndlessListing()])
@pytest.mark.parametrize(
    "frame",
    [
        REPORT,
        Frame(kind="content", name="", data='{"id":"chatcmpl-1","choices":[]}'),
        Frame(kind="content", name="", data='{"jsonrpc":"2.0","id":1,"resu'),
        Frame(kind="content", name="", data="[1]"),
        Frame(kind="done", name="", data="[DONE]"),
    ],
)
def test_what_is_no_answer_of_json_rpc_is_left_alone(fault, frame, strike):
    """The very same tuple comes back, so that nothing counts as struck."""
    frames = (frame,)
    assert fault.frames(frames, Mute(), strike()) is frames


@pytest.mark.parametrize("fault", [EmptyContent(), UnknownContent(), EndlessListing()])
def test_error_of_the_protocol_has_no_result_to_damage(fault, strike):
    """It is told as it is."""
    frames = (answer(error={"code": -32603, "message": "x"}, result=None),)
    assert fault.frames(frames, Mute(), strike()) is frames


def test_failed_tool_keeps_its_words(strike):
    """Empty content is a success."""
    frames = (changed(isError=True),)
    assert EmptyContent().frames(frames, Mute(), strike()) is frames


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Progress(reports=2), ("1/3", "2/3")),
        (ListChangedStorm(count=3), ("changed",) * 3),
        (LogNoise(lines=("a", "b")), ("a", "b")),
    ],
)
def test_messages_come_before_the_answer(fault, told, strike):
    """As many as were asked for."""
    frames = (answer(),)
    made = fault.frames(frames, Loud(), strike())
    assert tuple(frame.data for frame in made[:-1]) == told
    assert made[-1] is frames[0]


@pytest.mark.parametrize("fault", [Progress(), ListChangedStorm(), LogNoise(), ClosedInput()])
def test_dialect_without_a_word_for_it_is_not_struck(fault, strike):
    """The very same tuple comes back."""
    frames = (answer(),)
    assert fault.frames(frames, Mute(), strike()) is frames


@pytest.mark.parametrize("fault", [Progress(), ListChangedStorm()])
def test_client_that_did_not_ask_is_told_nothing(fault, strike):
    """And nothing counts as struck."""
    frames = (answer(),)
    assert fault.frames(frames, Loud(told=False), strike()) is frames


def test_refusals_say_what_servers_say(strike):
    """By code, by session, by version."""
    error = JsonRpcError(code=-32000, message="gone").admit(CALL, strike())
    assert (error.code, error.message) == ("-32000", "gone")
    assert SessionExpired().admit(CALL, strike()).code == "session_expired"
    refused = VersionRefused(supported=("a", "b")).admit(CALL, strike())
    assert (refused.code, refused.details) == ("unsupported_version", {"supported": "a,b"})
    assert IgnoredCancel().admit(CALL, strike()) == ()


BEGUN = (Wait(2.0), Head(200, JSON, chunked=True))
WHOLE = (*BEGUN, Send(b"one"), Send(b"answer", content=True), Finish())


def test_process_dies_when_its_tool_has_had_its_time(strike):
    """Before a byte of the answer, or in the middle of it."""
    assert Crash().steps(WHOLE, strike()) == (Wait(2.0), Died())
    half = (*BEGUN, Send(b"one"), Send(b"ans", content=True), Died())
    assert Crash(half=True).steps(WHOLE, strike()) == half


def test_process_that_never_answers_dies_all_the_same(strike):
    """It does not wait for ever before."""
    assert Crash().steps((Wait(float("inf")),), strike()) == (Died(),)
    assert Crash(half=True).steps((Refuse(),), strike()) == (Died(),)


def test_cut_can_go_through_a_piece(strike):
    """Half of its bytes arrive."""
    made = CutStream(after=0, within=True).steps(WHOLE, strike())
    assert made == (*BEGUN, Send(b"one"), Send(b"ans", content=True), Close())


def test_label_is_wrong_and_the_rest_is_right(strike):
    """Only where there is one."""
    made = WrongMediaType(media_type="text/html").steps(WHOLE, strike())
    assert made == (
        Wait(2.0),
        Head(200, {"content-type": "text/html"}, chunked=True),
        *WHOLE[2:],
    )
    for steps in ((Refuse(),), (Head(202, {}), Finish()), made):
        assert WrongMediaType(media_type="text/html").steps(steps, strike()) is steps
