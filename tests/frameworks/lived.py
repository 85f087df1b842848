"""The same programs in a run: in one process with the simulation, in virtual time."""

import json
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EDITABLE = ["-e", str(ROOT / "guards"), "-e", str(ROOT)]
PATIENCE = 300  # seconds


def lived(home, name, api):
    """Return whether three users of a program lived through refusals, and how long it took."""
    report = home / "report.json"
    try:
        done = _run(home, report, name, api)
    except subprocess.TimeoutExpired:
        return False, f"it took more than {PATIENCE} seconds"
    if done.returncode:
        return False, f"exit code {done.returncode}: {(done.stdout + done.stderr)[-800:]}"
    (outcome,) = json.loads(report.read_text("utf-8"))["outcomes"]
    took = f"{outcome['virtual_seconds']:.0f} s in {outcome['real_seconds']:.1f} s"
    return outcome["verdict"] == "PASS", f"{outcome['calls']} calls, {took}"


def _run(home, report, name, api):
    return subprocess.run(
        [
            *(home / "bin" / "chaoskit", "run", "lived.chaos.toml"),
            *("--agent", "living:answer", "--json", report),
        ],
        cwd=HERE,
        env={
            **os.environ,
            "CHAOS_API": api,
            "CHAOS_PROGRAM": str(HERE / "programs" / f"{name}.py"),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
