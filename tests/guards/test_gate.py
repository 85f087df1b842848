"""After text from outside has come in, tools that act are refused."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards import ActionGate, ActionRefused, ToolRefused

ACTS = ("send_*", "refund")
OUTSIDE = ("search_*", "read_mail")
TOOLS = ("send_mail", "send_money", "refund", "search_web", "search_logs", "read_mail", "add")


def gate(**more):
    return ActionGate(acts=ACTS, untrusted=OUTSIDE, **more)


def acts(name):
    return name.startswith("send_") or name == "refund"


def brings(name):
    return name.startswith("search_") or name == "read_mail"


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(TOOLS))))
def test_what_acts_is_refused_exactly_when_text_from_outside_has_come_in(steps):
    """In any order of calls and results."""
    watching, outside = gate(), {}
    for is_call, name in steps:
        if not is_call:
            watching.saw(name)
            if brings(name):
                outside[name] = None
        elif acts(name) and outside:
            with pytest.raises(ActionRefused) as caught:
                watching.check(name, {"to": "somebody"})
            assert caught.value.sources == tuple(outside)
        else:
            watching.check(name, {})
        assert watching.sources == tuple(outside)


def test_a_person_may_consent():
    """Asked with name and arguments, and only where a call would be refused."""
    asked, events = [], []

    def confirm(name, arguments):
        asked.append((name, arguments))
        return arguments["to"] == "boss"

    watching = gate(confirm=confirm, listener=events.append)
    watching.check("send_mail", {"to": "anybody"})
    watching.saw("read_mail")
    watching.check("send_mail", {"to": "boss"})
    with pytest.raises(ActionRefused):
        watching.check("send_mail", {"to": "eve"})

    assert asked == [("send_mail", {"to": "boss"}), ("send_mail", {"to": "eve"})]
    assert [event.kind for event in events] == ["confirmed", "refused"]
    assert "eve" not in str(events)


def test_unless_said_otherwise_every_tool_that_does_not_act_brings_text_from_outside():
    """The careful reading is the default."""
    watching = ActionGate(acts=["pay"])
    watching.saw("pay")
    watching.check("pay")
    watching.saw("anything")
    with pytest.raises(ActionRefused):
        watching.check("pay")


def test_the_refusal_says_that_nothing_was_done():
    """It is fit for the model, tells no arguments, can be pickled, and is a refusal to others."""
    watching = gate()
    watching.saw("read_mail")
    with pytest.raises(ToolRefused) as caught:
        watching.check("refund", {"order": "A-4711"})
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.tool, error.sources) == ("refund", ("read_mail",))
    assert "was not run" in str(error)
    assert "4711" not in str(error)


def test_one_text_is_no_collection_of_names():
    """A slip that would name single letters."""
    with pytest.raises(TypeError, match="collections of names"):
        ActionGate(acts="send_mail")
