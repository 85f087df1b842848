"""What the service keeps."""

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.provider.shelf import Room, Shelf


def test_things_are_found_by_kind_and_name():
    """And are gone when they were dropped."""
    shelf = Shelf()
    shelf.put("file", "a", 1)
    shelf.put("batch", "a", 2)
    assert (shelf.get("file", "a"), shelf.get("batch", "a"), shelf.get("file", "b")) == (1, 2, None)
    shelf.drop("file", "a")
    shelf.drop("file", "never")
    assert (shelf.get("file", "a"), shelf.get("batch", "a"), shelf.all("nothing")) == (None, 2, ())


def test_the_oldest_of_too_many_is_forgotten():
    """Of its own kind; changing a thing does not make it newer."""
    shelf = Shelf(most=2)
    for name in ("a", "b", "a", "c"):
        shelf.put("file", name, name)
    shelf.put("batch", "d", "d")
    assert (shelf.all("file"), shelf.all("batch")) == (("b", "c"), ("d",))


def test_the_oldest_bytes_of_all_shelves_are_forgotten():
    """What has no size takes no room; the largest thing is kept while it is the newest."""
    room = Room(most=10)
    mine, theirs = Shelf(room=room), Shelf(room=room)
    mine.put("file", "a", "a", size=4)
    theirs.put("file", "b", "b", size=4)
    mine.put("response", "c", "c")
    mine.put("response", "d", "d", size=4)
    assert (mine.all("file"), theirs.all("file"), mine.all("response")) == ((), ("b",), ("c", "d"))
    theirs.put("file", "e", "e", size=99)
    assert (theirs.all("file"), mine.all("response")) == (("e",), ("c",))
    mine.put("file", "f", "f", size=1)
    assert (theirs.all("file"), mine.all("file")) == ((), ("f",))


PUTS = st.tuples(
    st.sampled_from(["file", "response"]),
    st.sampled_from("abcdef"),
    st.integers(0, 60) | st.none(),  # none drops it
)


@given(st.lists(PUTS), st.integers(1, 100), st.integers(1, 4))
def test_there_is_never_more_than_the_room_or_one_thing(puts, most, count):
    """And the thing that was put last is there, and as much of the rest as has room."""
    room = Room(most)
    shelf = Shelf(count, room)
    for kind, name, size in puts:
        if size is None:
            shelf.drop(kind, name)
            continue
        newest = kind == "file" and shelf.get(kind, name) is None
        shelf.put(kind, name, (name, size), size=size)
        kept = [value[1] for each in ("file", "response") for value in shelf.all(each)]
        assert sum(kept) <= most or sum(map(bool, kept)) == 1
        assert room._taken == sum(kept)
        if newest:
            assert shelf.get(kind, name) == (name, size)
        assert all(len(shelf.all(each)) <= count for each in ("file", "response"))
