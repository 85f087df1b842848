"""The commands that serve a provider or tools to other processes, and judge them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chaoskit.cli_common import SCALE, Extensions, app, extend, plainly, positive

__all__ = ["mcp", "serve", "verdict_"]


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
    time_scale: Annotated[float, SCALE] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same choices.")] = 0,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what happens, as JSON Lines; a session NAME gets FILE.NAME.jsonl.",
            show_default=False,
        ),
    ] = None,
    extension: Extensions = None,
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
    with plainly():
        from chaoskit import serving_aloud  # noqa: PLC0415 - --help is quick

        extend(extension)
        code = serving_aloud.serve(
            scenario,
            port=port,
            address=address,
            scale=positive(time_scale),
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
    time_scale: Annotated[float, SCALE] = 1.0,
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
    extension: Extensions = None,
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
    with plainly():
        from chaoskit import serving_lines  # noqa: PLC0415 - --help is quick

        extend(extension)
        code = serving_lines.serve(
            scenario,
            scale=positive(time_scale),
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

    Exit codes: 0 all promises kept, 1 a promise broken, 2 nobody answers there or there is no such
    session, 3 unknown.
    """  # noqa: D301 - a backspace keeps the lines below it apart
    with plainly():
        from chaoskit import exits, serving_verdict  # noqa: PLC0415 - --help is quick

        found, text = serving_verdict.verdict_of(url, session)
        typer.echo(text, nl=False)
        raise typer.Exit(exits.of_verdicts([found]))
