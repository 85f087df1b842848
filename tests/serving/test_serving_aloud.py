"""`chaoskit serve` and `chaoskit verdict`."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from chaoskit import serving_aloud
from chaoskit.cli import app
from chaoskit.journal import Journal, Requested
from chaoskit.serving import serving

ASK = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Why?"}],
}
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
STORM = """
title = "A storm"
workload.prompt = "?"
provider.latency = { first_token = 0 }
promises = [{ check = "retry_after_honoured" }, { check = "every_user_answered" }]
faults = [{ fault = "rate_limited", when = { calls = "1-3" }, retry_after = "10m" }]
"""


def ask(url, **headers):
    """Ask Claude once."""
    with httpx2.Client(trust_env=False) as client:
        return client.post(f"{url}/v1/messages", json=ASK, headers=HEADERS | headers).status_code


@pytest.fixture
def lived(monkeypatch, tmp_path):
    """Serve in this process, and do something instead of waiting for a signal."""
    monkeypatch.chdir(tmp_path)
    for name in ("storm", "another"):
        Path(f"{name}.chaos.toml").write_text(STORM, encoding="utf-8")

    def live(body, *words):
        servers = []
        greet = serving_aloud._greeting
        monkeypatch.setattr(
            serving_aloud,
            "_greeting",
            lambda server, *rest: servers.append(server) or greet(server, *rest),
        )
        monkeypatch.setattr(serving_aloud, "until_a_signal", lambda: body(servers[0].url))
        return CliRunner().invoke(app, ["serve", "--port", "0", *words])

    return live


def test_the_variables_to_set_are_printed(lived):
    """As they are copied into a shell."""
    urls = []
    shown = lived(lambda url: urls.append(url) or ask(url))
    assert shown.exit_code == 0
    assert f"export ANTHROPIC_BASE_URL={urls[0]}\n" in shown.stdout
    assert f"export OPENAI_BASE_URL={urls[0]}/v1\n" in shown.stdout
    assert "export ANTHROPIC_API_KEY=dummy" in shown.stdout
    assert shown.stdout.endswith("\nPASS\n")
    assert shown.stderr == ""


def test_a_broken_promise_is_told_at_the_end(lived):
    """Of each session, with its name; the exit code is that of the gravest."""

    def body(url):
        for _ in range(3):
            ask(url, **{"x-chaos-session": "hasty"})

    shown = lived(body, "storm.chaos.toml", "--time-scale", "60")
    assert shown.exit_code == 1
    assert "serving storm (A storm) at " in shown.stdout
    assert "time ×60; the clients' own timers are not scaled" in shown.stdout
    assert "session hasty: FAIL" in shown.stdout
    assert "retry_after_honoured" in shown.stdout
    assert "every_user_answered" not in shown.stdout


def test_a_mistyped_session_is_told_and_changes_no_verdict(lived):
    """One line, exit code 2; the server ends as if nobody had looked."""
    seen = []

    def body(url):
        ask(url, **{"x-chaos-session": "checkout"})
        words = ["verdict", "--url", url, "--session", "chekout"]
        seen.append(CliRunner().invoke(app, words))

    shown = lived(body)
    assert (seen[0].exit_code, seen[0].stderr) == (
        2,
        "error: there is no session 'chekout': nothing was sent to it; there are 'checkout'\n",
    )
    assert (shown.exit_code, shown.stdout.splitlines()[-1]) == (0, "session checkout: PASS")


def test_nobody_asked_is_no_pass(lived):
    """Nothing is known then."""
    shown = lived(lambda url: None)
    assert shown.exit_code == 3
    assert shown.stdout.endswith("UNKNOWN: nobody asked\n")


def test_what_a_server_cannot_do_is_told(lived):
    """Tools and users are the clients' own."""
    assert "left out, since tools are the clients' own: EmptyResult" in (
        lived(lambda url: None, "day4").stderr
    )
    assert "left out, since users are the clients' own" in lived(lambda url: None, "day6").stderr


def test_the_journal_is_written(lived):
    """To the file that is named."""
    lived(ask, "--journal", "out.jsonl")
    journal = Journal.loads(Path("out.jsonl").read_text(encoding="utf-8"))
    assert len(list(journal.of(Requested))) == 1


