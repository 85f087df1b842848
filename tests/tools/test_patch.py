import asyncio
import builtins
import functools
import inspect

import pytest

from chaoskit.dotted import Place
from chaoskit.errors import UsageError
from chaoskit.tools.patch import patched


class Recorder:
    """Answers with a mark and what it was called with."""

    def __init__(self, original):
        self.original = original

    def __call__(self, *args, **kwargs):
        return "replaced", args, kwargs

    async def awaited(self, *args, **kwargs):
        await asyncio.sleep(0)
        return "awaited", args, kwargs


def place_of(function, owner=None, name=None):
    return Place(owner=owner, name=name or getattr(function, "__name__", ""), value=function)


def search(query, *, limit=5):
    return f"{query}/{limit}"


async def search_later(query):
    return query


def with_closure():
    secret = "inner"

    def find(query, size=3):
        return query, size, secret

    return find


def test_every_reference_sees_the_replacement():
    """Aliases, tables and bound defaults hold the same function object."""
    table, alias = {"search": search}, search
    held = functools.partial(search, limit=1)
    with patched(place_of(search), Recorder):
        assert table["search"]("q") == ("replaced", ("q",), {})
        assert alias(query="q") == ("replaced", (), {"query": "q"})
        assert held("q") == ("replaced", ("q",), {"limit": 1})
    assert (table["search"]("q"), alias("q"), held("q")) == ("q/5", "q/5", "q/1")


def test_the_original_still_does_its_work():
    """Also its defaults, keyword-only ones, and its closure."""
    find = with_closure()
    with patched(place_of(search), Recorder) as one, patched(place_of(find), Recorder) as other:
        assert one.original("q") == "q/5"
        assert other.original("q") == ("q", 3, "inner")
    assert find("q", 4) == ("q", 4, "inner")


def test_a_closure_is_replaced():
    """The number of free variables of a function cannot change; it does not have to."""
    find = with_closure()
    with patched(place_of(find), Recorder):
        assert find("q") == ("replaced", ("q",), {})


def test_a_coroutine_function_stays_one():
    """Who asks what it is gets the same answer as before."""
    with patched(place_of(search_later), Recorder):
        assert inspect.iscoroutinefunction(search_later)
        assert asyncio.run(search_later("q")) == ("awaited", ("q",), {})
    assert asyncio.run(search_later("q")) == "q"


def test_a_plain_wrapper_of_a_coroutine_function_returns_an_awaitable():
    """As it did before."""

    @functools.wraps(search_later)
    def wrapper(*args):
        return search_later(*args)

    with patched(place_of(wrapper), Recorder):
        assert asyncio.run(wrapper("q")) == ("awaited", ("q",), {})


def test_a_decorated_function_is_replaced_at_its_outside():
    """The decorator does not run either."""
    seen = []

    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            seen.append(args)
            return function(*args)

        return wrapper

    decorated = logged(search)
    with patched(place_of(decorated), Recorder) as replacement:
        assert decorated("q")[0] == "replaced"
        assert seen == []
        assert replacement.original("q") == "q/5"
    assert seen == [("q",)]


def test_signatures_stay_visible():
    """Frameworks build schemas from them while the run goes on."""
    before = inspect.signature(search)
    with patched(place_of(search), Recorder):
        assert inspect.signature(search) == before
    assert not hasattr(search, "__signature__")


class Tools:
    """The shapes that methods come in."""

    def method(self, query):
        return query

    @classmethod
    def of_class(cls, query):
        return query

    @staticmethod
    def static(query):
        return query


@pytest.mark.parametrize("name", ["method", "of_class", "static"])
def test_methods_are_replaced_for_every_instance(name):
    """Also through objects that exist already."""
    tools = Tools()
    place = Place(owner=Tools, name=name, value=getattr(Tools, name))
    with patched(place, Recorder):
        assert getattr(tools, name)("q")[1][-1] == "q"
        assert getattr(tools, name)("q")[0] == "replaced"
    assert getattr(tools, name)("q") == "q"


def test_nested_patches_unwind_in_order():
    """The inner one ends first, and then the outer one is in force again."""
    with patched(place_of(search), Recorder) as outer:
        with patched(place_of(search), Recorder) as inner:
            assert inner.original("q") == ("replaced", ("q",), {})
        assert search("q")[0] == "replaced"
        assert outer.original("q") == "q/5"
    assert search("q") == "q/5"


def test_an_exception_restores_everything():
    """The run may end in any way."""
    code = search.__code__
    with pytest.raises(KeyboardInterrupt), patched(place_of(search), Recorder):
        raise KeyboardInterrupt
    assert search.__code__ is code


def test_other_callables_are_replaced_where_they_stand():
    """In a module, in a dict, on an instance."""

    class Callable_:
        def __call__(self, query):
            return query

    class Holder:
        pass

    class Async:
        async def __call__(self, query):
            return query

    holder, table, queue = Holder(), {"length": len}, [functools.partial(search, limit=2)]
    holder.search, holder.later = Callable_(), Async()
    with (
        patched(Place(owner=holder, name="search", value=holder.search), Recorder),
        patched(Place(owner=holder, name="later", value=holder.later), Recorder),
        patched(Place(owner=table, name="length", value=len), Recorder),
        patched(Place(owner=queue, name=0, value=queue[0]), Recorder),
    ):
        assert holder.search("q") == ("replaced", ("q",), {})
        assert asyncio.run(holder.later("q")) == ("awaited", ("q",), {})
        assert table["length"]("q") == ("replaced", ("q",), {})
        assert queue[0]("q") == ("replaced", ("q",), {})
    assert (holder.search("q"), table["length"], queue[0]("q")) == ("q", builtins.len, "q/2")


def test_an_inherited_attribute_is_uncovered_again():
    """The class keeps what it had; the instance loses what it got."""

    class Base:
        search = functools.partial(search, limit=3)

    base = Base()
    with patched(Place(owner=base, name="search", value=base.search), Recorder):
        assert base.search("q")[0] == "replaced"
    assert vars(base) == {}


async def endless():
    yield 1


@pytest.mark.parametrize("value", [5, Tools, endless])
def test_what_is_no_function_is_refused(value):
    """The message says what to name instead."""
    with pytest.raises(UsageError, match="name"), patched(place_of(value), Recorder):
        raise AssertionError


def test_what_cannot_be_set_is_refused():
    """Methods of built-in types are nobody's to replace."""
    place = Place(owner=str, name="upper", value=str.upper)
    with pytest.raises(UsageError, match="cannot be replaced"), patched(place, Recorder):
        raise AssertionError
