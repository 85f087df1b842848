"""The servers that are measured, each a process of its own, and what they cost."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ANSWER = (
    "The deploy failed because a migration dropped the column that the old release still reads at "
    "start. Roll the migration back first, then deploy the release that no longer needs the "
    "column, and only then drop it for good. The dashboards of the shop show the errors from 9:14 "
    "on, and the runbook has the three commands that are needed for it. Ask the team that owns "
    "the schema before you begin, because two other services read the same table every night at "
    "two. [runbook 12]"
)  # 26 events, the first, the last and the terminator included
SCENARIO = """
title = "A provider that answers at once"
[workload]
prompt = "-"
[provider]
latency = {{ first_token = 0, tokens_per_second = {pace} }}
limits = {{ requests_per_minute = 100_000_000, tokens_per_minute = 100_000_000_000 }}
[bounds]
calls = 1_000_000_000
usd = 1e12
[behaviour]
use = "scripted"
turns = [{{ text = {answer} }}]
[[promises]]
check = "no_crash"
optional = true
"""
TICK = os.sysconf("SC_CLK_TCK")


class Peer:
    """A server in a process of its own, on the first core where there are several."""

    def __init__(self, name, command, port, *, path=None):
        self.name, self.port = name, port
        self.process = subprocess.Popen(
            [*_pinned(0), *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **({"PYTHONPATH": str(path)} if path else {})},
        )
        _until_it_listens(self)

    def seconds(self):
        """CPU seconds that the process has used, its threads included."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def megabytes(self):
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def peers(stack, aimock, llmock):
    """Start what is installed; return the peers by name, and what was left out."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    started, absent = {}, []

    def start(name, command, port, **more):
        started[name] = stack.enter_context(
            contextlib.closing(Peer(name, list(map(str, command)), port, **more))
        )

    for name, pace in (("chaoskit", 1e9), ("chaoskit, split", 1e6)):
        file = folder / f"{'split' if 'split' in name else 'whole'}.chaos.toml"
        file.write_text(SCENARIO.format(pace=pace, answer=json.dumps(ANSWER)))
        port = free_port()
        run = "from chaoskit.cli import main; main()"
        start(name, [sys.executable, "-c", run, "serve", file, "--port", port], port)
    script = Path(aimock or "-") / "@copilotkit" / "aimock" / "dist" / "cli.js"
    if script.is_file() and shutil.which("node"):
        fixture = folder / "fixture.json"
        fixture.write_text(
            json.dumps({"fixtures": [{"match": {}, "response": {"content": ANSWER}}]})
        )
        port = free_port()
        options = ["-f", fixture, "-c", 21, "--log-level", "silent"]
        start("aimock", ["node", script, "-p", port, *options], port)
    else:
        absent.append("aimock (give its node_modules by --aimock or AIMOCK_MODULES)")
    if shutil.which(llmock):
        port = free_port()
        start("llmock", [llmock, "serve", "--port", port, "--log-level", "warning"], port)
    else:
        absent.append("llmock (give its command by --llmock or LLMOCK)")
    with contextlib.suppress(ImportError):
        import uvicorn  # noqa: F401

        port = free_port()
        options = ["--app-dir", HERE, "--port", port, "--log-level", "error"]
        start("uvicorn, bare", [sys.executable, "-m", "uvicorn", "bare:app", *options], port)
    if "uvicorn, bare" not in started:
        absent.append("uvicorn")
    port = free_port()
    start("asyncio, bare", [sys.executable, HERE / "bare.py", port], port)
    return started, absent


def load(peer, *, stream, same, seconds, connections=32):
    """Send requests from the other core; return requests a second and CPU microseconds each.

    Raises:
        RuntimeError: an answer was an error, or none came.
    """
    before = peer.seconds()
    done = subprocess.run(
        [
            *_pinned(1),
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", HERE / "post.lua"),
            f"http://127.0.0.1:{peer.port}",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "STREAM": str(int(stream)), "SAME": str(int(same))},
    ).stdout
    used = peer.seconds() - before
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", done)
    requests, micros, _, refused, lost = map(int, found.groups())
    if refused or lost > connections or not requests:
        raise RuntimeError(f"{peer.name}: {refused} errors, {lost} lost: {done}")
    return requests / micros * 1e6, used / requests * 1e6


def events(peer):
    """How many events a streamed answer of the peer has."""
    body = {"model": "gpt-4o-mini", "stream": True, "messages": [{"role": "user", "content": "?"}]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{peer.port}/v1/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer any"},
    )
    with urllib.request.urlopen(request) as answer:
        return answer.read().count(b"data:")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _pinned(core):
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core)]
    return []


def _until_it_listens(peer):
    for _ in range(600):
        if peer.process.poll() is not None:
            raise RuntimeError(f"{peer.name} ended with {peer.process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", peer.port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{peer.name} does not listen")
