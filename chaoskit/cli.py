"""The command line. Each command imports what it needs, so that `--help` is quick."""

from __future__ import annotations

import io
import shlex
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from chaoskit import installed
from chaoskit.errors import ScenarioError, UsageError

if TYPE_CHECKING:
    from chaoskit.project import Project

__all__ = ["app", "main"]

SCHEMA = "chaos.schema.json"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a terminal that lacks a letter is no reason to end
    app()


_Extensions = Annotated[
    list[str] | None,
    typer.Option(
        "--extension",
        "-e",
        metavar="MODULE",
        help="A module, or a .py file, that registers faults, behaviours or checks of your own. "
        "Repeatable. For good: extensions = [...] below [tool.chaoskit] in pyproject.toml.",
        show_default=False,
    ),
]


_SCALE = typer.Option(
    "--time-scale",
    metavar="N",
    help="Seconds of the simulated world in one of the machine: Retry-After, outages and lifetimes "
    "shrink by it; timers of the agent do not.",
    show_default=False,
)


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
    time_scale: Annotated[float | None, _SCALE] = None,
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
    extension: _Extensions = None,
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
    with _plainly():
        from chaoskit import batch, exits  # noqa: PLC0415 - --help is quick
        from chaoskit.command import PREFIX  # noqa: PLC0415 - likewise
        from chaoskit.endpoint import is_url  # noqa: PLC0415 - likewise
        from chaoskit.report import side_by_side, terminal  # noqa: PLC0415 - likewise

        project = _extend(extension)
        chosen = batch.chosen(scenarios or ())
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` does
        unnamed = list(project.agents) if command is None else []
        places = unnamed if agent is None else [agent]
        scale = _positive(time_scale) if time_scale is not None else None
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
        console = _console()
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
            _console(err=True).print("interrupted")
        raise typer.Exit(code if finished else exits.INTERRUPTED)


@app.command()
def serve(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="[SCENARIO]",
            help="A file, or the name of a shipped scenario; `day2` is enough. Without one: a "
            "provider in good health that answers at once.",
            show_default=False,
        ),
    ] = "",
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 for any that is free.")] = 8642,
    address: Annotated[
        str, typer.Option(help="Where to listen. Other machines cannot reach the default.")
    ] = "127.0.0.1",
    time_scale: Annotated[float, _SCALE] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same choices.")] = 0,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what happens, as JSON Lines; a session NAME gets FILE.NAME.jsonl.",
            show_default=False,
        ),
    ] = None,
    extension: _Extensions = None,
) -> None:
    """Serve the simulated provider on a port, for agents in any language.

    \b
      chaoskit serve
      chaoskit serve day2 --time-scale 60 --journal out.jsonl
      chaoskit verdict                          in another terminal, or at the end of a CI job

    It prints the variables to set. A request names its session by the header `x-chaos-session`, by
    a base URL that ends with `/~NAME`, or by an API key `chaos-NAME`; each has a world of its own.

    Ctrl-C ends it, and prints how each session is judged. Exit codes: 0 all promises kept, 1 a
    promise broken, 2 bad usage, 3 unknown.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from chaoskit import serving_aloud  # noqa: PLC0415 - --help is quick

        _extend(extension)
        code = serving_aloud.serve(
            scenario,
            port=port,
            address=address,
            scale=_positive(time_scale),
            seed=seed,
            journal=journal,
            say=typer.echo,
            warn=lambda text: typer.echo(text, err=True),
            wait=serving_aloud.until_a_signal,
        )
        raise typer.Exit(code)


@app.command()
def mcp(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help="A file, or the name of a shipped scenario, with [[tools]] or [[faults]].",
        ),
    ],
    *,
    in_front_of: Annotated[
        str,
        typer.Option(
            "--in-front-of",
            metavar="SERVER",
            help="A real MCP server, by its command or its URL: its tools are served, and the "
            "faults of the scenario strike on the way.",
            show_default=False,
        ),
    ] = "",
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65_535,
            help="Serve over HTTP in front of a URL: 0 for any port that is free. Without it, on "
            "standard input and output.",
            show_default=False,
        ),
    ] = None,
    time_scale: Annotated[float, _SCALE] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same choices.")] = 0,
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what happens, as JSON Lines.", show_default=False),
    ] = None,
    verdict: Annotated[
        bool,
        typer.Option(
            "--verdict", help="Say on stderr in the end how the client is judged, and exit so."
        ),
    ] = False,
    extension: _Extensions = None,
) -> None:
    """Serve the tools of a scenario to an MCP client, on standard input and output.

    \b
      chaoskit mcp tickets.chaos.toml
      chaoskit mcp tickets.chaos.toml --journal out.jsonl --verdict
      chaoskit mcp flaky.chaos.toml --in-front-of 'npx -y @scope/server --flag'
      chaoskit mcp flaky.chaos.toml --in-front-of http://127.0.0.1:8000/mcp --port 8643

    It is the command that an MCP client starts: {"command": "chaoskit", "args": ["mcp", "FILE"]}.
    Clients of all revisions of the protocol are served. It ends when its input does; with
    --port, at Ctrl-C.

    Exit codes: 0, or 1 where a fault lets it die; with --verdict 0 all promises kept, 1 a promise
    broken, 3 unknown; 2 bad usage.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from chaoskit import serving_lines  # noqa: PLC0415 - --help is quick

        _extend(extension)
        code = serving_lines.serve(
            scenario,
            scale=_positive(time_scale),
            seed=seed,
            journal=journal,
            verdict=verdict,
            in_front_of=in_front_of,
            port=port,
            tell=lambda text: typer.echo(text, err=True),
        )
        raise typer.Exit(code)


@app.command("verdict")
def verdict_(
    *,
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8642",
    session: Annotated[
        str, typer.Option(metavar="NAME", help="Which of its sessions.", show_default=False)
    ] = "",
) -> None:
    """Print how a running server judges its clients until now.

    \b
      chaoskit verdict
      chaoskit verdict --session checkout --url http://127.0.0.1:9000

    Exit codes: 0 all promises kept, 1 a promise broken, 2 nobody answers there, 3 unknown.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from chaoskit import exits, serving_verdict  # noqa: PLC0415 - --help is quick

        found, text = serving_verdict.verdict_of(url, session)
        typer.echo(text, nl=False)
        raise typer.Exit(exits.of_verdicts([found]))


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[WHAT]", help="scenarios, faults, behaviours, checks, dialects, or one name."
        ),
    ] = "scenarios",
    *,
    extension: _Extensions = None,
) -> None:
    """Show what there is to use in scenario files.

    \b
      chaoskit list              the shipped scenarios
      chaoskit list faults       what can go wrong
      chaoskit list checks       what can be promised
      chaoskit list outage       one of them
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from chaoskit.report import listing  # noqa: PLC0415 - --help is quick

        _extend(extension)
        _tell_of_conftest()
        listing.show(what, _console())


@app.command()
def check(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Scenario files, folders or patterns."),
    ],
    *,
    extension: _Extensions = None,
) -> None:
    """Print all that is wrong with scenario files.

    \b
      chaoskit check chaos/*.chaos.toml
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from chaoskit.catalogue import find  # noqa: PLC0415 - --help is quick
        from chaoskit.scenario import load  # noqa: PLC0415 - likewise

        _extend(extension)
        console, wrong = _console(), 0
        for found in find(files):
            try:
                scenario = load(found.file)
            except ScenarioError as error:
                wrong += len(error.problems)
                for problem in error.problems:
                    console.print(Text(str(problem)), soft_wrap=True)
            else:
                console.print(Text(f"{found.given}: fine ({scenario.title})"), soft_wrap=True)
        if wrong:
            console.print(f"{wrong} problem{'s' if wrong > 1 else ''}")
            _tell_of_conftest()
            raise typer.Exit(2)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the scenario, or a path without suffix.")],
    *,
    extension: _Extensions = None,
) -> None:
    """Write a new scenario file, with comments.

    \b
      chaoskit new checkout-at-midnight
      chaoskit new chaos/checkout-at-midnight
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from importlib.resources import files  # noqa: PLC0415 - --help is quick

        from chaoskit.batch import writing  # noqa: PLC0415 - --help is quick
        from chaoskit.scenario import SUFFIX  # noqa: PLC0415 - likewise
        from chaoskit.scenario_schema import schema_text  # noqa: PLC0415 - likewise

        _extend(extension)
        path = Path(f"{name.removesuffix(SUFFIX)}{SUFFIX}")
        title = path.name.removesuffix(SUFFIX).replace("-", " ").replace("_", " ").capitalize()
        text = files("chaoskit").joinpath("template.chaos.toml").read_text(encoding="utf-8")
        text = text.replace('"A new scenario"', f'"{title}"')
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            schema = path.with_name(SCHEMA)
            if not schema.exists():
                schema.write_text(schema_text(), encoding="utf-8")
        console = _console()
        console.print(Text(f"wrote {path}, and {schema.name} beside it for your editor"))
        console.print(
            Text(f"next: {shlex.join(['chaoskit', 'run', str(path), '--agent'])} MODULE:CALLABLE")
        )


@app.command()
def schema(*, extension: _Extensions = None) -> None:
    """Print the JSON Schema of scenario files, for editors.

    \b
      chaoskit schema > chaos.schema.json

    Then `#:schema ./chaos.schema.json` as the first line of a scenario gives completion and checks
    in editors that know Taplo, such as those with Even Better TOML.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from chaoskit.scenario_schema import schema_text  # noqa: PLC0415 - --help is quick

        _extend(extension)
        typer.echo(schema_text(), nl=False)


