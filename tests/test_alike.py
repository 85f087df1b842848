"""Streams that are written at once are those that are written event by event."""

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.alike import Alike, Rests, carries, kinds_of, sends, whole
from chaoskit.steps import Frame

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KINDS = st.sampled_from(["start", "content", "tool", "usage", "end"])
RESTS = st.lists(st.builds(Frame, kind=KINDS, name=st.just(""), data=TEXTS), min_size=1, max_size=6)
DONE = Frame(kind="done", name="", data="[DONE]")


@given(TEXTS, RESTS)
def test_written_at_once_or_event_by_event(head, rests):
    """The bytes, what carries the answer, and what the events are for."""
    stream = Alike(head, Rests(rests, DONE))
    plain = (*[Frame(one.kind, "", head + one.data) for one in rests], DONE)
    assert tuple(stream) == plain
    assert (len(stream), stream[0], stream[-2:]) == (len(plain), plain[0], plain[-2:])
    assert sends(stream) == sends(plain)
    assert whole(stream) == whole(plain) == b"".join([send.data for send in sends(plain)])
    assert carries(stream) == carries(plain)
    assert kinds_of(stream) == kinds_of(plain)


@given(TEXTS, TEXTS, RESTS)
def test_rests_serve_other_streams(one, other, rests):
    """What they follow stays with the stream."""
    shared = Rests(rests, DONE)
    first, second = Alike(one, shared), Alike(other, shared)
    assert whole(first) == whole(Alike(one, Rests(rests, DONE)))
    assert whole(second) == whole(Alike(other, Rests(rests, DONE)))
