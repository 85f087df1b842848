"""Values that are made quickly are the values that dataclasses make."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit import journal
from chaoskit.journal import KINDS
from chaoskit.quick import maker, quick


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Whatever all of them have."""

    at: float
    user: str = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual(Base):
    """As dataclasses make it."""

    call: int
    tags: dict[str, int] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list, compare=False)

    def __post_init__(self):
        if self.call < 0:
            raise ValueError("no number of a call")


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Quick(Base):
    """The same, made quickly."""

    call: int
    tags: dict[str, int] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list, compare=False)

    def __post_init__(self):
        if self.call < 0:
            raise ValueError("no number of a call")


make_quick, make_usual = maker(Quick), maker(Usual)

GIVEN = st.fixed_dictionaries(
    {"at": st.floats(allow_nan=False), "call": st.integers(0)},
    optional={"user": st.text(), "tags": st.dictionaries(st.text(), st.integers(), max_size=2)},
)


def values(one):
    return {field.name: getattr(one, field.name) for field in fields(one)}


@given(GIVEN, st.text())
def test_a_quick_value_has_what_it_was_given(given_, user):
    """Defaults and changed copies included; it is of its class and of no other."""
    one, usual = Quick(**given_), Usual(**given_)
    assert type(one) is Quick
    assert values(one) == values(usual)
    assert repr(one) == repr(usual).replace("Usual", "Quick")
    assert values(replace(one, user=user)) == values(replace(usual, user=user))
    assert one == Quick(**given_)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one


@pytest.mark.parametrize(("make", "cls"), [(make_quick, Quick), (make_usual, Usual)])
@given(GIVEN)
def test_a_maker_makes_what_the_class_makes(make, cls, given_):
    """Whether the class is quick by itself or not."""
    one = make(**given_)
    assert type(one) is cls
    assert one == cls(**given_)
    assert values(one) == values(cls(**given_))
    assert make(**given_).seen is not one.seen


@pytest.mark.parametrize("make", [Quick, make_quick, make_usual])
def test_a_quick_value_cannot_be_changed(make):
    """Neither by name nor by deletion, nor does it take other names."""
    one = make(at=1.0, call=2)
    with pytest.raises(FrozenInstanceError):
        one.call = 3
    with pytest.raises(FrozenInstanceError):
        del one.call
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        one.other = 3


def test_each_quick_value_has_a_default_of_its_own():
    """What a factory makes is not shared."""
    assert Quick(at=1.0, call=2).seen is not Quick(at=1.0, call=2).seen


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"at": 1.0}, "missing 1 required keyword-only argument: 'call'"),
        ({"at": 1.0, "call": 1, "cal": 2}, "unexpected keyword argument 'cal'"),
    ],
)
@pytest.mark.parametrize("how", ["first", "used", "maker"])
def test_wrong_arguments_are_told_by_the_name_of_the_class(wrong, told, how):
    """The first time, when its `__init__` is only being written, and later."""

    @quick
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Fresh:
        at: float
        call: int

    if how == "used":
        Fresh(at=1.0, call=1)
    make = maker(Fresh) if how == "maker" else Fresh
    with pytest.raises(TypeError, match=r"Fresh\.__init__\(\)") as caught:
        make(**wrong)
    assert told in str(caught.value)


@pytest.mark.parametrize("make", [Quick, make_quick, make_usual])
def test_what_its_class_objects_to_is_raised(make):
    """A check after construction is made as always."""
    with pytest.raises(ValueError, match="no number of a call"):
        make(at=1.0, call=-1)


def test_events_are_made_of_the_kinds_that_the_journal_knows():
    """The helpers of quick classes are no kinds of events."""
    one = journal.Delivered(at=1.0, call=1, how="complete", seconds=0.5)
    assert KINDS["Delivered"] is type(one)
    assert all(kind.__module__ == journal.__name__ for kind in KINDS.values())
    assert len(KINDS) == len({id(kind) for kind in KINDS.values()})
