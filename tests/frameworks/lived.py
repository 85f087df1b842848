"""The same programs in a run: in one process with the simulation, in virtual time."""

import json
import os
import subprocess
from pathlib import Path

from children import child

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EDITABLE = ["-e", str(ROOT / "guards"), "-e", str(ROOT)]
PATIENCE = 300  # seconds


def lived(home, name, api):
    """Return whether three users of a program lived through refusals, and how long it took."""
    report = home / "report.json"
    try:
        code, said = _run(home, report, name, api)
    except subprocess.TimeoutExpired:
        return False, f"it took more than {PATIENCE} seconds"
    if code:
        return False, f"exit code {code}: {said[-800:]}"
    (outcome,) = json.loads(report.read_text("utf-8"))["outcomes"]
    took = f"{outcome['virtual_seconds']:.0f} s in {outcome['real_seconds']:.1f} s"
    return outcome["verdict"] == "PASS", f"{outcome['calls']} calls, {took}"


def _run(home, report, name, api):
    program = str(HERE / "programs" / f"{name}.py")
    with child(
        [
            *(home / "bin" / "chaoskit", "run", "lived.chaos.toml"),
            *("--agent", "living:answer", "--json", report),
        ],
        cwd=HERE,
        env={**os.environ, "CHAOS_API": api, "CHAOS_PROGRAM": program},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said
