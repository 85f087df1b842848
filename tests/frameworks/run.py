"""Real frameworks against the served provider, each in an environment of its own.

    python tests/frameworks/run.py [NAME...] [--keep FOLDER]

Not part of the test run: it installs what it needs from the registries. Each program is asked
twice: in good health, and where the first call is refused with 429. It has to end with exit code 0
and an answer, and the session is judged like any other. Exit code 1 where any did not.
"""
# ruff: noqa: T201 - a script prints

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from chaoskit.freely import PromiseBroken
from chaoskit.serving import serving

HERE = Path(__file__).resolve().parent / "programs"
PYTHON = {
    "openai_agents": ["openai-agents"],
    "openai_agents_websocket": ["openai-agents", "websockets"],
    "langgraph": ["langgraph", "langchain", "langchain-anthropic"],
    "pydantic_ai": ["pydantic-ai-slim[anthropic,openai]"],
    "litellm": ["litellm"],
    "instructor": ["instructor"],
}
NODE = {"typescript": ["@anthropic-ai/sdk", "openai"]}
QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "LANGSMITH_TRACING": "false",
}
PATIENCE = 180  # seconds


def installed(name, folder):
    """Make the environment of a framework; return the words of its program."""
    home = folder / name
    if name in NODE:
        if not (home / "node_modules").is_dir():
            home.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["npm", "install", "--silent", *NODE[name]],
                cwd=home,
                check=True,
                capture_output=True,
            )
        shutil.copy(HERE / f"{name}.mjs", home)
        return ["node", str(home / f"{name}.mjs")]
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
        subprocess.run(
            ["python3", "-m", "pip", "--python", python, "install", "-q", *PYTHON[name]],
            check=True,
            capture_output=True,
        )
    return [str(python), "-P", str(HERE / f"{name}.py")]


def asked(words, session):
    """Run a program; return what is wrong with how it went, or nothing."""
    done = subprocess.run(
        words,
        env={**os.environ, **QUIET, **session.environment()},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode or not done.stdout.strip():
        return f"exit code {done.returncode}: {done.stderr.strip()[-600:]}"
    with contextlib.suppress(PromiseBroken):
        session.verify()
        return ""
    return "; ".join(
        finding.message for item in session.judge() for finding in item.judgement.findings
    )


def main():
    """Run what is named, or everything."""
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("names", nargs="*", default=[*PYTHON, *NODE])
    given.add_argument("--keep", type=Path, help="folder whose environments are used again")
    options = given.parse_args()
    failed = False
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(serving())
        for name in options.names:
            words = installed(name, folder)
            for fault in ("", "429 at first"):
                session = server.session(f"{name}{'-429' if fault else ''}")
                if fault:
                    session.rate_limit(calls=1, retry_after=1)
                wrong = asked(words, session)
                failed = failed or bool(wrong)
                calls = len(session.calls)
                print(f"{name:14} {fault or 'in health':13} {calls:3} calls  {wrong or 'ok'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
