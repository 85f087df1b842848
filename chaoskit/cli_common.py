"""What the commands have in common: their options, the console, and how they fail."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from chaoskit import installed
from chaoskit.errors import ScenarioError, UsageError

if TYPE_CHECKING:
    from chaoskit.project import Project

__all__ = [
    "SCALE",
    "Extensions",
    "app",
    "console_of",
    "extend",
    "plainly",
    "positive",
    "tell_of_conftest",
]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Extensions = Annotated[
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

SCALE = typer.Option(
    "--time-scale",
    metavar="N",
    help="Seconds of the simulated world in one of the machine: Retry-After, outages and lifetimes "
    "shrink by it; timers of the agent do not.",
    show_default=False,
)


def extend(named: list[str] | None) -> Project:
    """Load the extensions of the project and those that are named; return the project.

    Raises:
        UsageError: one of them cannot be loaded.
    """
    from chaoskit import extensions  # noqa: PLC0415 - --help is quick
    from chaoskit.project import project_of  # noqa: PLC0415 - likewise

    extensions.load_of_project()
    extensions.load(named or ())
    return project_of(Path.cwd())


def tell_of_conftest() -> None:
    """Say which words pytest would know and this command does not."""
    from chaoskit import extensions  # noqa: PLC0415 - --help is quick

    if file := extensions.known_to_pytest_alone(Path.cwd()):
        typer.echo(
            f"note: {file} registers words that only pytest knows; `-e {file}`, or\n"
            f'extensions = ["{file}"] below [tool.chaoskit] in pyproject.toml, adds them here',
            err=True,
        )


def positive(scale: float) -> float:
    """Return a scale of time.

    Raises:
        UsageError: no time passes by it.
    """
    if not 0 < scale < float("inf"):
        raise UsageError(f"--time-scale {scale:g}: write a positive number, such as 60")
    return scale


def console_of(*, err: bool = False) -> Console:
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
def plainly() -> Iterator[None]:
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
            tell_of_conftest()
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception:  # noqa: BLE001 - a bug is no verdict on the agent, and must not look like one
        traceback.print_exc()
        typer.echo("this is a bug of chaoskit; nothing is known of the agent", err=True)
        raise typer.Exit(3) from None
