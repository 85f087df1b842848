"""Real frameworks against the served provider, each in an environment of its own.

A program (tests/frameworks/programs) does with one framework what its users do with it. It is
asked check by check; each check has a session of the server to itself, in which the model says
something known and something known goes wrong. The table says what the framework made of it, and
FAILED where that, or what the provider saw, is not as it should be.
"""
# ruff: noqa: T201 - a script prints

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from checks import CHECKS, judged
from children import PATIENCE, answering
from environments import NODE, PYTHON, NotInstalledError, home_of, install, is_there, program_of
from lived import lived
from mcp_checks import MCP_CHECKS, SCENARIO, patience_with, scenario_with

from chaoskit.scenario import parse
from chaoskit.serving import serving

QUIET = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONWARNINGS": "ignore",
}
KNOWN = CHECKS | MCP_CHECKS
LIVED = "lived"
WORD = {True: "ok", False: "FAILED", None: ""}


class Rig:
    """What programs are asked against: sessions of a server, and commands that serve tools.

    Attributes:
        folder: where environments, scenario files and logs lie.
    """

    def __init__(self, server, folder):
        self._server = server
        self.folder = folder

    def session(self, name, check):
        """Return a session in which a check is prepared, and what leads a program to it."""
        session = self._server.session(name)
        check.prepare(session)
        return session, {**session.environment(), "CHAOS_MCP_COMMAND": ""}

    def command(self, kind):
        """Return no session, and what leads a program to a command that serves tools."""
        file = self.folder / f"{kind}.chaos.toml"
        file.write_text(scenario_with(kind), encoding="utf-8")
        chaoskit = str(Path(sys.executable).with_name("chaoskit"))
        return None, {"CHAOS_MCP_COMMAND": json.dumps([chaoskit, "mcp", str(file)])}


def tried(name, program, rig, wanted):
    """Yield for each check of a program its API, its name, whether it went well, and what it saw."""
    can = program.hear()
    if can is None:
        yield "", "", False, "the program did not start"
        return
    yield "", "", None, ", ".join(" ".join(one) for one in can["versions"].items())
    for api in can["apis"]:
        for kind, check in KNOWN.items():
            if kind not in wanted or check.does not in can["can"]:
                continue
            if api.endswith("stdio"):
                session, environment = rig.command(kind)
            else:
                session, environment = rig.session(f"{name} {api} {kind}".replace(" ", "-"), check)
            environment["CHAOS_PATIENCE"] = str(patience_with(kind))
            told = program.ask(does=check.does, api=api, environment=environment)
            if told is None:
                yield api, kind, False, f"the program ended, or took more than {PATIENCE} seconds"
                return
            yield api, kind, *judged(check, told, session)
        if LIVED in wanted and name in PYTHON and "plain" in can["can"]:
            yield api, LIVED, *lived(home_of(name, rig.folder), name, api)


def direct():
    """Return what keeps the provider from a proxy through which the registries are reached."""
    names = ("NO_PROXY", "no_proxy")
    return {name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1"))) for name in names}


def rows(name, rig, wanted, log):
    """Yield what `tried` does, in an environment that is made where there is none."""
    if not is_there(name, rig.folder):
        yield "", "", None, f"installing {' '.join((PYTHON | NODE)[name])}"
        try:
            install(name, rig.folder, log)
        except NotInstalledError as error:
            yield "", "", False, f"not installed: {error}"
            return
    words = program_of(name, rig.folder)
    with log.open("w", encoding="utf-8") as errors, answering(words, errors) as program:
        yield from tried(name, program, rig, wanted)


def main():
    """Run what is named, or everything; what was made for that alone goes again."""
    given = arguments()
    begun = time.monotonic()
    ended = dict.fromkeys(WORD, 0)
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(tempfile.TemporaryDirectory())
        # TMPDIR: children that are killed leave something there.
        os.environ.update(QUIET | direct(), TMPDIR=own)
        folder = (given.keep or Path(own)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rig = Rig(stack.enter_context(serving(parse(SCENARIO, "tools.chaos.toml"))), folder)
        for name in given.names:
            log = folder / f"{name}.log"
            failed = False
            with contextlib.closing(rows(name, rig, given.check, log)) as made:
                for api, kind, well, seen in made:
                    ended[well] += 1
                    failed = failed or well is False
                    row = f"{name:17} {api:17} {kind:16} {WORD[well]:7} {seen}"
                    print(row.rstrip(), flush=True)
            if failed and is_there(name, folder):
                print(f"what {name} said, at its end:\n{log.read_text('utf-8')[-1500:]}")
            if not given.keep:
                shutil.rmtree(home_of(name, folder))
    minutes = (time.monotonic() - begun) / 60
    print(f"{ended[True]} ok, {ended[False]} failed, in {minutes:.1f} minutes")
    if not ended[True] + ended[False]:
        sys.exit("nothing was asked: what was named has none of these checks; see --help")
    sys.exit(ended[False] > 0)


def broken_off(*_):
    """End the run, and let nothing hinder what has to be done for that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


def arguments():
    """Read the command line."""
    known = [*PYTHON, *NODE]
    checks = "\n".join(f"  {name:10} {check.about}" for name, check in CHECKS.items())
    given = argparse.ArgumentParser(
        prog="python tests/frameworks/run.py",
        description=__doc__,
        epilog=f"""checks:
{checks}
  lived      in one process with the simulation: three users, refused at first, in virtual time
  over MCP a tool is called twice, and the first call is struck by one of:
{textwrap.fill(", ".join(MCP_CHECKS), 96, initial_indent="    ", subsequent_indent="    ")}

examples:
  python tests/frameworks/run.py                            everything; 20 minutes, a GB at a time
  python tests/frameworks/run.py litellm --keep /tmp/fw     one of them; the next run is quick
  python tests/frameworks/run.py --check tool --check cut   two checks of each

Packages come from the registries, the newest that fit each other; pip is that of `python3`.
Environments, and what the programs print, lie in the folder that --keep names; without it each
environment goes when its framework was asked. A framework more is a program with APIS and some of
the functions plain, streamed, tool, structure, partial and repaired (or connected, for MCP), and a
line in environments.py. The exit code is 1 where anything failed or nothing was asked, 2 for a
wrong word, 130 if it was broken off.""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    given.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which of {', '.join(known)}; all unless named"
    )
    given.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="make environments there, use those that are"
    )
    given.add_argument(
        "--check",
        action="append",
        choices=[*KNOWN, LIVED],
        metavar="CHECK",
        help="this check alone; may be given again",
    )
    made = given.parse_args()
    if strange := [name for name in made.names if name not in known]:
        given.error(f"there is no {strange[0]!r}; there are {', '.join(known)}")
    made.names, made.check = made.names or known, made.check or [*KNOWN, LIVED]
    return made


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, broken_off)
    try:
        main()
    except KeyboardInterrupt:
        print("broken off", file=sys.stderr)
        sys.exit(130)