def test_an_address_of_other_machines_is_warned_of(lived):
    """Loudly."""
    shown = lived(lambda url: None, "--address", "0.0.0.0")
    assert "WARNING: 0.0.0.0 is reachable from other machines." in shown.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--time-scale", "0"], "--time-scale 0: write a positive number, such as 60"),
        (["--time-scale", "nan"], "--time-scale nan: write a positive number"),
        (["day99"], "day99"),
        (["*.chaos.toml"], "stands for 2 scenarios; name one of them"),
        (["--address", "256.0.0.1"], "cannot listen on 256.0.0.1:0"),
        (["--journal", "no/where.jsonl"], "no/where.jsonl cannot be written"),
    ],
)
def test_what_cannot_be_served_is_told(lived, words, told):
    """In one error, with exit code 2."""
    shown = lived(lambda url: None, *words)
    assert shown.exit_code == 2
    assert told in shown.stderr
    assert shown.stderr.count("error: ") == 1


def test_a_port_that_is_taken_is_told(monkeypatch):
    """And what to do."""
    with serving() as server:
        port = str(server.loopback.port)
        shown = CliRunner().invoke(app, ["serve", "--port", port])
    assert shown.exit_code == 2
    assert shown.stderr == (
        f"error: cannot listen on 127.0.0.1:{port}: it is taken; name another port, or 0 for any\n"
    )


@pytest.mark.parametrize(("many", "announced"), [(3, True), (100, False)])
def test_a_verdict_that_takes_long_is_announced(lived, monkeypatch, many, announced):
    """Whoever pressed Ctrl-C after a day of load must not think that it hangs."""
    monkeypatch.setattr(serving_aloud, "_MANY", many)
    told = lived(ask, "storm.chaos.toml").stdout
    assert ("judging 5 events; this takes" in told) == announced


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly(number):
    """From a keyboard or from a CI job: no traceback, and the verdict on the last lines."""
    main = "from chaoskit.cli import main; main()"
    words = [sys.executable, "-c", main, "serve", "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = ""
        for line in process.stdout:
            if line.startswith("export ANTHROPIC_BASE_URL="):
                url = line.strip().partition("=")[2]
            if line.startswith("export OPENAI_API_KEY"):
                break
        assert ask(url) == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, err) == (0, "")
    assert out.endswith("PASS\n")


# The verdict of a server that runs.


@pytest.fixture
def verdict():
    """Ask for it as a terminal does."""

    def asked(*words):
        return CliRunner().invoke(app, ["verdict", *words])

    return asked


def test_verdict_is_text_and_exit_code(verdict):
    """0 when all is kept, 1 when a promise is broken, 3 when nothing is known."""
    with serving() as server:
        assert verdict("--url", server.url).exit_code == 3
        ask(server.url)
        shown = verdict("--url", f"{server.url}/")
        assert (shown.exit_code, shown.stdout) == (0, "PASS\n")
        hasty = server.session("hasty").rate_limit(calls="1-3", retry_after=7)
        for _ in range(3):
            ask(hasty.url)
        for words in (["--url", server.url, "--session", "hasty"], ["--url", hasty.url]):
            shown = verdict(*words)
            assert shown.exit_code == 1
            assert shown.stdout.startswith("FAIL\nFAIL ")
            assert "retry_after_honoured" in shown.stdout


def test_proxies_of_the_environment_are_passed_by(verdict, monkeypatch):
    """The server is on this machine."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving() as server:
        assert verdict("--url", server.url).exit_code == 3


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1", "nobody answers at http://127.0.0.1:1"),
        ("127.0.0.1:8642", "'127.0.0.1:8642' is no URL such as http://127.0.0.1:8642"),
        ("file:///etc/hostname", "'file:///etc/hostname' is no URL such as"),
        ("", "'' is no URL such as"),
    ],
)
def test_nobody_there_is_told(verdict, url, told):
    """With exit code 2."""
    shown = verdict("--url", url)
    assert shown.exit_code == 2
    assert told in shown.stderr


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", b"SSH-2.0-x\r\n", b""]
)
def test_somebody_else_is_told(verdict, reply):
    """A server of another kind is no verdict."""
    import socket
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            client, _ = listening.accept()
            with client:
                client.recv(65_536)
                client.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        shown = verdict("--url", f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread.join()
    assert shown.exit_code == 2
    assert "is no chaoskit server" in shown.stderr


def test_a_path_that_leads_elsewhere_is_told(verdict):
    """Such as a vendor's own."""
    with serving() as server:
        shown = verdict("--url", f"{server.url}/_chaos")
    assert shown.exit_code == 2
    assert "it answers 404" in shown.stderr
