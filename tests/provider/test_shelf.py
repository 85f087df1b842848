"""What the service keeps."""

from chaoskit.provider.shelf import Shelf


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
