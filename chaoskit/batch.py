"""Many scenarios, one after the other, against one agent or the two of the demo."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TextIO

from rich.console import Console

from chaoskit import catalogue
from chaoskit import run as running
from chaoskit.agent import Agent
from chaoskit.catalogue import Found
from chaoskit.command import PREFIX
from chaoskit.demo import PAIRS
from chaoskit.endpoint import is_url
from chaoskit.errors import AgentNotFound, UsageError
from chaoskit.evidence import lasting
from chaoskit.outcome import Outcome
from chaoskit.report import as_json
from chaoskit.scenario import Scenario

__all__ = ["DEMO", "Batch", "agents", "chosen", "demonstrated", "writing"]

DEMO = ("chaoskit.demo:naive", "chaoskit.demo:guarded")


@dataclass(kw_only=True)
class Batch:
    """Scenarios and agents, and what has come out of them so far.

    Attributes:
        others: agents of single scenarios, by their names, in place of `agents`.
        tools, extensions: as they stand on the command line.
        journals: folder for the journals; None to keep none.
        report: file for the JSON report; None to write none.
    """

    scenarios: Sequence[tuple[Found, Scenario]]
    agents: Sequence[Agent]
    others: Mapping[str, Sequence[Agent]] = field(default_factory=dict)
    seed: int = 0
    tools: Sequence[str] = ()
    extensions: Sequence[str] = ()
    journals: Path | None = None
    report: Path | None = None
    done: list[tuple[Found, Outcome]] = field(default_factory=list)

    @property
    def outcomes(self) -> list[Outcome]:
        """What has come out so far, in order."""
        return [outcome for _, outcome in self.done]

    def live(self) -> bool:
        """Run everything; return False when the user interrupts. What is done is kept on disk.

        Raises:
            UsageError: a file cannot be written, or a scenario cannot end in time, which is tried
                before the first run.
        """
        self._fit()
        self._keep_report()
        try:
            with _ended_like_an_interrupt(), _progress() as progress:
                for found, scenario in self.scenarios:
                    for agent in self._agents_of(scenario):
                        outcome = running.run(scenario, agent, seed=self.seed, progress=progress)
                        self.done.append((found, outcome))
                        self._keep_journals(outcome)
        except KeyboardInterrupt:
            logging.getLogger("asyncio").disabled = True  # of tasks that nobody waits for now
            return False
        finally:
            self._keep_report()
        return True

    def _agents_of(self, scenario: Scenario) -> Sequence[Agent]:
        return self.others.get(scenario.name, self.agents)

    def _fit(self) -> None:
        wrong = []
        for _, scenario in self.scenarios:
            for agent in self._agents_of(scenario):
                try:
                    running.fit(scenario, agent)
                except UsageError as error:
                    wrong.append(str(error))
        if wrong:
            raise UsageError("\n".join(dict.fromkeys(wrong)))

    def again(self, outcome: Outcome) -> str:
        """Return the command line that runs the scenario of an outcome again."""
        found = next(found for found, one in self.done if one is outcome)
        tools = [word for tool in self.tools for word in ("--tool", tool)]
        extensions = [word for one in self.extensions for word in ("--extension", one)]
        known = (*self.agents, *chain.from_iterable(self.others.values()))
        agent = next(one for one in known if one.name == outcome.agent)
        who = ["--agent", outcome.agent]
        if outcome.agent.startswith(PREFIX):
            who = ["--command", outcome.agent.removeprefix(PREFIX).strip()]
        if agent.outside is not None:
            who += agent.outside.options
            if agent.outside.scale != 1:
                who += ["--time-scale", f"{agent.outside.scale:g}"]
        words = ["chaoskit", "run", found.given, *who, *tools, *extensions]
        return shlex.join([*words, "--seed", str(self.seed)])

    def _keep_journals(self, outcome: Outcome) -> None:
        if self.journals is None:
            return
        agent = re.sub(r"[^A-Za-z0-9_.-]+", "-", outcome.agent)
        with writing(self.journals):
            self.journals.mkdir(parents=True, exist_ok=True)
            stem = self.journals / f"{outcome.scenario}.{agent}"
            outcome.healthy_journal.write(Path(f"{stem}.healthy.jsonl"))
            if len(outcome.journal):
                outcome.journal.write(Path(f"{stem}.jsonl"))

    def _keep_report(self) -> None:
        if self.report is None:
            return
        text = as_json.dumps(self.outcomes, made_by=version("chaoskit"))
        with writing(self.report):
            self.report.parent.mkdir(parents=True, exist_ok=True)
            self.report.write_text(text, encoding="utf-8")


def chosen(wanted: Sequence[str]) -> Sequence[tuple[Found, Scenario]]:
    """Return the scenarios that the words of the user stand for; without any, the shipped week.

    Raises:
        UsageError: a word stands for nothing, or a file is wrong.
    """
    if wanted:
        return catalogue.load_all(catalogue.find(wanted))
    return catalogue.week(catalogue.load_all(catalogue.shipped()))


def agents(
    places: Sequence[str],
    tools: Sequence[str],
    known: Mapping[str, str] | None = None,
    *,
    command: str | None = None,
    scale: float | None = None,
    port: int | None = None,
) -> Sequence[Agent]:
    """Return the agents that are named, or else the two of the demo.

    Args:
        places: `module:callable`, `command: ...`, or a URL.
        tools: places of their tools' functions, as on the command line.
        known: the same by tool name, as the project has them.
        command: the agent where it is a command, in place of `places`.
        scale: for other processes, how many seconds of the world pass in one of the machine.
        port: for a URL, where the service looks for the simulated provider.

    Raises:
        UsageError: a tool is not written as `NAME=MODULE:FUNCTION`, or what is asked for does not
            go together.
        AgentNotFound: there is no such agent, or no SDK for the demo.
    """
    if command is not None and places:
        raise UsageError("--agent and --command: name one agent")
    if command is not None:
        places = [f"{PREFIX} {command}"]
    urls = [one for one in places if is_url(one)]
    others = [*urls, *(one for one in places if one.startswith(PREFIX))]
    if scale is not None and not others:
        raise UsageError(
            "--time-scale is for --command and for URLs; agents in Python live in virtual time"
        )
    if port is not None and not urls:
        raise UsageError("--port is for an agent that is a URL; others are told of the port")
    if tools and others:
        raise UsageError(
            "--tool is for agents in Python; the tools of a command or a service are its own"
        )
    named = dict(known or {})
    for one in tools:
        name, equals, place = one.partition("=")
        if not (name and equals and ":" in place):
            raise UsageError(f"--tool {one}: write NAME=MODULE:FUNCTION")
        named[name] = place
    if places:
        return [running.load_agent(place, named, scale=scale, port=port) for place in places]
    if importlib.util.find_spec("anthropic") is None or importlib.util.find_spec("openai") is None:
        raise AgentNotFound(
            "the demo agents use the SDKs: pip install 'chaoskit[demo]', or name your own agent "
            "with --agent MODULE:CALLABLE"
        )
    return [running.load_agent(demo, named) for demo in DEMO]


def demonstrated(scenarios: Sequence[tuple[Found, Scenario]]) -> Mapping[str, Sequence[Agent]]:
    """Return the demo agents of the scenarios that are not about a tool loop, by their names.

    Raises:
        AgentNotFound: their tools are on an MCP server, and there is no client for one.
    """
    wanted = [name for _, one in scenarios for name in PAIRS.get(one.name, ())]
    if any("mcp" in name for name in wanted) and importlib.util.find_spec("mcp") is None:
        raise AgentNotFound(
            "some of these scenarios show agents that have their tools from an MCP server: "
            "pip install mcp, or name your own agent with --agent MODULE:CALLABLE"
        )
    return {
        scenario.name: [running.load_agent(f"chaoskit.demo:{name}") for name in pair]
        for _, scenario in scenarios
        if (pair := PAIRS.get(scenario.name))
    }


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what is wrong when a path cannot be written.

    Raises:
        UsageError: it cannot.
    """
    try:
        yield
    except FileExistsError:
        raise UsageError(f"{path} exists already; choose another name") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


@contextmanager
def _ended_like_an_interrupt() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C: what an agent has started must not outlive the run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None] | None]:
    """Show on one line of a terminal what is going on, and nothing where there is no terminal.

    Nothing refreshes it in the background: time is the run's own while it is shown. It has a
    descriptor of its own, because a run watches those of the process.
    """
    if not Console(file=sys.stderr).is_terminal:
        yield None
        return
    with _own(sys.stderr) as stream:

        def tell(phase: str, seconds: float) -> None:
            stream.write(f"\r\x1b[2K{phase}: {lasting(seconds)}")
            stream.flush()

        try:
            yield tell
        finally:
            stream.write("\r\x1b[2K")
            stream.flush()


@contextmanager
def _own(stream: TextIO) -> Iterator[TextIO]:
    try:
        number = os.dup(stream.fileno())
    except (AttributeError, OSError, ValueError):  # it has none
        yield stream
        return
    with open(number, "w", encoding=stream.encoding, errors="replace") as own:  # noqa: PTH123 - a descriptor
        yield own
