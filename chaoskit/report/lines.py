"""Lines on a terminal or in a log: cut to fit, or wrapped and indented. Nothing is markup."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

__all__ = ["cut", "line", "say"]

Piece = str | Text


def cut(text: str, width: int) -> str:
    """Return a text that is exactly so wide on a terminal."""
    text = " ".join(text.split())
    if cell_len(text) > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return set_cell_size(text, width)


def line(console: Console, *pieces: Piece, style: str = "") -> None:
    """Print one line, cut where the terminal ends."""
    text = Text.assemble(*pieces, style=style)
    text.rstrip()
    console.print(text, overflow="ellipsis", no_wrap=True)


def say(console: Console, indent: int, *pieces: Piece) -> None:
    """Print a text of any length, wrapped; what follows its first line stands two further in."""
    text = Text.assemble(*pieces)
    for number, part in enumerate(text.wrap(console, console.width - indent - 2)):
        part.rstrip()
        console.print(" " * (indent + 2 * bool(number)), part, sep="", no_wrap=True)
