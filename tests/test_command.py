"""Agents that are commands: what goes in, what comes out, and what is killed."""

import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit import batch
from chaoskit.agent import load_agent
from chaoskit.chaos import Chaos
from chaoskit.check import Verdict
from chaoskit.command import Command, CommandFailed
from chaoskit.errors import AgentNotFound, UsageError
from chaoskit.exchange import HttpRequest
from chaoskit.journal import Answered, Failed, Leaked, Refused, Requested, RunEnded
from chaoskit.run import play, run
from chaoskit.scenario import parse

ASKING = """
import json, os, sys, time, urllib.error, urllib.request
prompt = sys.stdin.read()
def ask(**headers):
    body = {"model": "claude-sonnet-4-6", "max_tokens": 99,
        "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
        json.dumps(body).encode(), {"x-api-key": os.environ["ANTHROPIC_API_KEY"],
        "content-type": "application/json", "anthropic-version": "2023-06-01"} | headers)
    while True:
        try:
            with urllib.request.urlopen(request) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 429 or "hasty" in sys.argv:
                raise
            time.sleep(float(error.headers.get("retry-after-ms", 0)) / 1000)
"""
PATIENT = ASKING + 'print(ask()["content"][0]["text"])\n'
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
check = "no_crash"
[[promises]]
check = "retry_after_honoured"
optional = true
"""
STORM = '[[faults]]\nfault = "rate_limited"\nwhen = { calls = 1 }\nretry_after = "30s"\n'
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


def world(more="", **changes):
    """A scenario, with other words in it."""
    text = WORLD + more
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return parse(text, "world.chaos.toml")


def python(code, *words, scale=300.0):
    """An agent that is a piece of Python in a process of its own."""
    line = shlex.join([sys.executable, "-c", code, *words])
    return load_agent(f"command: {line}", scale=scale)


def command(code):
    """A command that is a piece of Python."""
    return Command(words=(sys.executable, "-c", code))


def finished(one, prompt="?"):
    """Run a command alone."""
    return one.run(prompt, dict(os.environ), started=lambda _: None, ended=lambda _: None)


# The command itself.


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200))
@settings(max_examples=10)
def test_prompt_comes_on_stdin_as_it_is(prompt):
    """Whatever letters are in it."""
    one = command("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())")
    assert finished(one, prompt).answer == prompt


def test_prompt_takes_the_place_of_its_mark():
    """As one word, however a shell would read it."""
    line = shlex.join([sys.executable, "-c", "import sys; print(sys.argv[1:])", "a {prompt}", "b"])
    prompt = "$(echo x); 'y' \"z\""
    assert finished(Command.of(line), prompt).answer.strip() == repr([f"a {prompt}", "b"])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("pass", "nothing on stdout; nothing on stderr"),
        ("print(); print('  ')", "nothing on stdout"),
        ("print('x'); raise SystemExit(3)", "exit code 3; nothing on stderr"),
        ("import sys; sys.stderr.write('\\n'.join(map(str, range(99)))); sys.exit(1)",
         "exit code 1; stderr: 91\n92\n93\n94\n95\n96\n97\n98"),
        ("import sys; sys.stderr.write('a\\n' * 2_500_000 + 'why'); raise SystemExit(1)",
         "exit code 1; stderr: " + "a\n" * 7 + "why"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "killed by SIGTERM"),
    ],
)  # fmt: skip
def test_failures_say_how_it_ended(code, told):
    """With the last lines of what it wrote to stderr."""
    one = command(code)
    with pytest.raises(CommandFailed) as failed:
        one.answer_of(finished(one))
    assert str(failed.value).startswith(told)


def test_bytes_that_are_no_text_are_no_crash():
    """They are replaced."""
    one = command("import sys; sys.stdout.buffer.write(b'\\xff!')")
    assert one.answer_of(finished(one)) == "\ufffd!"


@pytest.mark.slow
def test_answer_without_end_is_a_failure_and_fills_no_disk():
    """Long before any limit of time; what it started is killed with it."""
    one = command("while True: print('thinking ' * 1000, flush=True)")
    done = finished(one)
    with pytest.raises(CommandFailed, match="killed: more than 16 MB on stdout, which is the ans"):
        one.answer_of(done)
    assert len(done.answer) <= 16 * 1024 * 1024


@pytest.mark.slow
def test_long_answer_is_whole_and_long_logs_are_no_failure():
    """Of an answer nothing is lost; of logs the end is kept."""
    long, logs = 15_000_000, 9_000_000
    one = command(
        f"import sys; sys.stdout.write('a' * {long} + 'z'); sys.stderr.write('l' * {logs} + 'last')"
    )
    done = finished(one)
    assert one.answer_of(done) == "a" * long + "z"
    assert (len(done.errors), done.errors[-5:]) == (4 * 1024 * 1024, "llast")


@needs_proc
@pytest.mark.slow
def test_what_a_command_leaves_running_elsewhere_is_not_waited_for():
    """In a session of its own it outlives the command, and holds its pipes open."""
    code = (
        "import subprocess, sys\n"
        "words = [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        "print(subprocess.Popen(words, start_new_session=True).pid)\n"
    )
    pid = int(finished(command(code)).answer)
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)


@needs_proc
def test_what_a_command_leaves_running_is_killed():
    """Its whole process group; the answer does not wait for what holds the pipe open."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid)\n"
    )
    pid = int(finished(command(code)).answer)
    assert gone(pid)


