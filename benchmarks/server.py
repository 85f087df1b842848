"""The server next to its peers: load on one core, the server on the other, rounds interleaved.

    python benchmarks/server.py --aimock NODE_MODULES --llmock COMMAND

Peers that are not installed are left out. Ratios are the result; where the machine is busy, those
of CPU time per request say more than those of requests a second. `same`: each request is the same;
`new`: each has a prompt of its own. `split`: each event of a stream is a chunk and a write of its
own, as in aimock; what both write within one turn of their loops reaches the socket in one system
call. Validation and the journal are on.
"""

import argparse
import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_server"))

import bare
from peers import ANSWER, SCENARIO, Peer, events, free_port, load, peers

MEGA, MILLI = 1024 * 1024, 1e3
OPEN = 1_000  # streams at once
ASK = {"model": "gpt-4o-mini", "max_tokens": 200, "messages": [{"role": "user", "content": "Why?"}]}


def main():
    """Measure, print, and say which bars are missed."""
    given = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    given.add_argument("--aimock", default=os.environ.get("AIMOCK_MODULES"), help="node_modules")
    given.add_argument("--llmock", default=os.environ.get("LLMOCK", "llmock"), help="its command")
    given.add_argument("--rounds", type=int, default=5)
    given.add_argument("--seconds", type=int, default=2, help="of each load")
    options = given.parse_args()
    bars = [*throughput(options), *one_caller(), *open_streams(), *starts()]
    print("\nbars")
    for name, value, bar, kept in bars:
        print(f"  {'kept  ' if kept else 'MISSED'} {name}: {value} (bar: {bar})")


def throughput(options):
    """Requests a second and CPU per request of every server; yields the bars."""
    with contextlib.ExitStack() as stack:
        started, absent = peers(stack, options.aimock, options.llmock)
        for name in absent:
            print(f"left out: {name}")
        cells = [
            (name, stream, same)
            for name in started
            for stream in (False, True)
            for same in (True, False)
            if not (name.endswith("bare") and (stream or not same))
            and not (name == "chaoskit, split" and not stream)
        ]
        found = {cell: ([], []) for cell in cells}
        for _ in range(options.rounds):
            for cell in cells:
                name, stream, same = cell
                rate, cost = load(started[name], stream=stream, same=same, seconds=options.seconds)
                found[cell][0].append(rate)
                found[cell][1].append(cost)
        print(f"\n{'32 connections':28}{'best/s':>9}{'median/s':>10}{'CPU µs':>9}{'MB':>7}")
        for (name, stream, same), (rates, costs) in found.items():
            what = f"{name}: {'stream' if stream else 'chat'}, {'same' if same else 'new'}"
            size = started[name].megabytes()
            print(
                f"{what:28}{max(rates):9,.0f}{statistics.median(rates):10,.0f}"
                f"{min(costs):9.0f}{size:7.0f}"
            )
        for name in ("chaoskit", "aimock"):
            if name in started:
                print(f"events in a stream of {name}: {events(started[name])}")
    for same in (True, False):
        word = "the same request" if same else "new prompts"
        yield from _over(found, ("chaoskit", False, same), ("aimock", False, same), 1, word)
        yield from _over(found, ("chaoskit, split", True, same), ("aimock", True, same), 1, word)
        yield from _over(found, ("chaoskit", True, same), ("aimock", True, same), 3, word)
        yield from _over(found, ("chaoskit", False, same), ("llmock", False, same), 8, word)
    third = ("uvicorn, bare", False, True)
    yield from _over(found, ("chaoskit", False, True), third, 1 / 3, "the same request")


def _over(found, ours, theirs, bar, word):
    """Yield a bar: ours by theirs, best rate by best rate and least cost by least cost."""
    if ours not in found or theirs not in found:
        return
    rates = max(found[ours][0]) / max(found[theirs][0])
    costs = min(found[theirs][1]) / min(found[ours][1])
    what = "streams" if ours[1] else "chat"
    value = f"{rates:.2f}x by requests a second, {costs:.2f}x by CPU time"
    yield f"{ours[0]} by {theirs[0]}, {what}, {word}", value, f"{bar:.2f}x", rates >= bar


