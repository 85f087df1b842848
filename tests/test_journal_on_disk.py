"""A journal that lies in a file is the same journal."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.journal import (
    CalledTool,
    Delivered,
    GotResult,
    Journal,
    Replied,
    Requested,
    TurnStarted,
)
from chaoskit.journal_on_disk import JournalOnDisk

TEXTS = st.text(st.characters(), max_size=20)  # halves of surrogate pairs included
TIMES = st.floats(0, 1e6)
CALLS = st.builds(CalledTool, call_id=TEXTS, tool=TEXTS, arguments=TEXTS, valid=st.booleans())
EVENTS = st.one_of(
    st.builds(TurnStarted, at=TIMES, user=TEXTS, prompt=TEXTS),
    st.builds(Delivered, at=TIMES, call=st.integers(0, 9), how=st.just("closed"), seconds=TIMES),
    st.builds(
        Replied,
        at=TIMES,
        call=st.integers(0, 9),
        provider=TEXTS,
        model=TEXTS,
        stop=st.just("end"),
        text=TEXTS,
        tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    ),
)


@given(st.lists(EVENTS, max_size=12), st.integers(1, 5))
def test_events_come_back_equal_and_in_order(events, most):
    """However many of them are in the file."""
    plain, kept = Journal(), JournalOnDisk(most)
    for event in events:
        plain.append(event)
        kept.append(event)
    assert list(kept) == events
    assert len(kept) == len(events)
    assert kept == plain
    assert kept.of(Replied, TurnStarted) == plain.of(Replied, TurnStarted)
    assert not kept.of(Requested)
    assert len(Journal.loads(kept.dumps())) == len(events)


def test_memory_holds_the_newest_only():
    """That is what the file is for."""
    kept = JournalOnDisk(10)
    for number in range(95):
        kept.append(TurnStarted(at=float(number), prompt="?"))
    assert len(kept._events) == 5
    assert [event.at for event in kept] == [float(number) for number in range(95)]


def test_memory_holds_little_of_what_is_long():
    """Results of tools may be megabytes each."""
    kept = JournalOnDisk(10, heavy=1_000)
    long = GotResult(call_id="a", tool="search", is_error=False, text="x" * 400)
    asked = Requested(
        at=1.0, call=1, attempt=1, provider="p", dialect="d", operation="generate", model="m",
        stream=False, key="k", digest="d", step="s", prefix="p", messages=1, tools=(),
        prompt_tokens=1, max_tokens=None, results=(long,),
    )  # fmt: skip
    said = Replied(at=2.0, call=1, provider="p", model="m", stop="end", text="y" * 300)
    held = []
    for event in (asked, said, asked, said, said):
        kept.append(event)
        held.append(len(kept._events))
    assert held == [1, 2, 0, 1, 2]
    assert list(kept) == [asked, said, asked, said, said]


def test_reader_beside_a_writer_sees_a_beginning():
    """A verdict may be asked for while requests arrive."""
    kept, seen = JournalOnDisk(7), []

    def write():
        for number in range(3_000):
            kept.append(TurnStarted(at=float(number), prompt="?"))

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        seen.append([event.at for event in kept])
    writer.join()
    for times in [*seen, [event.at for event in kept]]:
        assert times == [float(number) for number in range(len(times))]
    assert len(kept) == 3_000


@given(st.lists(EVENTS, max_size=6), st.sampled_from([Journal, JournalOnDisk]))
def test_view_is_made_once_for_as_long_as_nothing_is_added(events, kind):
    """And is never that of a shorter journal."""
    journal, made = kind(), []

    def times(seen):
        made.append(len(seen))
        return [event.at for event in seen]

    for number, event in enumerate(events):
        assert journal.view(times) == journal.view(times) == [one.at for one in events[:number]]
        journal.append(event)
    assert journal.view(times) == [one.at for one in events]
    assert made == list(range(len(events) + 1))


def test_what_many_events_say_is_held_once_by_whoever_reads_them():
    """A verdict on a day of load holds all of them at once."""
    kept = JournalOnDisk(4)
    for number in range(8):
        kept.append(TurnStarted(at=float(number), user="alice", prompt=f"{number}" * 100))
    first, *others = kept
    assert all(event.user is first.user for event in others)
    assert [event.prompt for event in kept] == [f"{number}" * 100 for number in range(8)]
