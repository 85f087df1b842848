"""The table of what the SDKs make of each fault is what the installed ones do."""

import importlib.metadata
from pathlib import Path

import pytest

from chaoskit.demo.sdk_faults import PLAIN, STREAMED
from chaoskit.demo.sdks import COLUMNS, cell, tables

PAGE = Path(__file__).parents[2] / "docs" / "sdks.md"
GENERATION = importlib.metadata.version("anthropic").partition(".")[0]


def told():
    """The cells of the page for this generation, by column and row."""
    sections = PAGE.read_text(encoding="utf-8").split("\n### anthropic ")[1:]
    (section,) = [text for text in sections if text.startswith(f"{GENERATION}.")]
    found = {}
    for lines in section.split("\n\n")[1:]:
        rows = [
            [word.strip() for word in line.strip("|").split("|")]
            for line in lines.splitlines()
            if line.startswith("|") and not line.startswith("|-")
        ]
        (_, *titles), *rows = rows
        for name, *cells in rows:
            found |= {(title, name): told for title, told in zip(titles, cells, strict=True)}
    return found


@pytest.mark.wire("sdk.matrix.of_faults")
@pytest.mark.slow
@pytest.mark.parametrize("column", COLUMNS, ids=[column.title for column in COLUMNS])
def test_page_tells_what_this_sdk_does(column):
    """If this fails after an update of an SDK, the SDK has changed: make the page again."""
    faults = STREAMED if column.streamed else PLAIN
    page = told()
    assert {name: cell(column, fault) for name, fault in faults} == {
        name: page[column.title, name] for name, _ in faults
    }


@pytest.mark.wire("sdk.matrix.is_whole")
def test_page_has_every_fault():
    """No row too many, none too few; the header of the command names the versions."""
    expected = {
        (column.title, name)
        for column in COLUMNS
        for name, _ in (STREAMED if column.streamed else PLAIN)
    }
    assert set(told()) == expected
    assert importlib.metadata.version("openai") in next(tables())
