"""How a failure is told: promise, finding, the story of that user, and how to see it again."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from chaoskit.journal import Journal
from chaoskit.outcome import Judged, Outcome
from chaoskit.report.terminal import show_details, show_judged
from chaoskit.report.timeline import timeline, whose

__all__ = [
    "journal_file",
    "of_judged",
    "of_outcome",
    "properties",
    "story_of",
    "telling",
    "told_story",
]

_WIDTH = 100


def telling(item: pytest.Item, seed: int) -> str:
    """Return the command line that runs a test again, from the folder where pytest was started."""
    option = item.config.option
    words = ["pytest", _named_from_here(item)]
    words += [f"--chaos-agent={agent}" for agent in option.chaos_agent or ()]
    words += [f"--chaos-port={option.chaos_port}"] if option.chaos_port else []
    words += ["-c", str(option.inifilename)] if option.inifilename else []
    words += [f"--rootdir={option.rootdir}"] if option.rootdir else []
    for setting in option.override_ini or ():
        words += ["-o", setting]
    return shlex.join([*words, f"--chaos-seed={seed}"])


def _named_from_here(item: pytest.Item) -> str:
    """Return the id of a test as the command line takes it; pytest's own begin at its root."""
    if not item.path.exists():  # days of the week lie nowhere
        return item.nodeid
    here = os.path.relpath(item.path, item.config.invocation_params.dir)
    return "::".join([Path(here).as_posix(), *item.nodeid.split("::")[1:]])


def journal_file(folder: str, nodeid: str) -> Path:
    """Return where the journal of a test is kept.

    Raises:
        pytest.UsageError: nothing can be written there.
    """
    path = Path(folder) / f"{re.sub(r'[^A-Za-z0-9_.=-]+', '-', nodeid)}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"--chaos-journal {folder}: {error.strerror}") from None
    return path


def of_outcome(outcome: Outcome, again: str) -> str:
    """Return what has to be said on a scenario that did not pass."""
    console = _console()
    show_details(outcome, console, again=lambda _: again)
    return "\n\n".join(filter(None, (_text(console), told_story(*_decisive(outcome)))))


def story_of(outcome: Outcome) -> str:
    """Return the user whose story is told of a scenario that did not pass."""
    return whose(*_decisive(outcome))


def _decisive(outcome: Outcome) -> tuple[Journal, Sequence[Judged]]:
    if outcome.healthy_failed:
        return outcome.healthy_journal, outcome.healthy
    return outcome.journal, outcome.promises


def of_judged(bad: Sequence[Judged]) -> str:
    """Return what has to be said on promises that were not kept."""
    console = _console()
    show_judged(bad, console)
    return _text(console)


def told_story(journal: Journal, judged: Sequence[Judged] = ()) -> str:
    """Return the timeline of the user that the first finding is about; empty if there is none."""
    user = whose(journal, judged)
    lines = timeline(journal, user)
    return "\n".join([f"what happened to {user or 'everybody'}:", *lines]) if lines else ""


def properties(outcome: Outcome) -> list[tuple[str, object]]:
    """Return what a scenario came to, for the scorecard and for JUnit."""
    return [
        ("chaos_scenario", outcome.scenario),
        ("chaos_title", outcome.title),
        ("chaos_day", outcome.day),
        ("chaos_agent", outcome.agent),
        ("chaos_seed", outcome.seed),
        ("chaos_verdict", "HEALTHY FAILED" if outcome.healthy_failed else str(outcome.verdict)),
        ("chaos_reason", outcome.reason),
        ("chaos_calls", outcome.calls),
        ("chaos_tokens", outcome.tokens),
        ("chaos_cost_usd", round(outcome.cost_usd, 6)),
        ("chaos_virtual_seconds", round(outcome.virtual_seconds, 3)),
    ]


def _console() -> Console:
    return Console(
        file=StringIO(), width=_WIDTH, highlight=False, markup=False, emoji=False, no_color=True
    )


def _text(console: Console) -> str:
    file = console.file
    text = file.getvalue() if isinstance(file, StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
