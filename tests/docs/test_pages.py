"""What the manual shows is what happens."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md"))
EXECUTED = [
    "extending.md",
    "http-tools.md",
    "leaks.md",
    "pytest.md",
    "records.md",
    "serving.md",
    "tools.md",
    "tutorial.md",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", EXECUTED)
def test_every_block_of_a_page_does_what_it_shows(page, name):
    """Files are written, commands are typed, outputs are compared."""
    assert page(name).read() >= 3


def test_the_index_names_every_page():
    """And nothing else."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))
    assert linked == set(PAGES) - {"README.md"}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_pages_and_headings(name):
    """Within the manual, and to the files beside it."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, heading = target.partition("#")
        page = DOCS / (file or name)
        assert page.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, target