def gone(pid):
    """Whether a process ends; what was killed does so in the next moments."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
        except OSError:
            return True
        if state.split()[0] in ("Z", "X"):  # nobody has waited for it yet
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("command:", "no command; write command: node agent.js"),
        ("command: 'x", "is no command: No closing quotation"),
        ("command: no-such-program -v", "there is no program 'no-such-program'"),
    ],
)
def test_what_is_no_command_is_told(spec, told):
    """Before anything runs."""
    with pytest.raises(AgentNotFound, match=told):
        load_agent(spec)


# A run of it.


def test_command_is_judged_like_any_other_agent():
    """Twice, with its users beside each other, on scaled time."""
    outcome = run(world(STORM), python(PATIENT))
    assert outcome.verdict is Verdict.PASS, outcome
    assert outcome.calls == 6
    assert len(outcome.journal.of(Refused)) == 3
    assert outcome.virtual_seconds >= 30
    assert {event.user for event in outcome.journal.of(Requested)} == {"user-1", "user-2", "user-3"}
    assert any("timers and work of the agent itself are not scaled" in one for one in outcome.notes)


def test_broken_promises_are_found():
    """An agent that gives up, and says why on stderr."""
    outcome = run(world(STORM), python(PATIENT, "hasty"))
    assert outcome.verdict is Verdict.FAIL
    (first, *_) = outcome.journal.of(Failed)
    assert first.error == "chaoskit.command.CommandFailed"
    assert first.message.startswith("exit code 1; stderr: ")
    assert "HTTP Error 429" in first.message
    assert first.where.startswith(sys.executable)


def test_all_users_have_one_key_at_the_provider():
    """Its limits are those of the team, not of each of its users."""
    limited = world(**{"[provider]\n": "[provider]\nlimits = { requests_per_minute = 2 }\n"})
    journal = play(limited, python(PATIENT)).journal
    assert len({event.key for event in journal.of(Requested)}) == 1
    assert journal.of(Refused)
    assert len(journal.of(Answered)) == 3


def test_environment_says_who_asks_and_where(monkeypatch):
    """And nothing of what the developer has there."""
    code = (
        "import json, os\n"
        "kept = ('CHAOS_', 'ANTHROPIC_', 'OPENAI_', 'NO_PROXY')\n"
        "print(json.dumps({k: v for k, v in os.environ.items() if k.startswith(kept)}))"
    )
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "real")
    monkeypatch.setenv("OPENAI_API_KEY", "real")
    monkeypatch.setenv("OPENAI_API_BASE", "https://gateway.example/v1")
    monkeypatch.setenv("NO_PROXY", "example.com")
    (answered,) = play(world(**{"users = 3": "users = 1"}), python(code)).journal.of(Answered)
    given = json.loads(answered.answer)
    url = given["ANTHROPIC_BASE_URL"]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/~user-1", url)
    assert given == {
        "ANTHROPIC_BASE_URL": url,
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_BASE": f"{url}/v1",
        "CHAOS_MCP_URL": f"{url}/mcp",
        "CHAOS_TOOLS_URL": url,
        "ANTHROPIC_API_KEY": "chaos-user-1",
        "OPENAI_API_KEY": "chaos-user-1",
        "CHAOS_USER": "user-1",
        "CHAOS_SESSION": "user-1",
        "CHAOS_TURN": "1",
        "NO_PROXY": "example.com,127.0.0.1,localhost",
    }


def test_agent_that_brings_its_own_key_is_known_by_its_url():
    """And one that drops both, where nobody else is asking."""
    own = ASKING + 'print(ask(**{"x-api-key": "my-own"})["content"][0]["text"])\n'
    journal = play(world(), python(own)).journal
    assert {event.user for event in journal.of(Requested)} == {"user-1", "user-2", "user-3"}
    bare = own.replace('os.environ["ANTHROPIC_BASE_URL"]',
                       'os.environ["ANTHROPIC_BASE_URL"].partition("/~")[0]')  # fmt: skip
    journal = play(world(**{"users = 3": "users = 1"}), python(bare)).journal
    assert [event.user for event in journal.of(Requested)] == ["user-1"]


def test_secret_on_stderr_is_seen():
    """What the model was made to say must not be logged."""
    tool = (
        '"max_tokens": 99, "tools": [{"name": "login", "input_schema": {"type": "object",'
        ' "properties": {"api_key": {"type": "string"}}, "required": ["api_key"]}}],'
    )
    code = ASKING.replace('"max_tokens": 99,', tool)
    code += "sys.stderr.write(json.dumps(ask()))\nprint('done')\n"
    secret = '[[faults]]\nfault = "secret_in_arguments"\n'
    journal = play(world(secret), python(code)).journal
    assert {event.channel for event in journal.of(Leaked)} == {"stderr"}


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ({"virtual": "10m"}, "virtual time: more than 600 s"),
        ({"real": "1s"}, "real time: more than 1 s (bounds.real); with a higher --time-scale"),
        ({"calls": 2}, "calls: more than 2"),
    ],
)
def test_what_hangs_is_killed(bounds, reason, tmp_path):
    """With all that it started, and judged by what it did until then."""
    code = (
        "import os, subprocess, sys, pathlib\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(tmp_path)!r}, str(child.pid)).touch()\n"
        f"pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()\n"
    ) + (ASKING + "while True:\n    ask()\n" if "calls" in bounds else "child.wait()\n")
    lines = "".join(f"bounds.{key} = {value!r}\n" for key, value in bounds.items())
    scenario = parse(lines + WORLD, "hang.chaos.toml")
    journal = play(scenario, python(code, scale=1200.0)).journal
    assert journal.of(RunEnded)[0].reason.startswith(reason)
    assert any(event.stopped for event in journal.of(Failed))
    assert not journal.of(Answered)
    assert all(gone(int(file.name)) for file in tmp_path.iterdir())


# What does not go together.


def test_scenario_that_takes_too_long_needs_a_scale():
    """The error says which."""
    slow = world(**{"users = 3": 'users = 2\nturns = 3\nevery = "30m"'})
    with pytest.raises(UsageError, match=r"takes 1h and more .* add --time-scale 120"):
        run(slow, python("pass", scale=1))
    with pytest.raises(UsageError, match="world takes"):
        batch.Batch(scenarios=[(None, slow)], agents=[python("pass", scale=1)]).live()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"spec": "a:b", "command": "python"}, "--agent and --command: name one agent"),
        ({"spec": "a:b", "scale": 60.0}, "--time-scale is for --command"),
        ({"spec": "", "scale": 60.0}, "--time-scale is for --command"),
        ({"spec": "", "command": "python", "tools": ["a=b:c"]}, "--tool is for agents in Python"),
    ],
)
def test_options_that_do_not_go_together_are_told(asked, told):
    """In one sentence."""
    spec, tools = asked.pop("spec"), asked.pop("tools", ())
    with pytest.raises(UsageError, match=told):
        batch.agents(spec, tools, **asked)


def test_command_cannot_live_in_virtual_time():
    """The fixture of the server is for it."""
    with Chaos() as chaos, pytest.raises(UsageError, match="chaos_server"):
        chaos.ask("x", f"command: {sys.executable}")


def test_what_needs_tools_of_python_does_not_apply():
    """And the reason does not name an option that cannot help."""
    offering = PATIENT.replace(
        '"max_tokens": 99,', '"max_tokens": 99, "tools": [{"name": "x", "input_schema": '
        '{"type": "object", "properties": {}}}],'
    ).replace('["content"][0]["text"]', "")  # fmt: skip
    needy = parse('needs = ["tools", "tool_functions"]\n' + WORLD, "needy.chaos.toml")
    outcome = run(needy, python(offering))
    assert outcome.verdict is Verdict.NOT_APPLICABLE
    assert outcome.reason == "its tools are out of reach: the agent is another process"


def test_unknown_paths_get_an_answer():
    """And are no request to a model."""
    code = (
        "import os, urllib.error, urllib.request\n"
        "try:\n    urllib.request.urlopen(os.environ['ANTHROPIC_BASE_URL'] + '/elsewhere')\n"
        "except urllib.error.HTTPError as error:\n"
        "    print(error.code, error.read().decode())\n    error.close()\n"
    )
    journal = play(world(), python(code)).journal
    assert {event.answer.split()[0] for event in journal.of(Answered)} == {"404"}
    assert not journal.of(Requested)


def test_request_type_is_what_the_server_hands_over():
    """The key of a user is taken out before the provider sees it."""
    from chaoskit.wire import _OneKey

    class Seeing:
        def exchange(self, request):
            return request.headers

    host = _OneKey(Seeing())
    for name, before, after in [
        ("x-api-key", "chaos-user-1", "dummy-key-of-a-chaos-run"),
        ("authorization", "Bearer chaos-user-1", "Bearer dummy-key-of-a-chaos-run"),
        ("x-api-key", "my-chaos-key", "my-chaos-key"),
        ("authorization", "Bearer own", "Bearer own"),
    ]:
        request = HttpRequest(
            method="GET", host="x", path="/", query="", headers={name: before}, body=b""
        )
        assert host.exchange(request) == {name: after}
