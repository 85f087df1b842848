"""The command line. Each command imports what it needs, so that `--help` is quick."""

from __future__ import annotations

import io
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from chaoskit import cli_run, cli_serving, cli_writing
from chaoskit.cli_common import app

__all__ = ["app", "cli_run", "cli_serving", "cli_writing", "main"]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter is no reason to end
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


@app.callback(invoke_without_command=True)
def _top(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Live the first seven days of production before you ship your LLM agent.

    chaoskit runs your agent, unchanged, in a simulated world: the provider, its limits, its prices
    and its outages, the tools, the users, and time itself. Seven days pass in seconds, and every
    fault in them is one that you chose.

    \b
      chaoskit run                              see the shipped week break a demo agent
      chaoskit run --agent myapp.agent:answer   the same week against yours
      chaoskit new checkout-at-midnight         write a scenario of your own
      chaoskit serve                            the provider on a port, for any language
      chaoskit list faults                      what can go wrong
    """  # noqa: D301 - a backspace keeps the lines below it apart
    if show_version:
        typer.echo(f"chaoskit {version('chaoskit')}")
        raise typer.Exit
