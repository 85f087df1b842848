"""Executes the pages of the manual, block by block."""

import contextlib
import importlib.util
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"(?:<!-- needs (?P<needs>.+?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
PORT = re.compile(r"\b(?:8643|8765)\b")
NAME = re.compile(r"^(?:#|//) (\S+\.(?:py|toml|mjs|sh))$", re.MULTILINE)


@dataclass
class Page:
    """A page, and the folder in which its reader works."""

    file: Path
    folder: Path

    def read(self):
        """Do what the page says, and compare what it shows; return how many blocks it has."""
        text = self.file.read_text(encoding="utf-8")
        for port in sorted(set(PORT.findall(text))):  # another run may have taken it
            text = re.sub(rf"\b{port}\b", str(_free_port()), text)
        blocks = list(BLOCK.finditer(text))
        for block in blocks:
            if block["needs"] and not NEEDS[block["needs"]]():
                continue
            if block["kind"] == "console":
                self._type(block["text"])
            elif name := NAME.search("\n".join(block["text"].splitlines()[:2])):
                (self.folder / name[1]).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name[1]).write_text(block["text"], encoding="utf-8")
            else:
                assert block["kind"] in ("sh", "text"), f"what is this? {block['text'][:60]!r}"
        return len(blocks)

    def _type(self, session):
        for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                    "PYTEST_ADDOPTS": "-p no:asyncio",  # readers need not have it
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=300,  # a page that waits for what never comes fails, and does not hang
            )
            shown = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
            assert re.fullmatch(_pattern(expected), shown), (
                f"$ {shlex.quote(command)}\n--- the page shows\n{expected}--- it was\n{shown}"
            )


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _pattern(expected):
    """The expression that an output satisfies; `…` stands for anything, on a line or for lines."""
    lines = [
        "(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in expected.splitlines()
    ]
    return "".join(lines)


NEEDS = {
    "node": lambda: shutil.which("node") is not None,
    "mcp": lambda: importlib.util.find_spec("mcp") is not None,
    "curl": lambda: shutil.which("curl") is not None,
}


@pytest.fixture
def page(tmp_path):
    """Open a page of the manual in an empty folder."""
    if shutil.which("bash") is None:
        pytest.skip("the pages are typed into bash")
    yield lambda name: Page(ROOT / "docs" / name, tmp_path)
    for file in tmp_path.glob("*.pid"):  # of what a page started and, since it failed, did not end
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text(encoding="utf-8")), signal.SIGTERM)
