"""The command that runs agents through scenarios."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from chaoskit.cli_common import SCALE, Extensions, app, console_of, extend, plainly, positive

__all__ = ["run"]


@app.command()
def run(
    scenarios: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCENARIO]...",
            help="Files, folders, patterns, or names of shipped scenarios; `day2` is enough, "
            "and `all` are all of them. Without any: the shipped week, days 1 to 7.",
            show_default=False,
        ),
    ] = None,
    *,
    agent: Annotated[
        str | None,
        typer.Option(
            "--agent",
            "-a",
            metavar="MODULE:CALLABLE",
            help="Your agent, `answer(prompt) -> str`, sync or async; or the URL of a service that "
            "runs. Without it two demo agents are compared, unless [tool.chaoskit] in "
            "pyproject.toml names one.",
            show_default=False,
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--command",
            metavar="COMMAND",
            help="Your agent, where it is a command in any language: the prompt comes on stdin, or "
            "in place of {prompt}; the answer is stdout.",
            show_default=False,
        ),
    ] = None,
    time_scale: Annotated[float | None, SCALE] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65_535,
            help="Where a service, named by its URL, looks for the simulated provider: 8642, or "
            "`port` of [tool.chaoskit], unless given.",
            show_default=False,
        ),
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(
            "--tool",
            metavar="NAME=MODULE:FUNCTION",
            help="Where one of the agent's tools is, if it is not found by its name. Repeatable.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The same seed gives the same run; that of [tool.chaoskit], or 0, unless given.",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the report as JSON.", show_default=False
        ),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write what happened in each run, as JSON Lines.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="A scenario that does not apply is an error too.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every promise and every finding.")
    ] = False,
    extension: Extensions = None,
) -> None:
    """Run scenarios against an agent: what broke, and what to do.

    \b
      chaoskit run --agent myapp.agent:answer
      chaoskit run day2 day7 --agent myapp.agent:answer --seed 4
      chaoskit run 'chaos/*.chaos.toml' -a myapp.agent:answer --json report.json --journal out
      chaoskit run day2 --command 'node agent.js' --time-scale 60
      chaoskit run day2 --agent http://127.0.0.1:8000/answer --time-scale 60

    Each scenario is lived through twice: first without its faults, which must go well, then with
    them. No request leaves the machine and no key is needed. A command finds the simulated provider
    by the variables in its environment, and lives on the machine's time.

    Exit codes: 0 all promises kept, 1 a promise broken, 2 bad usage or a bad file, 3 unknown (with
    --strict also: not applicable), 4 the run without faults went wrong, 130 interrupted.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with plainly():
        from chaoskit import batch, exits  # noqa: PLC0415 - --help is quick
        from chaoskit.command import PREFIX  # noqa: PLC0415 - likewise
        from chaoskit.endpoint import is_url  # noqa: PLC0415 - likewise
        from chaoskit.report import side_by_side, terminal  # noqa: PLC0415 - likewise

        project = extend(extension)
        chosen = batch.chosen(scenarios or ())
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
        unnamed = list(project.agents) if command is None else []
        places = unnamed if agent is None else [agent]
        scale = positive(time_scale) if time_scale is not None else None
        urls = any(is_url(place) for place in places)
        commands = command is not None or any(one.startswith(PREFIX) for one in places)
        if scale is None and (commands or urls):
            scale = project.time_scale
        if port is None and urls:
            port = project.port
        seed = (project.seed or 0) if seed is None else seed
        whole = batch.Batch(
            scenarios=chosen,
            agents=batch.agents(
                places, tool or (), project.tools, command=command, scale=scale, port=port
            ),
            seed=seed,
            tools=tool or (),
            extensions=extension or (),
            journals=journal,
            report=json_file,
        )
        console = console_of()
        named = f"command: {command}" if command is not None else ", ".join(places)
        if not named:
            whole.others = batch.demonstrated(chosen)
        who = f"agent {named}" if named else f"the demo agents {' and '.join(batch.DEMO)}"
        many = "1 scenario" if len(chosen) == 1 else f"{len(chosen)} scenarios"
        console.print(f"chaoskit {version('chaoskit')}, {who}, seed {seed}, {many}\n")
        finished = whole.live()
        if named:
            terminal.show(whole.outcomes, console, again=whole.again, verbose=verbose)
            code = exits.exit_code(whole.outcomes, strict=strict)
        else:
            pairs = list(zip(whole.outcomes[::2], whole.outcomes[1::2], strict=False))
            side_by_side.show(pairs, console, again=whole.again, verbose=verbose)
            code = exits.exit_code_of_demo(pairs)
        if not finished:
            console_of(err=True).print("interrupted")
        raise typer.Exit(code if finished else exits.INTERRUPTED)
