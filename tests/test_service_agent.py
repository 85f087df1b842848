"""Agents that are services: what is posted, what counts as an answer, whose a call is."""

import contextlib
import http.server
import json
import socket
import threading
import urllib.error
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from chaoskit import batch, cli
from chaoskit.agent import load_agent
from chaoskit.chaos import Chaos
from chaoskit.check import Verdict
from chaoskit.errors import AgentNotFound, RunStopped, UsageError
from chaoskit.exchange import HttpRequest
from chaoskit.gate import Gate
from chaoskit.journal import Answered, Failed, Requested, RunEnded
from chaoskit.outside import Question
from chaoskit.run import play, run
from chaoskit.said import FIELDS, NoAnswer, said
from chaoskit.scenario import parse

WORLD = """
title = "A world"
[workload]
prompt = "Why, {user}?"
users = 3
[provider]
latency = { first_token = 0 }
[[promises]]
check = "every_user_answered"
[[promises]]
check = "retry_after_honoured"
optional = true
"""
STORM = '[[faults]]\nfault = "rate_limited"\nwhen = { calls = 1 }\nretry_after = "30s"\n'
PASSED_ON = {"none": (), "header": ("x-chaos-session",), "trace": ("traceparent",)}


def free_port():
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def world(more="", users=3):
    """A scenario."""
    return parse(WORLD.replace("users = 3", f"users = {users}") + more, "world.chaos.toml")


class Service:
    """A real HTTP service whose agent asks a provider, and what was posted to it."""

    def __init__(self, port, *, passes_on=(), answer=None):
        self.provider = f"http://127.0.0.1:{port}"
        self.port = port
        self.passes_on = passes_on
        self.answer = answer or self.ask
        self.posted = []
        self.most = self.now = 0
        self.lock = threading.Lock()

    def ask(self, posted, headers):
        """Ask the model, as often as it says that it is busy; return status, type and body."""
        body = {"model": "claude-sonnet-4-6", "max_tokens": 99,
                "messages": [{"role": "user", "content": posted["prompt"]}]}  # fmt: skip
        sent = {"x-api-key": "its-own", "anthropic-version": "2023-06-01"}
        sent |= {name: headers[name] for name in self.passes_on}
        while True:
            request = urllib.request.Request(
                f"{self.provider}/v1/messages", json.dumps(body).encode(), sent
            )
            try:
                with urllib.request.urlopen(request) as reply:
                    text = json.load(reply)["content"][0]["text"]
                    return 200, "application/json", json.dumps({"answer": text}).encode()
            except urllib.error.HTTPError as error:
                error.close()
                if error.code != 429:
                    return 502, "text/plain", b"the provider failed"
                threading.Event().wait(float(error.headers["retry-after-ms"]) / 1000)
            except OSError as error:
                return 500, "text/plain", f"{error}".encode()

    def handle(self, handler):
        """Answer one request."""
        posted = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        with self.lock:
            self.posted.append((posted, dict(handler.headers)))
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            status, kind, body = self.answer(posted, handler.headers)
        finally:
            with self.lock:
                self.now -= 1
        handler.send_response(status)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(body)))
        if status == 307:
            handler.send_header("location", "/answer/")
        handler.end_headers()
        with contextlib.suppress(OSError):  # the run was ended, and nobody reads
            handler.wfile.write(body)


@contextlib.contextmanager
def serving(**how):
    """Run a service; yield it and its agent, which finds the provider on a port of its own."""
    service = Service(free_port(), **how)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            service.handle(self)

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_address[1]}/answer?v=1"
    try:
        yield service, load_agent(service.url, scale=300.0, port=service.port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# What counts as an answer.


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=utf-8", "It is late.\n", "It is late.\n"),
        ("", "plain", "plain"),
        ("application/json", '"plain"', "plain"),
        ("application/json", '{"id": 1, "answer": "a", "text": "b"}', "a"),
        ("application/json", '{"content": [{"type": "text", "text": "a"}, {"text": "b"}]}', "ab"),
        ("application/problem+json", '{"output": {"text": "a"}}', "a"),
        ("application/x-ndjson", '{"delta": "a"}\n\n{"delta": "b"}\n', "ab"),
        ("text/event-stream", "data: a\n\ndata:  b\n\ndata: [DONE]\n\n", "a b"),
        ("text/event-stream", "data: a\ndata: b\n\n: ping\n\nevent: end\n\n", "a\nb"),
        ("text/event-stream", 'data: {"delta": "a"}\n\ndata: {"usage": 3}\n\ndata: "b"', "ab"),
        ("text/event-stream", "data: 7\r\n\r\ndata: {x\r\n\r\n", "7{x"),
    ],
)
def test_text_is_found_in_whatever_services_answer(kind, body, text):
    """By its media type."""
    assert said(kind, body.encode()) == text