@app.command()
def reference(*, extension: _Extensions = None) -> None:
    """Print the reference of scenario files, in Markdown: every key, with an example.

    \b
      chaoskit reference > docs/reference.md

    It is made from the definitions that read the files, your own ones included.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with _plainly():
        from chaoskit.report.reference import reference_text  # noqa: PLC0415 - --help is quick

        _extend(extension)
        typer.echo(reference_text(), nl=False)


def _extend(named: list[str] | None) -> Project:
    """Load the extensions of the project and those that are named; return the project."""
    from chaoskit import extensions  # noqa: PLC0415 - --help is quick
    from chaoskit.project import project_of  # noqa: PLC0415 - likewise

    extensions.load_of_project()
    extensions.load(named or ())
    return project_of(Path.cwd())


def _tell_of_conftest() -> None:
    """Say which words pytest would know and this command does not."""
    from chaoskit import extensions  # noqa: PLC0415 - --help is quick

    if file := extensions.known_to_pytest_alone(Path.cwd()):
        typer.echo(
            f"note: {file} registers words that only pytest knows; `-e {file}`, or\n"
            f'extensions = ["{file}"] below [tool.chaoskit] in pyproject.toml, adds them here',
            err=True,
        )


def _positive(scale: float) -> float:
    if not 0 < scale < float("inf"):
        raise UsageError(f"--time-scale {scale:g}: write a positive number, such as 60")
    return scale


def _console(*, err: bool = False) -> Console:
    """Return a console of the terminal's width, or of 100 columns where there is none."""
    stream = sys.stderr if err else sys.stdout
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 100
    return console


def _warn() -> None:
    """Name the extensions that could not be used; what was asked for was done without them."""
    for one in installed.broken():
        typer.echo(f"warning: {one}", err=True)


@contextmanager
def _plainly() -> Iterator[None]:
    """Say in one message what the user can mend, and own up to what only we can."""
    try:
        yield
        _warn()
    except typer.Exit:
        _warn()
        raise
    except UsageError as error:
        many = len(error.problems) if isinstance(error, ScenarioError) else 0
        head = f"error: {many} problems\n" if many > 1 else "error: "
        typer.echo(f"{head}{error}", err=True)
        if many:
            _tell_of_conftest()
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception:  # noqa: BLE001 - a bug is no verdict on the agent, and must not look like one
        traceback.print_exc()
        typer.echo("this is a bug of chaoskit; nothing is known of the agent", err=True)
        raise typer.Exit(3) from None
