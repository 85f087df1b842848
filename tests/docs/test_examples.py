"""The examples in other languages do what they say."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chaoskit.cli import app
from chaoskit.journal import Refused, Requested
from chaoskit.serving import serving

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The examples beside the official SDKs for JavaScript."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no node and npm")
    place = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, place, dirs_exist_ok=True)
    words = ["npm", "install", "--silent", "--no-audit", "--no-fund", "@anthropic-ai/sdk", "openai"]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm installs nothing here: {done.stderr[-200:]}")
    return place


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
@pytest.mark.slow
def test_curl():
    """A fault, a refusal, an answer, a verdict."""
    with serving() as server:
        done = subprocess.run(
            ["sh", EXAMPLES / "curl.sh", server.url],
            capture_output=True, text=True, check=False,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
        (name,) = (name for name in server.sessions if name)
        journal = server.session(name).journal
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith('{"rule": "ServerError(')
    assert [line for line in lines if line in ("503", "200")] == ["503", "200"]
    assert lines[-1] == "PASS"
    assert (len(journal.of(Requested)), len(journal.of(Refused))) == (2, 1)


@pytest.mark.slow
def test_agent_in_javascript(folder, monkeypatch):
    """The official SDK waits as long as it was told, on scaled time."""
    monkeypatch.chdir(folder)
    words = ["run", "storm.chaos.toml", "--command", "node agent.mjs", "--time-scale", "20"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert "1 PASS" in shown.stdout


@pytest.mark.slow
def test_agent_in_javascript_that_gives_up_is_found(folder, monkeypatch):
    """Its stderr says why."""
    monkeypatch.chdir(folder)
    text = (folder / "agent.mjs").read_text(encoding="utf-8")
    (folder / "hasty.mjs").write_text(text.replace("maxRetries: 5", "maxRetries: 0"), "utf-8")
    words = ["run", "storm.chaos.toml", "--command", "node hasty.mjs", "--time-scale", "20", "-v"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 1, shown.output
    assert "exit code 1; stderr:" in shown.stdout
    assert "CommandFailed at node hasty.mjs" in " ".join(shown.stdout.split())


@pytest.mark.slow
def test_test_in_javascript(folder):
    """Node's own test runner drives a session over HTTP."""
    with serving() as server:
        done = subprocess.run(
            ["node", "--test", "served.test.mjs"],
            cwd=folder, capture_output=True, text=True, check=False,
            env={**os.environ, "CHAOS_URL": server.url},
        )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "pass 1\n" in done.stdout
