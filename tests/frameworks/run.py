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
import subprocess
import sys
import tempfile
import textwrap
import threading
import venv
from pathlib import Path

from checks import CHECKS, judged
from lived import EDITABLE, lived
from mcp_checks import MCP_CHECKS, SCENARIO, patience_with, scenario_with

from chaoskit.scenario import parse
from chaoskit.serving import serving

HERE = Path(__file__).resolve().parent
PYTHON = {
    "instructor": ["instructor[anthropic]", "anthropic", "openai"],
    "langgraph": ["langgraph", "langchain", "langchain-anthropic", "langchain-openai"],
    "litellm": ["litellm", "aiohttp"],
    "mcp_fastmcp": ["fastmcp", "mcp"],
    "mcp_langchain": ["langchain-mcp-adapters", "mcp"],
    "mcp_openai_agents": ["openai-agents", "mcp"],
    "mcp_pydantic_ai": ["pydantic-ai-slim[mcp]", "mcp"],
    "openai_agents": ["openai-agents", "openai", "websockets"],
    "pydantic_ai": ["pydantic-ai-slim[anthropic,openai]", "anthropic", "openai"],
}
# Without @latest npm takes what fits the Node that runs npm, not the one that is installed here.
NODE = {"typescript": ["node@22", "@anthropic-ai/sdk@latest", "openai@latest", "zod@latest"]}
QUIET = {
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONWARNINGS": "ignore",
}
KNOWN = CHECKS | MCP_CHECKS
LIVED = "lived"
PATIENCE = 120  # seconds for one check


def installed(name, folder):
    """Make the environment of a framework where there is none; return the words of its program."""
    home = folder / name
    whole = home / "installed"  # and not broken off
    if name in NODE:
        if not whole.exists():
            home.mkdir(parents=True, exist_ok=True)
            command(["npm", "install", "--silent", *NODE[name]], cwd=home)
        for file in (HERE / "asking.mjs", HERE / "programs" / f"{name}.mjs"):
            shutil.copy(file, home)
        node = str(home / "node_modules" / ".bin" / "node")
        packages = [word.rpartition("@")[0] for word in NODE[name][1:]]
        words = [node, str(home / "asking.mjs"), str(home / f"{name}.mjs"), *packages]
    else:
        python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not whole.exists():
            venv.create(home, clear=True)
            pip = ["python3", "-m", "pip", "--python", str(python), "install", "-q"]
            command([*pip, *PYTHON[name], *EDITABLE])
        program = str(HERE / "programs" / f"{name}.py")
        words = [str(python), "-P", str(HERE / "asking.py"), program, *PYTHON[name]]
    whole.touch()
    return words


def command(words, **options):
    """Run a command that has to go well."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")


class Program:
    """A running program, which answers line by line."""

    def __init__(self, words, log):
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def hear(self):
        """Return the next answer; one that takes too long, or no program at all, is a failure."""
        late = threading.Timer(PATIENCE, self._process.kill)
        late.start()
        try:
            line = self._process.stdout.readline()
        finally:
            late.cancel()
        return json.loads(line) if line else None

    def ask(self, **asked):
        """Let a function of the program be called."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{json.dumps(asked)}\n")
            self._process.stdin.flush()
        return self.hear()


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
            yield api, LIVED, *lived(rig.folder / name, name, api)


def main():
    """Run what is named, or everything."""
    given = arguments()
    os.environ.update(QUIET)
    ended = {True: 0, False: 0, None: 0}
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rig = Rig(stack.enter_context(serving(parse(SCENARIO, "tools.chaos.toml"))), folder)
        for name in given.names:
            words = installed(name, folder)
            log = folder / f"{name}.log"
            with log.open("w", encoding="utf-8") as errors, Program(words, errors) as program:
                failed = False
                for api, kind, well, seen in tried(name, program, rig, given.check):
                    ended[well] += 1
                    failed = failed or well is False
                    word = {True: "ok", False: "FAILED", None: ""}[well]
                    print(f"{name:17} {api:17} {kind:16} {word:7} {seen}".rstrip(), flush=True)
            if failed:
                print(f"what {name} said, at its end:\n{log.read_text('utf-8')[-1500:]}")
    print(f"{ended[True]} ok, {ended[False]} failed")
    sys.exit(ended[False] > 0)


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
  python tests/frameworks/run.py                            everything; some minutes, some GB
  python tests/frameworks/run.py litellm --keep /tmp/fw     one of them; the next run is quick
  python tests/frameworks/run.py --check tool --check cut   two checks of each

Packages come from the registries, the newest there are. Environments, and what the programs print,
lie in the folder that --keep names; without it they go when the run ends. A framework more is a
program with APIS and some of the functions plain, streamed, tool, structure, partial and repaired
(or connected, for MCP), and a line in run.py. The exit code is 1 where anything failed.""",
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
    main()
