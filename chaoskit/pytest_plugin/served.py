"""Sessions of a server for tests whose agents are other processes: one server, a session a test."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Iterator

import pytest

from chaoskit.errors import UsageError
from chaoskit.pytest_plugin import WORLD
from chaoskit.pytest_plugin.by_hand import judge_late, said, words_of
from chaoskit.pytest_plugin.seeds import remember, session_seed
from chaoskit.pytest_plugin.telling import journal_file
from chaoskit.serving import Server, Session, serving

__all__ = ["running", "session"]

_LONGEST = 60  # characters of a test's name in that of its session


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Run the server of this process."""
    try:
        with serving() as server:
            yield server
    except UsageError as error:
        raise pytest.fail.Exception(f"chaoskit: {error}", pytrace=False) from None


@contextlib.contextmanager
def session(request: pytest.FixtureRequest, server: Server) -> Iterator[Session]:
    """Begin the session of a test, as its markers say, and forget it afterwards."""
    node, config = request.node, request.config
    if "chaos" in request.fixturenames:
        pytest.fail(
            "a test has either `chaos`, which is virtual time within this process, or "
            "`chaos_server`, which is real time for other processes",
            pytrace=False,
        )
    remember(config)
    words = words_of(node)
    short = re.sub(r"[^A-Za-z0-9_.=-]+", "-", node.name)[:_LONGEST]
    name = f"{short}-{zlib.crc32(node.nodeid.encode()):08x}"
    made = server.begin(name, seed=words.get("seed", session_seed(config)), word="chaos_server")
    try:
        said(made, words)
        node.stash[WORLD] = made
        yield made
    finally:
        server.reset(name)
    del node.stash[WORLD]  # it may be run again
    if folder := config.option.chaos_journal:
        made.journal.write(journal_file(folder, node.nodeid))
    judge_late(node, made)
