import json

import pytest

from chaoskit.exchange import Refusal
from chaoskit.faults import BrokenEvent, DuplicatedEvent, ErrorMidStream, UnfinishedStream
from chaoskit.steps import Frame


class Maker:
    def error(self, refusal: Refusal) -> Frame:
        return Frame(kind="error", name="error", data=json.dumps({"type": refusal.kind}))


def _frame(kind, number=0):
    return Frame(kind=kind, name=kind, data=json.dumps({"kind": kind, "number": number}))


START, PING, END, DONE = (_frame(kind) for kind in ("start", "ping", "end", "done"))
FIRST, SECOND, THIRD = _frame("content", 1), _frame("content", 2), _frame("tool", 3)
STREAM = (START, PING, FIRST, PING, SECOND, THIRD, END, DONE)
EMPTY = (START, END, DONE)
OVERLOADED = Maker().error(Refusal(kind="overloaded"))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0, (START, PING)),
        (1, (START, PING, FIRST)),
        (2, (START, PING, FIRST, PING, SECOND)),
        (3, (START, PING, FIRST, PING, SECOND, THIRD)),
        (99, (START, PING, FIRST, PING, SECOND, THIRD)),
    ],
)
def test_unfinished_stream_ends_after_so_many_pieces(strike, after, expected):
    """Pings do not count; a shorter answer loses its end only."""
    assert expected == UnfinishedStream(after=after).frames(STREAM, Maker(), strike())


def test_unfinished_stream_of_an_empty_answer_loses_its_end(strike):
    """The terminator is what is missing."""
    assert UnfinishedStream().frames(EMPTY, Maker(), strike()) == (START,)


def test_unfinished_stream_leaves_a_cut_one_alone(strike):
    """Nothing is left to drop."""
    cut = (START, PING, FIRST)
    assert UnfinishedStream(after=1).frames(cut, Maker(), strike()) is cut


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0, (START, PING, OVERLOADED)),
        (2, (START, PING, FIRST, PING, SECOND, OVERLOADED)),
        (99, (START, PING, FIRST, PING, SECOND, THIRD, OVERLOADED)),
    ],
)
def test_error_comes_after_so_many_pieces_and_ends_the_stream(strike, after, expected):
    """Nothing follows the error event."""
    assert expected == ErrorMidStream(after=after).frames(STREAM, Maker(), strike())


def test_error_in_a_stream_has_its_kind(strike):
    """The dialect gets the refusal's kind."""
    frames = ErrorMidStream(kind="timeout").frames(EMPTY, Maker(), strike())
    assert json.loads(frames[-1].data) == {"type": "timeout"}


@pytest.mark.parametrize(("after", "broken"), [(0, 2), (1, 4), (2, 5), (99, 5)])
def test_broken_event_is_a_content_frame(strike, after, broken):
    """Exactly one frame changes, never a ping, and it is no JSON any more."""
    frames = BrokenEvent(after=after).frames(STREAM, Maker(), strike())
    changed = [index for index, frame in enumerate(frames) if frame != STREAM[index]]
    assert [broken] == changed
    assert STREAM[broken].name == frames[broken].name
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[broken].data)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (0, (START, PING, FIRST, FIRST, PING, SECOND, THIRD, END, DONE)),
        (99, (START, PING, FIRST, PING, SECOND, THIRD, THIRD, END, DONE)),
    ],
)
def test_duplicated_event_is_a_content_frame(strike, after, expected):
    """It arrives twice in a row; all others once."""
    assert expected == DuplicatedEvent(after=after).frames(STREAM, Maker(), strike())


@pytest.mark.parametrize("fault", [BrokenEvent(), DuplicatedEvent()], ids=repr)
def test_an_answer_without_content_has_no_event_to_damage(fault, strike):
    """The same tuple tells that nothing was struck."""
    assert fault.frames(EMPTY, Maker(), strike()) is EMPTY
