"""The manifest: every wire behaviour that the simulation promises, one entry each."""

import tomllib
from pathlib import Path

import httpx2
import pytest

from chaoskit.serving import serving

MANIFEST = Path(__file__).parent / "manifest"


def entries():
    """All entries by name, each with the file in which it stands."""
    found = {}
    for file in sorted(MANIFEST.glob("*.toml")):
        for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items():
            assert name not in found, f"{name} stands in two files"
            found[name] = entry | {"file": file.stem}
    return found


@pytest.fixture(scope="session")
def manifest():
    """Return all entries by name."""
    return entries()


@pytest.fixture(scope="module")
def http():
    """A client that trusts no environment, and keeps its connections."""
    with httpx2.Client(trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def session():
    """The nameless session of a server of its own."""
    with serving() as server:
        yield server.session()


def pytest_generate_tests(metafunc):
    """Let a test run for each refusal of the manifest."""
    if "refusal" in metafunc.fixturenames:
        rows = [(name, entry) for name, entry in entries().items() if "message" in entry]
        metafunc.parametrize("refusal", rows, ids=[name for name, _ in rows], indirect=True)
