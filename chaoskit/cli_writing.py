"""The commands for those who write scenarios."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from chaoskit.cli_common import Extensions, app, console_of, extend, plainly, tell_of_conftest
from chaoskit.errors import ScenarioError

__all__ = ["check", "list_", "new", "reference", "schema"]

SCHEMA = "chaos.schema.json"


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            metavar="[WHAT]", help="scenarios, faults, behaviours, checks, dialects, or one name."
        ),
    ] = "scenarios",
    *,
    extension: Extensions = None,
) -> None:
    """Show what there is to use in scenario files.

    \b
      chaoskit list              the shipped scenarios
      chaoskit list faults       what can go wrong
      chaoskit list checks       what can be promised
      chaoskit list outage       one of them
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with plainly():
        from chaoskit.report import listing  # noqa: PLC0415 - --help is quick

        extend(extension)
        tell_of_conftest()
        listing.show(what, console_of())


@app.command()
def check(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Scenario files, folders or patterns."),
    ],
    *,
    extension: Extensions = None,
) -> None:
    """Print all that is wrong with scenario files.

    \b
      chaoskit check chaos/*.chaos.toml
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with plainly():
        from chaoskit.catalogue import find  # noqa: PLC0415 - --help is quick
        from chaoskit.scenario import load  # noqa: PLC0415 - likewise

        extend(extension)
        console, wrong = console_of(), 0
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
            tell_of_conftest()
            raise typer.Exit(2)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the scenario, or a path without suffix.")],
    *,
    extension: Extensions = None,
) -> None:
    """Write a new scenario file, with comments.

    \b
      chaoskit new checkout-at-midnight
      chaoskit new chaos/checkout-at-midnight
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with plainly():
        from importlib.resources import files  # noqa: PLC0415 - --help is quick

        from chaoskit.batch import writing  # noqa: PLC0415 - --help is quick
        from chaoskit.scenario import SUFFIX  # noqa: PLC0415 - likewise
        from chaoskit.scenario_schema import schema_text  # noqa: PLC0415 - likewise

        extend(extension)
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
        console = console_of()
        console.print(Text(f"wrote {path}, and {schema.name} beside it for your editor"))
        console.print(
            Text(f"next: {shlex.join(['chaoskit', 'run', str(path), '--agent'])} MODULE:CALLABLE")
        )


@app.command()
def schema(*, extension: Extensions = None) -> None:
    """Print the JSON Schema of scenario files, for editors.

    \b
      chaoskit schema > chaos.schema.json

    Then `#:schema ./chaos.schema.json` as the first line of a scenario gives completion and checks
    in editors that know Taplo, such as those with Even Better TOML.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with plainly():
        from chaoskit.scenario_schema import schema_text  # noqa: PLC0415 - --help is quick

        extend(extension)
        typer.echo(schema_text(), nl=False)


@app.command()
def reference(*, extension: Extensions = None) -> None:
    """Print the reference of scenario files, in Markdown: every key, with an example.

    \b
      chaoskit reference > docs/reference.md

    It is made from the definitions that read the files, your own ones included.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with plainly():
        from chaoskit.report.reference import reference_text  # noqa: PLC0415 - --help is quick

        extend(extension)
        typer.echo(reference_text(), nl=False)