@given(
    field=st.sampled_from(FIELDS), text=st.text(), rest=st.dictionaries(st.text(), st.integers())
)
def test_any_text_in_a_known_field_is_the_answer(field, text, rest):
    """Whatever stands beside it."""
    assert said("application/json", json.dumps({**rest, field: text}).encode()) == text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "it says that it is JSON, and it is not: {"),
        ('{"id": 1}', "its JSON has no text in any of answer, output"),
        ("[]", "its JSON has no text"),
        ("null", "its JSON has no text"),
    ],
)
def test_json_without_a_text_is_told(body, told):
    """With its beginning."""
    with pytest.raises(NoAnswer) as error:
        said("application/json", body.encode())
    assert str(error.value).startswith(told)


# A run.


@pytest.mark.parametrize("way", PASSED_ON)
def test_service_is_judged_like_any_other_agent(way):
    """Its calls are those of the user for whom it makes them, whether it says so or not."""
    with serving(passes_on=PASSED_ON[way]) as (service, agent):
        outcome = run(world(STORM), agent)
    assert outcome.verdict is Verdict.PASS, outcome
    assert outcome.calls == 6
    asked = [event.user for event in outcome.journal.of(Requested)]
    assert sorted(asked) == sorted(2 * ["user-1", "user-2", "user-3"])
    notes = "\n".join(outcome.notes)
    assert f"ANTHROPIC_BASE_URL=http://127.0.0.1:{service.port} " in notes
    assert ("asked one after the other" in notes) is (way == "none")
    if way == "none":
        assert service.most == 1


def test_users_whose_calls_say_for_whom_they_are_ask_at_once():
    """The second one is let in when the first call has come."""
    both = threading.Barrier(2, timeout=30)

    def answer(posted, headers):
        answered = service.ask(posted, headers)
        both.wait()  # for ever, if the turns came one after the other
        return answered

    with serving(passes_on=["x-chaos-session"], answer=answer) as (service, agent):
        journal = play(world(users=2), agent).journal
    assert len(journal.of(Answered)) == 2


def test_prompt_user_session_and_history_are_posted():
    """A session has another name in each run, since the service may remember it."""
    scenario = parse(WORLD.replace("users = 3", "users = 1\nturns = 2"), "world.chaos.toml")
    with serving() as (service, agent):
        run(scenario, agent)
    (first, headers), (second, _), *again = service.posted
    assert first["prompt"] == "Why, user-1?"
    assert (first["user"], first["history"]) == ("user-1", [])
    assert [entry["role"] for entry in second["history"]] == ["user", "assistant"]
    assert first["session"] == second["session"] != again[0][0]["session"]
    assert first["session"].startswith("user-1.")
    assert headers["x-chaos-session"] == "user-1"
    assert len(headers["traceparent"].split("-")[1]) == 32


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((503, "text/plain", b"out of\n order"), "HTTP 503: out of order"),
        ((404, "text/plain", b""), "HTTP 404: with an empty body"),
        ((307, "text/plain", b""), "HTTP 307: a redirect to /answer/; name that URL"),
        ((200, "application/json", b'{"id": 1}'), "its JSON has no text in any of answer"),
        ((200, "text/plain", b" \n"), "HTTP 200 with an empty answer"),
    ],
)
def test_answers_that_are_none_are_exceptions_that_left_the_agent(answer, told):
    """With what came instead, and from where."""
    with serving(answer=lambda *_: answer) as (service, agent):
        outcome = run(world(users=1), agent)
    (failed,) = outcome.healthy_journal.of(Failed)
    assert failed.error == "chaoskit.endpoint.ServiceFailed"
    assert failed.message.startswith(told)
    assert failed.where == service.url
    assert outcome.healthy_failed


def test_service_that_asks_nobody_is_told_what_it_needs():
    """To the letter, so that it can be copied."""
    with serving(answer=lambda *_: (200, "text/plain", b"42")) as (service, agent):
        outcome = run(world(), agent)
    url = f"http://127.0.0.1:{service.port}"
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.reason.endswith(
        f"the agent made no request to a simulated provider: start the service with "
        f"ANTHROPIC_BASE_URL={url} OPENAI_BASE_URL={url}/v1 OPENAI_API_BASE={url}/v1 "
        f"CHAOS_MCP_URL={url}/mcp CHAOS_TOOLS_URL={url} "
        "ANTHROPIC_API_KEY=dummy-key-of-a-chaos-run OPENAI_API_KEY=dummy-key-of-a-chaos-run"
    )


