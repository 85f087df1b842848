import re
from collections import Counter
from pathlib import Path

import pytest
from pydantic import TypeAdapter

import chaoskit.faults
from chaoskit.fault import stage_of
from chaoskit.faults import FAULTS

FILES = sorted(
    path.stem
    for path in Path(chaoskit.faults.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)


NEEDED = {
    "slow": {"before": 1},
    "slow_result": {"seconds": 1},
    "injected_instructions": {"tool": "send_email"},
    "tool_vanished": {"tool": "search_logs"},
    "schema_drift": {"tool": "search_logs", "rename": {"query": "text"}},
}


def _made(name):
    return FAULTS[name](**NEEDED.get(name, {}))


def test_every_file_is_one_registered_fault():
    """A fault is one file, and its name in scenarios is the name of the file."""
    assert sorted(FAULTS) == FILES


def test_public_names_are_the_catalogue():
    """What can be imported is what is registered."""
    expected = {FAULTS[name].__name__ for name in FAULTS} | {"FAULTS"}
    assert expected == set(chaoskit.faults.__all__)


def test_every_stage_has_faults():
    """No stage of the exchange is left out."""
    stages = Counter(stage_of(_made(name)) for name in FAULTS)
    assert {"admit", "reply", "frames", "steps", "offer", "run", "result"} == set(stages)


@pytest.mark.parametrize("name", FILES)
def test_fault_teaches_in_one_sentence(name):
    """The docstring is what the manual and the editor show."""
    text = FAULTS[name].__doc__
    assert re.fullmatch(r"[A-Z][^.\n]*\.", text), text


@pytest.mark.parametrize("name", FILES)
def test_every_setting_is_described(name):
    """Field docs reach the JSON Schema."""
    properties = TypeAdapter(FAULTS[name]).json_schema().get("properties", {})
    assert not [key for key, value in properties.items() if not value.get("description")]


@pytest.mark.parametrize("name", FILES)
def test_repr_builds_the_fault_again(name):
    """A printed plan can be pasted into Python."""
    fault = _made(name)
    assert fault == eval(repr(fault), vars(chaoskit.faults).copy())
