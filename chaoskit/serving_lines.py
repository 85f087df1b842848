"""The simulated tools on standard input and output, for MCP clients that start their servers."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from chaoskit.control import in_full
from chaoskit.exits import of_verdicts
from chaoskit.players.stdio import Stdio, own_output
from chaoskit.serving import Kept, Session, not_in_production
from chaoskit.serving_aloud import named
from chaoskit.who import standing_in

__all__ = ["serve"]

USER = "client"
"""Whose requests they all are."""


def serve(
    wanted: str,
    *,
    scale: float,
    seed: int,
    journal: Path | None,
    verdict: bool,
    tell: Callable[[str], None],
) -> int:
    """Serve until the client hangs up; return the exit code of the process.

    Args:
        wanted: a file, or the name of a shipped scenario.
        verdict: say in the end how the client is judged, and let the exit code say it as well.
        tell: gets what belongs on the standard error.

    Raises:
        UsageError: there is no such scenario, or the journal cannot be written.
    """
    not_in_production()
    scenario = named(wanted)
    with contextlib.ExitStack() as stack:
        kept = None if journal is None else stack.enter_context(contextlib.closing(Kept(journal)))
        told = None if kept is None else kept.of("")
        session = Session(scenario, scale=scale, seed=seed, told=told)
        write = stack.enter_context(own_output())
        player = Stdio(session.tools, session.clock, lines=sys.stdin.buffer, write=write)
        with standing_in(USER):
            code = asyncio.run(player.run())
        session.end()
    if not verdict:
        return code
    judged = session.judge()
    tell(in_full(judged).rstrip("\n"))
    return of_verdicts([item.judgement.verdict for item in judged])