def one_caller(calls=400, rounds=7):
    """What a call costs a caller in the same process, beyond a bare responder on a thread."""
    from chaoskit.scenario import parse
    from chaoskit.serving import serving

    scenario = parse(SCENARIO.format(pace=1e9, answer=json.dumps(ANSWER)), "bench.chaos.toml")
    body = json.dumps(ASK)
    head = {"content-type": "application/json", "authorization": "Bearer any"}

    def timed(connection):
        began = time.perf_counter()
        for _ in range(calls):
            connection.request("POST", "/v1/chat/completions", body, head)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        return (time.perf_counter() - began) / calls

    port = free_port()
    threading.Thread(target=_bare, args=(port,), daemon=True).start()
    with serving(scenario) as server:
        time.sleep(0.3)
        connections = [
            http.client.HTTPConnection("127.0.0.1", one) for one in (port, server.loopback.port)
        ]
        extra = []
        for connection in connections:
            timed(connection)
        for _ in range(rounds):
            floor, ours = map(timed, connections)
            extra.append((ours - floor) * MILLI)
    best, usual = min(extra), statistics.median(extra)
    print(f"\none caller: {best:.2f} ms at best, {usual:.2f} at the median")
    yield "extra time of a call, one caller", f"{best:.2f} ms at best", "0.3 ms", best < 0.3


def _bare(port):
    import asyncio

    asyncio.run(bare.serve(port))


def open_streams():
    """What a server needs for many streams that are open at once."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        file = Path(folder) / "slow.chaos.toml"
        file.write_text(SCENARIO.format(pace=2, answer=json.dumps(ANSWER)))
        port = free_port()
        run = "from chaoskit.cli import main; main()"
        command = [sys.executable, "-c", run, "serve", str(file), "--port", str(port)]
        peer = stack.enter_context(contextlib.closing(Peer("slow", command, port)))
        body = json.dumps({**ASK, "stream": True}).encode()
        request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer any\r\n"
        request += b"content-length: %d\r\n\r\n%b" % (len(body), body)
        clients = []
        for _ in range(OPEN):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            sock.sendall(request)
            clients.append(sock)
        begun = sum(sock.recv(12) == b"HTTP/1.1 200" for sock in clients)
        size = peer.megabytes()
    print(f"{begun} open streams: {size:.0f} MB")
    yield f"{begun} open streams", f"{size:.0f} MB", "200 MB", begun == OPEN and size < 200


def starts(rounds=5):
    """How long until a server listens, once its modules are imported; and the fixture's session.

    The first call that costs anything loads the prices; what it takes is told beside it.
    """
    code = (
        "import time\nfrom chaoskit.serving import serving\nbegan = time.perf_counter()\n"
        "with serving() as server:\n"
        "    print(time.perf_counter() - began)\n"
        "    began = time.perf_counter()\n    server.begin('test', word='chaos_server')\n"
        "    print(time.perf_counter() - began)\n"
        "    import http.client, json\n"
        f"    ask = json.dumps({ASK!r})\n"
        "    client = http.client.HTTPConnection('127.0.0.1', server.loopback.port)\n"
        "    head = {'authorization': 'Bearer any'}\n"
        "    for _ in range(2):\n"
        "        began = time.perf_counter()\n"
        "        client.request('POST', '/v1/chat/completions', ask, head)\n"
        "        assert client.getresponse().read()\n"
        "        print(time.perf_counter() - began)"
    )
    found = []
    for _ in range(rounds):
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        found.append([float(line) * MILLI for line in told.stdout.split()])
    first = [one[0] for one in found]
    both = [sum(one[:2]) for one in found]
    loads = [one[2] - one[3] for one in found]
    print(
        f"start: {min(first):.0f} ms; with the session of a first test: {min(both):.0f} ms; "
        f"the first call takes {min(loads):.0f} ms longer than the second"
    )
    yield "start after imports", f"{min(first):.0f} ms", "100 ms", min(first) < 100
    yield "start of the fixture, once", f"{min(both):.0f} ms", "50 ms", min(both) < 50


if __name__ == "__main__":
    main()
