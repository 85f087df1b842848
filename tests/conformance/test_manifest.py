"""The manifest is complete: every behaviour has a test, and every test shows a behaviour."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
FOLDERS = ("conformance", "dialects", "generations")
OWN = {"test_manifest.py", "test_refusals.py"}
INNER = {"test_pieces.py", "test_silent.py"}  # how the code is cut, which no client sees
INNER |= {"test_week_on_this_generation.py"}  # what agents live through, rather than the wire
FILES = sorted(
    file
    for folder in FOLDERS
    for file in (TESTS / folder).rglob("test_*.py")
    if file.name not in OWN | INNER
)
KEYS = {"says", "source", "deviation", "file"}
ROW = {
    "message",
    "with",
    "without",
    "path",
    "version",
    "headers",
    "status",
    "type",
    "param",
    "code",
}
NAME = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+\Z")


def marked(file):
    """Every test of a file with the entries that it shows."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = [
                mark
                for mark in node.decorator_list
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.wire"
            ]
            yield node.name, [word.value for mark in marks for word in mark.args]


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_every_test_shows_a_behaviour(file, manifest):
    """A test without an entry tests nothing that anybody promised."""
    for test, names in marked(file):
        assert names, f"{file.name}: {test} has no mark `wire`"
        missing = [name for name in names if name not in manifest]
        assert not missing, f"{file.name}: {test} shows {missing}, which the manifest lacks"


def test_every_behaviour_has_a_test(manifest):
    """By its mark, or because it holds a request that is sent."""
    shown = {name for file in FILES for _, names in marked(file) for name in names}
    rows = {name for name, entry in manifest.items() if "message" in entry}
    assert not sorted(set(manifest) - shown - rows)
    assert not sorted(rows & shown)


def test_every_entry_is_well_formed(manifest):
    """One sentence, a source, and nothing that nobody reads."""
    for name, entry in manifest.items():
        assert NAME.match(name), name
        assert entry["source"], name
        assert entry["says"].endswith("."), name
        assert set(entry) <= KEYS | (ROW if "message" in entry else set()), name
        top = name.partition(".")[0]
        assert entry["file"] in (top, f"{top}_refusals", "openai_refusals"), name


def test_the_marks_are_looked_for_where_they_stand(manifest):
    """Or the law above would hold for an empty folder."""
    assert len(FILES) > 10
    assert len(manifest) > 200
