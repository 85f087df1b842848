"""The simulated tools on standard input and output, for MCP clients that start their servers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from chaoskit.control import verdict_text
from chaoskit.errors import UsageError
from chaoskit.exits import of_verdicts
from chaoskit.players.stdio import Stdio, own_output
from chaoskit.proxies.between import Between
from chaoskit.proxies.command import CommandServer
from chaoskit.proxies.lines import LinesProxy
from chaoskit.proxies.upstream import Upstream
from chaoskit.serving import Session, not_in_production
from chaoskit.serving_aloud import named
from chaoskit.serving_files import Files
from chaoskit.who import standing_in

__all__ = ["serve"]

_URL = ("http://", "https://")

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
    in_front_of: str = "",
    port: int | None = None,
) -> int:
    """Serve until the client hangs up; return the exit code of the process.

    Args:
        wanted: a file, or the name of a shipped scenario.
        in_front_of: command or URL of a real server, whose tools are served instead.
        port: where to listen in front of a URL, 0 for any that is free; without it, on standard
            input and output.
        verdict: say in the end how the client is judged, and let the exit code say it as well.
        tell: gets what belongs on the standard error.

    Raises:
        UsageError: there is no such scenario, or the journal cannot be written.
    """
    not_in_production()
    scenario = named(wanted)
    if port is not None and not in_front_of.startswith(_URL):
        raise UsageError("--port goes with --in-front-of http://…; `chaoskit serve` has one, too")
    with contextlib.ExitStack() as stack:
        kept = None if journal is None else stack.enter_context(contextlib.closing(Files(journal)))
        told = None if kept is None else kept.of("")
        session = Session(scenario, scale=scale, seed=seed, told=told)
        player = _player(session, stack, in_front_of, port, tell)
        with standing_in(USER):
            code = asyncio.run(player.run())
        session.end()
    if not verdict:
        return code
    judged = session.judge()
    tell(verdict_text(judged).rstrip("\n"))
    return of_verdicts([item.judgement.verdict for item in judged])


class _Player(Protocol):
    async def run(self) -> int:
        """Serve; return the exit code of the process."""
        ...


def _player(
    session: Session,
    stack: contextlib.ExitStack,
    in_front_of: str,
    port: int | None,
    tell: Callable[[str], None],
) -> _Player:
    server, clock = session.tools, session.clock
    between = Between(server, session.toolbox)
    # What only some of them need takes long to import, and clients wait for it.
    if port is not None:
        from chaoskit.proxies.http import HttpProxy  # noqa: PLC0415

        return HttpProxy(in_front_of, between, server, clock, port=port, tell=tell)
    write = stack.enter_context(own_output())
    if not in_front_of:
        return Stdio(server, clock, source=0, write=write)
    upstream: Upstream = CommandServer(in_front_of)
    if in_front_of.startswith(_URL):
        from chaoskit.proxies.url import UrlServer  # noqa: PLC0415

        upstream = UrlServer(in_front_of)
    return LinesProxy(upstream, between, server, clock, source=0, write=write, tell=tell)