def call(**headers):
    """A call that arrives at the provider."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest(method="POST", host="x", path="/", query="", headers=named, body=b"")


def question(user):
    """One turn of a user."""
    return Question(prompt="?", user=user, session=user, turn=2, trace=f"trace of {user}")


def test_calls_for_nobody_are_counted_and_end_the_asking_at_once():
    """They do not count as those of a user who is asking."""
    gate = Gate(open=False)
    seen = []

    def second(_):
        seen.append(gate.whose(call(traceparent="00-trace of b-1-01")))
        seen.append(gate.whose(call()))
        return "answer"

    def first(_):
        seen.append(gate.whose(call()))
        seen.append(gate.whose(call(x_chaos_session="a")))
        gate.enter("b")
        return gate.ask(question("b"), second)

    gate.enter("a")
    assert gate.ask(question("a"), first) == "answer"
    assert seen == [("a", 2), ("a", 2), ("b", 2), ("client", 1)]
    assert gate.nameless == 1
    assert gate.whose(call(x_chaos_session="a")) == ("a", 2)  # late, and still known
    gate.enter("c")
    other = threading.Thread(target=gate.enter, args=("d",))
    other.start()
    gate.ask(question("c"), lambda _: "done")  # only its end lets the next one in
    other.join()
    gate.stop("over")
    with pytest.raises(RunStopped, match="over"):
        gate.enter("e")


@pytest.mark.slow
def test_service_that_hangs_is_let_go():
    """When the bounds are over, and judged by what it did until then."""
    over = threading.Event()
    scenario = parse('bounds.real = "1s"\n' + WORLD, "world.chaos.toml")
    with serving(answer=lambda *_: (over.wait(30), 200, "text/plain", b"x")[1:]) as (_, agent):
        journal = play(scenario, agent).journal
        over.set()
    assert journal.of(RunEnded)[0].reason.startswith("real time: more than 1 s")
    assert any(event.stopped for event in journal.of(Failed))


# What is told before anything runs.


def test_service_that_is_not_there_is_told_once():
    """With what has to be in its environment when it is started."""
    url = f"http://127.0.0.1:{free_port()}/answer"
    with pytest.raises(UsageError, match=f"nobody answers at {url} .*: start the service first, "
                       "with .* ANTHROPIC_BASE_URL=http://127.0.0.1:8642 "):  # fmt: skip
        run(world(), load_agent(url))
    result = CliRunner().invoke(cli.app, ["run", "day1", "day2", "--agent", url])
    assert result.exit_code == 2
    assert result.output.count("nobody answers at") == 1


def test_port_that_is_taken_is_told():
    """By the address and what to do."""
    with (
        serving() as (service, agent),
        socket.create_server(("127.0.0.1", service.port)),
        pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{service.port}: it is "),
    ):
        run(world(), agent)


@pytest.mark.parametrize("url", ["http:", "http://", "https:///x", "http://127.0.0.1:x/"])
def test_what_is_no_url_is_told(url):
    """With an example."""
    with pytest.raises(AgentNotFound, match="is no URL of a service; write http://127"):
        load_agent(url)


def test_port_is_for_urls():
    """And the tools of a service are its own."""
    with pytest.raises(UsageError, match="--port is for an agent that is a URL"):
        batch.agents(["a:b"], [], port=9000)
    with pytest.raises(UsageError, match="--tool is for agents in Python"):
        batch.agents(["http://127.0.0.1:1/"], ["a=b:c"])


def test_service_cannot_live_in_virtual_time():
    """The fixture of the server is for it."""
    with Chaos() as chaos, pytest.raises(UsageError, match="chaos_server"):
        chaos.ask("x", "http://127.0.0.1:1/")


def test_command_line_runs_a_service_and_says_how_to_do_it_again(tmp_path, monkeypatch):
    """With the port and the scale."""
    (tmp_path / "world.chaos.toml").write_text(
        WORLD + STORM + '[[promises]]\ncheck = "bounded_calls"\nmax_calls = 1\n'
    )
    monkeypatch.chdir(tmp_path)
    with serving() as (service, _):
        words = ["--agent", service.url, "--port", str(service.port), "--time-scale", "300"]
        result = CliRunner().invoke(cli.app, ["run", "world.chaos.toml", *words])
    assert result.exit_code == 1, result.output
    told = " ".join(result.output.split())
    assert f"again: chaoskit run world.chaos.toml --agent '{service.url}' --port {service.port} --time-scale 300 --seed 0" in told  # fmt: skip
    assert f"environment of the service: ANTHROPIC_BASE_URL=http://127.0.0.1:{service.port}" in told
