"""Cuts are exact: so many pieces of the answer arrive, and nothing else is invented."""

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.fault import Strike
from chaoskit.faults import CutStream, Dribble, Slow, Stall, UnfinishedStream
from chaoskit.seed import derive
from chaoskit.steps import Close, Finish, Frame, Head, Send, Wait

STRIKE = Strike(rng=derive(1), now=0.0, user="ann", count=0, canary=str)
SENDS = st.builds(Send, st.binary(min_size=1, max_size=40), st.booleans())
BODIES = st.lists(SENDS | st.builds(Wait, st.floats(0, 5)), max_size=12).map(tuple)
FRAMES = st.lists(
    st.sampled_from(["content", "tool", "ping", "block"]).map(
        lambda kind: Frame(kind=kind, name=kind, data="{}")
    ),
    max_size=12,
).map(
    lambda middle: (
        Frame(kind="start", name="", data="{}"),
        *middle,
        Frame(kind="end", name="", data="{}"),
        Frame(kind="done", name="", data="{}"),
    )
)


def _response(body, *, chunked):
    return (Head(200, {}, chunked=chunked), *body, Finish())


def _bytes(steps):
    return b"".join(step.data for step in steps if isinstance(step, Send))


def _pieces(steps):
    return sum(isinstance(step, Send) and step.content for step in steps)


@given(body=BODIES, after=st.integers(0, 8))
def test_a_cut_stream_has_exactly_so_many_pieces(body, after):
    """Or all of a shorter one, and always a prefix of the whole."""
    steps = _response(body, chunked=True)
    cut = CutStream(after=after).steps(steps, STRIKE)
    assert cut[-1] == Close()
    assert _bytes(steps).startswith(_bytes(cut))
    if _pieces(steps):
        assert _pieces(cut) == min(after, _pieces(steps))
        assert cut[:-1] == steps[: len(cut) - 1]


@given(body=BODIES, after=st.integers(0, 8))
def test_a_cut_body_has_half_of_its_bytes(body, after):
    """Rounded down, wherever the pieces end."""
    steps = _response(body, chunked=False)
    cut = CutStream(after=after).steps(steps, STRIKE)
    whole = _bytes(steps)
    assert _bytes(cut) == whole[: len(whole) // 2]


@given(body=BODIES, after=st.integers(0, 8), chunked=st.booleans())
def test_a_stall_loses_nothing(body, after, chunked):
    """It adds one wait."""
    steps = _response(body, chunked=chunked)
    stalled = Stall(after=after, seconds=600).steps(steps, STRIKE)
    assert _bytes(stalled) == _bytes(steps)
    assert [step.seconds for step in stalled if isinstance(step, Wait)].count(600) == 1


@given(body=BODIES, size=st.integers(1, 50))
def test_a_dribble_loses_nothing(body, size):
    """No piece is larger than asked."""
    steps = _response(body, chunked=True)
    drops = Dribble(size=size).steps(steps, STRIKE)
    assert _bytes(drops) == _bytes(steps)
    assert all(len(step.data) <= size for step in drops if isinstance(step, Send))


@given(body=BODIES)
def test_slowness_adds_exactly_what_was_asked(body):
    """Before the head once, before each piece, and the old waits stretched."""
    steps = _response(body, chunked=True)
    slow = Slow(before=3, between=2, factor=4).steps(steps, STRIKE)
    assert [step for step in slow if not isinstance(step, Wait)] == [
        step for step in steps if not isinstance(step, Wait)
    ]
    own = [step.seconds * 4 for step in steps if isinstance(step, Wait)]
    added = 3 + 2 * _pieces(steps)
    total = sum(step.seconds for step in slow if isinstance(step, Wait))
    assert abs(total - sum(own) - added) < 1e-9


@given(frames=FRAMES, after=st.integers(0, 8))
def test_an_unfinished_stream_is_a_prefix_without_terminator(frames, after):
    """With exactly so many pieces of the answer."""
    cut = UnfinishedStream(after=after).frames(frames, None, STRIKE)
    content = [frame.kind in ("content", "tool") for frame in frames]
    assert cut == frames[: len(cut)]
    assert not {"end", "done"} & {frame.kind for frame in cut}
    assert sum(content[: len(cut)]) == min(after, sum(content))
