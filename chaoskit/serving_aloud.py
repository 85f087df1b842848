"""The server in the foreground of a terminal: what to copy, what to beware of, and the verdicts."""

from __future__ import annotations

import contextlib
import gc
import shlex
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from chaoskit import catalogue
from chaoskit.control import in_full
from chaoskit.errors import UsageError
from chaoskit.exits import UNKNOWN, of_verdicts
from chaoskit.scenario import Scenario
from chaoskit.serving import Server, serving

__all__ = ["named", "serve", "until_a_signal"]

_ON_TOOLS = ("offer", "run", "result")
_RARELY = (20_000, 20, 50)  # instead of (700, 10, 10): what requests leave behind has no cycles
_MANY = 100_000  # events, to judge which takes so long that somebody may wonder
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


_OPEN = (
    "WARNING: {} is reachable from other machines. Whoever reaches it can read the prompts in its "
    "journals and set faults. Leave out --address to keep it to this machine."
)


def serve(
    wanted: str,
    *,
    port: int,
    address: str,
    scale: float,
    seed: int,
    journal: Path | None,
    say: Callable[[str], None],
    warn: Callable[[str], None],
    wait: Callable[[], None],
) -> int:
    """Serve until `wait` returns, then say how each session is judged; return the exit code.

    Args:
        wanted: a file, or the name of a shipped scenario; empty for a provider in good health.
        say: gets what belongs on the standard output, line by line.
        warn: gets what must not be overlooked.

    Raises:
        UsageError: there is no such scenario, or it cannot be served as asked.
    """
    scenario = named(wanted) if wanted else None
    with serving(
        scenario, port=port, address=address, scale=scale, seed=seed, journal=journal
    ) as server:
        if server.loopback.open_to_others:
            warn(_OPEN.format(address))
        for line in _greeting(server, scenario, scale):
            say(line)
        for line in _left_out(scenario):
            warn(line)
        with _settled():
            wait()
        say("")
        return _end(server, say)


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """Spare the collector of garbage what a server never gives back, in a process of its own."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def named(wanted: str) -> Scenario:
    """Return the one scenario that a word stands for.

    Raises:
        UsageError: there is none, or several.
    """
    found = catalogue.load_all(catalogue.find([wanted]))
    if len(found) != 1:
        raise UsageError(f"{wanted!r} stands for {len(found)} scenarios; name one of them")
    return found[0][1]


def _greeting(server: Server, scenario: Scenario | None, scale: float) -> list[str]:
    what = f"{scenario.name} ({scenario.title})" if scenario else "a provider in good health"
    pace = "real time" if scale == 1 else f"time ×{scale:g}; the clients' own timers are not scaled"
    head = f"serving {what} at {server.url}, {pace}; Ctrl-C ends it\n"
    return [head, *exports(server.environment())]


def _left_out(scenario: Scenario | None) -> list[str]:
    told: list[str] = []
    if scenario is None:
        return told
    served = any(not tool.real for tool in scenario.tools)
    lost = [rule.describe() for rule in scenario.faults if rule.stage in _ON_TOOLS]
    if lost and not served:
        told.append(f"left out, since tools are the clients' own: {'; '.join(lost)}")
    if scenario.events:
        told.append("left out, since users are the clients' own: the events of the scenario")
    return told


def exports(environment: Mapping[str, str]) -> list[str]:
    """Return the lines that set the variables in a shell."""
    return [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]


def _end(server: Server, say: Callable[[str], None]) -> int:
    asked = {name: one for name, one in server.sessions.items() if name or one.asked}
    if not asked:
        say("UNKNOWN: nobody asked")
        return UNKNOWN
    found = []
    events = sum([len(session.journal) for session in asked.values()])
    if events >= _MANY:
        say(f"judging {events:,} events; this takes some seconds for each 100,000")
    for name, session in sorted(asked.items()):
        judged = session.judge()
        found += [item.judgement.verdict for item in judged]
        say((f"session {name}: " if name else "") + in_full(judged).rstrip("\n"))
    return of_verdicts(found)


def until_a_signal() -> None:
    """Wait for SIGINT or SIGTERM, and take neither for an error."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ended.set()

    before = {number: signal.signal(number, end) for number in _SIGNALS}
    try:
        ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
