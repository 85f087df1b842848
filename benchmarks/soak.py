"""Ten minutes of mixed traffic with faults at 200 connections: memory stays flat, nothing is noisy.

    python benchmarks/soak.py --minutes 10

The server is a process of its own with warnings as errors of the log: transports that nobody
closed, tasks that nobody awaited and callbacks that failed all turn up in its output. The clients
ask over raw sockets, break off, dawdle, send nonsense and hang up. Memory is read each ten seconds.
"""

import argparse
import asyncio
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_server"))

from peers import free_port

CONNECTIONS = 200
WARM = 0.3  # of the time, before memory counts
GROWTH = 1.10  # and so much of it is flat
SCENARIO = """
title = "Everything at once"
[workload]
prompt = "-"
[provider]
latency = { first_token = 0.02, tokens_per_second = 2_000 }
limits = { requests_per_minute = 100_000_000, tokens_per_minute = 100_000_000_000, \
input_tokens_per_minute = 100_000_000_000, output_tokens_per_minute = 100_000_000_000 }
[bounds]
calls = 1_000_000_000
usd = 1e12
[[promises]]
check = "no_crash"
optional = true
"""
FAULTS = (
    ("rate_limited", {"retry_after": 1}),
    ("server_error", {"status": 502, "html": True}),
    ("overloaded", {}),
    ("connect_error", {}),
    ("cut_stream", {"reset": True}),
    ("cut_stream", {}),
    ("error_mid_stream", {}),
    ("unfinished_stream", {}),
    ("illegal_chunk", {}),
    ("wrong_length", {}),
    ("broken_compression", {}),
    ("dribble", {"size": 64, "pause": 0.01}),
    ("stall", {"seconds": 1}),
    ("hang", {}),
)


def scenario():
    """The scenario file: each fault strikes about one call in a hundred."""
    text = SCENARIO
    for name, settings in FAULTS:
        text += f'[[faults]]\nfault = "{name}"\nwhen = {{ probability = 0.01 }}\nsticky = false\n'
        text += "optional = true\n"
        for key, value in settings.items():
            text += f"{key} = {json.dumps(value)}\n"
    return text


def request(rng, number):
    """One request of some client: of either vendor, streamed or not, sometimes nonsense."""
    if rng.random() < 0.02:
        return rng.randbytes(rng.randrange(1, 400))
    stream = rng.random() < 0.5
    said = [{"role": "user", "content": f"Why did deploy {number} fail? " * rng.randrange(1, 20)}]
    if rng.random() < 0.5:
        path, body = "/v1/chat/completions", {"model": "gpt-4o-mini", "messages": said}
    else:
        path = "/v1/messages"
        body = {"model": "claude-sonnet-4-6", "max_tokens": 400, "messages": said}
    if rng.random() < 0.05:
        body.pop("messages")
    data = json.dumps({**body, "stream": stream}).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer any\r\n"
    head += f"x-chaos-user: user-{number % 50}\r\nanthropic-version: 2023-06-01\r\n"
    if "chat" in path:
        head = head.replace("anthropic-version: 2023-06-01\r\n", "")
    return head.encode() + b"content-length: %d\r\n\r\n%b" % (len(data), data)


async def answer(reader):
    """Read one answer; return its status line, or how it ended."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    if length:
        await reader.readexactly(int(length[1]))
    elif b"chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return head[9:12].decode()


async def client(port, number, until, seen):
    """Ask again and again, on connections that last as long as they do."""
    rng = random.Random(number)
    writer = None
    while time.monotonic() < until:
        try:
            if writer is None or writer.is_closing() or rng.random() < 0.02:
                if writer is not None:
                    writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(rng, rng.randrange(10**6)))
            if rng.random() < 0.01:  # it has lost its patience before anything came
                writer.transport.abort()
                writer = None
                seen["broke off"] += 1
                continue
            seen[await asyncio.wait_for(answer(reader), 5)] += 1
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            seen[type(error).__name__] += 1
            if writer is not None:
                writer.close()
                writer = None
        await asyncio.sleep(rng.random() * 0.05)
    if writer is not None:
        writer.close()


async def traffic(port, pid, seconds):
    """Keep all clients busy; return what they saw, and the memory of the server by time."""
    began = time.monotonic()
    until, seen, sizes = began + seconds, Counter(), []
    clients = [
        asyncio.create_task(client(port, number, until, seen)) for number in range(CONNECTIONS)
    ]
    while time.monotonic() < until:
        await asyncio.sleep(min(10, max(0.1, until - time.monotonic())))
        passed = time.monotonic() - began
        sizes.append((passed, memory(pid), descriptors(pid)))
        print(f"{passed:5.0f} s  {sizes[-1][1]:6.1f} MB  {sizes[-1][2]:4} files  {seen.total()}")
    await asyncio.gather(*clients)
    return seen, sizes


def memory(pid):
    """Resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def descriptors(pid):
    """How many files are open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def main():
    """Run it, and say what is not as it should be."""
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("--minutes", type=float, default=10)
    seconds = given.parse_args().minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        file, log = Path(folder, "soak.chaos.toml"), Path(folder, "log")
        file.write_text(scenario())
        port = free_port()
        run = "from chaoskit.cli import main; main()"
        flags = ["-X", "dev", "-W", "always"]
        with log.open("wb") as told:
            server = subprocess.Popen(
                [sys.executable, *flags, "-c", run, "serve", str(file), "--port", str(port)],
                stdout=told,
                stderr=told,
            )
        while b"serving" not in log.read_bytes():
            if server.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.1)
        idle = descriptors(server.pid) + 1  # and the file of the journal
        seen, sizes = asyncio.run(traffic(port, server.pid, seconds))
        for _ in range(60):  # what hangs or dribbles has its time
            if (left := descriptors(server.pid)) <= idle:
                break
            time.sleep(0.5)
        server.send_signal(signal.SIGTERM)
        began = time.monotonic()
        server.wait(1_200)  # it judges every event of the journal
        print(f"the server has judged and ended after {time.monotonic() - began:.0f} s")
        noise = [
            line
            for line in log.read_text().splitlines()
            if re.search(r"Traceback|Warning|exception|never|a bug of", line, re.IGNORECASE)
        ]
    warm = [size for passed, size, _ in sizes if passed >= WARM * seconds]
    print("answers:", dict(seen.most_common()))
    print(
        f"memory: {warm[0]:.1f} MB once warm, {max(warm):.1f} MB at most; {left} files at the end"
    )
    print(f"noise: {len(noise)} lines", *noise[:5], sep="\n  ")
    flat = max(warm) <= warm[0] * GROWTH
    print(
        "kept" if flat and not noise and left <= idle else "MISSED",
        "flat memory, no connection left, no noise",
    )


if __name__ == "__main__":
    main()
