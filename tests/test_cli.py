"""The command line."""

import json
import logging
import os
import shlex
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chaoskit import run as running
from chaoskit.agent import Agent
from chaoskit.check import Finding, Judgement, Verdict
from chaoskit.cli import app
from chaoskit.errors import InternalError
from chaoskit.journal import Journal, RunEnded
from chaoskit.outcome import Judged, Outcome
from chaoskit.report.reference import reference_text
from chaoskit.scenario_schema import schema_text

SMALL = 'title = "Small"\nworkload.prompt = "?"\npromises = [{ check = "no_crash" }]\n'
AGENT = """
def answer(prompt):
    return "fine"
"""


class Runs:
    """Stands in for `chaoskit.run.run`: remembers the runs, gives the verdicts that are set."""

    def __init__(self):
        self.verdicts = {}
        self.seen = []
        self.raising = None

    def __call__(self, scenario, agent, *, seed=0, progress=None, quiet=True):
        if self.raising is not None and self.seen:
            raise self.raising
        self.seen.append((scenario.name, agent.name, seed, dict(agent.tools)))
        verdict = self.verdicts.get(agent.name, Verdict.PASS)
        broken = Judgement(verdict=verdict, judged=1, findings=(Finding(message="it broke"),))
        return Outcome(
            scenario=scenario.name,
            title=scenario.title,
            day=scenario.day,
            agent=agent.name,
            seed=seed,
            verdict=verdict,
            reason="" if verdict is Verdict.PASS else "it broke",
            promises=(Judged(name="no_crash", sentence="no crash", judgement=broken),)
            if verdict is Verdict.FAIL
            else (),
            journal=Journal([RunEnded(at=1.0, reason="finished")]),
        )


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Runs that are not performed, in a folder with an agent and two scenarios."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    fake = Runs()
    monkeypatch.setattr(running, "run", fake)
    Path("myagent.py").write_text(AGENT, encoding="utf-8")
    for name in ("a", "b"):
        Path(f"{name}.chaos.toml").write_text(SMALL, encoding="utf-8")
    yield fake
    for name in ("myagent", "broken"):
        sys.modules.pop(name, None)


@pytest.fixture
def demo(runs, monkeypatch):
    """Runs whose demo agents are not loaded."""
    monkeypatch.setattr(
        running, "load_agent", lambda spec, tools: Agent.of(lambda prompt: prompt, name=spec)
    )
    return runs


def invoke(*words):
    """Run the command line."""
    return CliRunner().invoke(app, words)


def test_the_help_teaches_with_examples():
    """One screen, with what to type first."""
    shown = invoke("--help")
    assert shown.exit_code == 0
    assert "chaoskit run --agent myapp.agent:answer" in shown.stdout
    assert all(word in shown.stdout for word in ("run", "list", "check", "new", "schema"))


@pytest.mark.parametrize(
    "command", ["run", "serve", "verdict", "list", "check", "new", "schema", "reference"]
)
def test_every_command_has_an_example(command):
    """In its own help."""
    assert f"chaoskit {command}" in invoke(command, "--help").stdout.partition("\n")[2]


def test_the_version_is_that_of_the_distribution():
    """One line."""
    assert invoke("--version").stdout == f"chaoskit {version('chaoskit')}\n"


def test_the_help_loads_nothing_heavy():
    """SDKs, Faker, prices and validation are for the commands that need them."""
    code = (
        "import sys\n"
        "from chaoskit.cli import app\n"
        "try:\n"
        "    app(['--help'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'anthropic', 'openai', 'faker', 'genai_prices', 'pydantic', 'jsonschema'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_an_agent_is_run_against_the_scenarios_that_are_named(runs):
    """The current folder can be imported from; the header says what is run."""
    shown = invoke("run", "a.chaos.toml", "b.chaos.toml", "--agent", "myagent:answer")
    assert shown.exit_code == 0
    assert [one[:3] for one in runs.seen] == [
        ("a", "myagent:answer", 0),
        ("b", "myagent:answer", 0),
    ]
    assert f"chaoskit {version('chaoskit')}, agent myagent:answer, seed 0, 2 scenarios" in (
        shown.stdout
    )


def test_without_scenarios_the_shipped_week_is_run(runs):
    """Seven days."""
    invoke("run", "-a", "myagent:answer", "--seed", "4")
    days = [name.partition("-")[0] for name, _, _, _ in runs.seen]
    assert days == [f"day{number}" for number in range(1, 8)]
    assert {seed for _, _, seed, _ in runs.seen} == {4}


def test_tools_are_handed_on(runs):
    """By name."""
    tools = ["--tool", "search=myagent:answer", "--tool", "fetch=myagent:other"]
    invoke("run", "a.chaos.toml", "-a", "myagent:answer", *tools)
    assert runs.seen[0][3] == {"search": "myagent:answer", "fetch": "myagent:other"}


@pytest.mark.parametrize(
    ("verdict", "more", "code"),
    [
        (Verdict.PASS, [], 0),
        (Verdict.FAIL, [], 1),
        (Verdict.UNKNOWN, [], 3),
        (Verdict.NOT_APPLICABLE, [], 0),
        (Verdict.NOT_APPLICABLE, ["--strict"], 3),
    ],
)
def test_the_exit_code_is_the_verdict(runs, verdict, more, code):
    """For scripts and CI."""
    runs.verdicts["myagent:answer"] = verdict
    assert invoke("run", "a.chaos.toml", "-a", "myagent:answer", *more).exit_code == code


def test_a_broken_promise_comes_with_the_command_to_run_it_again(runs):
    """Whatever was given, quoted for a shell."""
    runs.verdicts["myagent:answer"] = Verdict.FAIL
    Path("a.chaos.toml").rename("a b.chaos.toml")
    words = ["a b.chaos.toml", "-a", "myagent:answer", "--tool", "s=myagent:answer", "--seed", "7"]
    assert (
        "again: chaoskit run 'a b.chaos.toml' --agent myagent:answer --tool s=myagent:answer --seed 7"
    ) in invoke("run", *words).stdout


def test_without_an_agent_the_demo_agents_are_compared(demo):
    """Naive breaks, guarded keeps: that is how it is meant."""
    demo.verdicts["chaoskit.demo:naive"] = Verdict.FAIL
    shown = invoke("run", "a.chaos.toml")
    assert shown.exit_code == 0
    assert [agent for _, agent, _, _ in demo.seen] == [
        "chaoskit.demo:naive",
        "chaoskit.demo:guarded",
    ]
    assert "Now yours" in shown.stdout


def test_a_demo_that_shows_nothing_fails(demo):
    """A scenario that the naive agent survives has no reason to exist."""
    shown = invoke("run", "a.chaos.toml")
    assert shown.exit_code == 1
    assert "did not come out so" in shown.stdout


def test_the_report_and_the_journals_are_written(runs):
    """Folders are made."""
    words = ["a.chaos.toml", "-a", "myagent:answer", "--json", "out/r.json", "--journal", "out/j"]
    invoke("run", *words)
    report = json.loads(Path("out/r.json").read_text(encoding="utf-8"))
    assert [outcome["scenario"] for outcome in report["outcomes"]] == ["a"]
    journal = Path("out/j/a.myagent-answer.jsonl").read_text(encoding="utf-8")
    assert Journal.loads(journal) == Journal([RunEnded(at=1.0, reason="finished")])
    assert Path("out/j/a.myagent-answer.healthy.jsonl").read_text(encoding="utf-8") == ""


def test_an_interruption_ends_quietly_and_keeps_what_is_done(runs, monkeypatch):
    """Exit code 130, no traceback, the report of the first scenario."""
    monkeypatch.setattr(logging.getLogger("asyncio"), "disabled", False)
    runs.raising = KeyboardInterrupt()
    words = ["a.chaos.toml", "b.chaos.toml", "-a", "myagent:answer", "--json", "r.json"]
    shown = invoke("run", *words)
    assert shown.exit_code == 130
    assert "Traceback" not in shown.output
    assert "interrupted" in shown.stderr
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert [outcome["scenario"] for outcome in report["outcomes"]] == ["a"]


def test_a_bug_of_ours_is_no_verdict(runs):
    """It says so, with its traceback, keeps what is done, and does not end like a failure."""
    runs.raising = InternalError("oh")
    words = ["a.chaos.toml", "b.chaos.toml", "-a", "myagent:answer", "--json", "r.json"]
    shown = invoke("run", *words)
    assert shown.exit_code == 3
    assert "this is a bug of chaoskit" in shown.stderr
    assert "InternalError: oh" in shown.stderr
    assert len(json.loads(Path("r.json").read_text(encoding="utf-8"))["outcomes"]) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["zzz"], "there is no file and no shipped scenario called 'zzz'"),
        (["a.chaos.toml", "-a", "nowhere:answer"], "there is no module 'nowhere'"),
        (["a.chaos.toml", "-a", "myagent:anwser"], "myagent has no 'anwser'; it has answer"),
        (["a.chaos.toml", "-a", "myagent"], "write module:callable"),
        (["a.chaos.toml", "-a", "broken:answer"], "ZeroDivisionError"),
        (["a.chaos.toml", "--tool", "search"], "--tool search: write NAME=MODULE:FUNCTION"),
        (["bad.chaos.toml"], "error: 3 problems\nbad.chaos.toml: title: missing"),
        (["a.chaos.toml", "-a", "myagent:answer", "--json", "."], "cannot be written"),
        (["a.chaos.toml", "-a", "myagent:answer", "--journal", "myagent.py"], "exists already"),
    ],
)
def test_bad_usage_is_told_in_one_message(runs, words, said):
    """On standard error, without a traceback of ours, with exit code 2."""
    Path("bad.chaos.toml").write_text("", encoding="utf-8")
    Path("broken.py").write_text("1 / 0", encoding="utf-8")
    shown = invoke("run", *words)
    assert shown.exit_code == 2
    assert said in shown.stderr
    assert "chaoskit/cli" not in shown.stderr


def test_files_are_checked(runs):
    """What is fine, and all that is wrong."""
    assert invoke("check", "a.chaos.toml").stdout == "a.chaos.toml: fine (Small)\n"
    Path("b.chaos.toml").write_text(SMALL + "titel = 3\nstory = 3", encoding="utf-8")
    shown = invoke("check", ".")
    assert shown.exit_code == 2
    assert shown.stdout.splitlines() == [
        "a.chaos.toml: fine (Small)",
        "b.chaos.toml:4: titel: unknown key (did you mean 'title'?)",
        "b.chaos.toml:5: story: must be a text, not 3",
        "2 problems",
    ]


def test_a_new_scenario_is_right_and_explains_itself(runs):
    """Workload, provider, tools, faults and promises, with the schema beside it."""
    assert invoke("new", "shop/checkout-at-midnight").exit_code == 0
    path = Path("shop/checkout-at-midnight.chaos.toml")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#:schema ./chaos.schema.json\n")
    assert 'title = "Checkout at midnight"' in text
    for section in ("[workload]", "[[tools]]", "[[faults]]", "[healthy]", "[[promises]]"):
        assert section in text
    assert invoke("check", str(path)).exit_code == 0
    assert Path("shop/chaos.schema.json").read_text(encoding="utf-8") == schema_text()


def test_what_a_new_scenario_suggests_is_right_too(runs):
    """The lines that are commented out can be used as they stand."""
    invoke("new", "x")
    path = Path("x.chaos.toml")
    lines = path.read_text(encoding="utf-8").splitlines()
    used = [
        line.removeprefix("# ") if line.startswith("# ") and ("=" in line or "[" in line) else line
        for line in lines
        if not line.startswith(("# `chaoskit", "# show"))
    ]
    path.write_text("\n".join(used), encoding="utf-8")
    assert invoke("check", "x.chaos.toml").stdout == "x.chaos.toml: fine (X)\n"
    assert any(line.startswith("[[tools]]") for line in used)


def test_a_new_scenario_overwrites_nothing(runs):
    """Not the scenario, and not a schema that is there."""
    Path("chaos.schema.json").write_text("{}", encoding="utf-8")
    shown = invoke("new", "a")
    assert shown.exit_code == 2
    assert "a.chaos.toml exists already; choose another name" in shown.stderr
    assert Path("a.chaos.toml").read_text(encoding="utf-8") == SMALL
    invoke("new", "c.chaos.toml")
    assert Path("c.chaos.toml").exists()
    assert Path("chaos.schema.json").read_text(encoding="utf-8") == "{}"


def test_the_schema_is_printed():
    """As it is shipped."""
    assert invoke("schema").stdout == schema_text()


def test_the_reference_is_printed():
    """As it stands in the manual."""
    assert invoke("reference").stdout == reference_text()


def test_lists_are_printed_and_typos_are_told():
    """Catalogues by name."""
    assert "outage" in invoke("list", "faults").stdout
    assert "day7-" in invoke("list").stdout
    shown = invoke("list", "fautls")
    assert (shown.exit_code, "did you mean 'faults'?" in shown.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_real_interruption_ends_quietly(tmp_path, number):
    """The signal reaches an agent at work; the process ends with 130 and no traceback."""
    (tmp_path / "busy.py").write_text(
        "from pathlib import Path\n"
        "def answer(prompt):\n"
        "    Path('begun').write_text('')\n"
        "    while True:\n"
        "        pass\n",
        encoding="utf-8",
    )
    (tmp_path / "a.chaos.toml").write_text(SMALL, encoding="utf-8")
    os.mkfifo(tmp_path / "begun")
    command = (  # jobs in the background of a script are started deaf to SIGINT
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from chaoskit.cli import main; sys.argv[0] = 'chaoskit'; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", command, "run", "a.chaos.toml", "--agent", "busy:answer"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    (tmp_path / "begun").read_text()
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "interrupted\n"


def test_project_names_the_agent_and_the_seed(runs):
    """Nothing has to be said twice; what is said on the command line counts more."""
    Path("pyproject.toml").write_text(
        '[tool.chaoskit]\nagent = "myagent:answer"\nseed = 4\ntools = { find = "myagent:answer" }\n',
        encoding="utf-8",
    )
    shown = invoke("run", "a.chaos.toml")
    assert (shown.exit_code, runs.seen) == (
        0,
        [("a", "myagent:answer", 4, {"find": "myagent:answer"})],
    )
    assert "agent myagent:answer, seed 4, 1 scenario" in shown.stdout
    runs.seen.clear()
    invoke("run", "a.chaos.toml", "--agent", "chaoskit.demo:naive", "--seed", "1")
    assert [one[:3] for one in runs.seen] == [("a", "chaoskit.demo:naive", 1)]


ECHO = shlex.join([sys.executable, "-c", "print(input())"])


def test_an_agent_may_be_a_command(runs):
    """Its name says so, and the command to run it again is that of before."""
    runs.verdicts[f"command: {ECHO}"] = Verdict.FAIL
    shown = invoke("run", "a.chaos.toml", "--command", ECHO, "--time-scale", "60", "--seed", "4")
    assert shown.exit_code == 1
    assert [one[1:3] for one in runs.seen] == [(f"command: {ECHO}", 4)]
    assert f"agent command: {ECHO}, seed 4" in shown.stdout
    again = shlex.join(["--command", ECHO, "--time-scale", "60", "--seed", "4"])
    assert f"again: chaoskit run a.chaos.toml {again}" in shown.stdout


def test_the_same_command_can_be_given_as_the_agent(runs):
    """As in pyproject.toml."""
    assert invoke("run", "a.chaos.toml", "--agent", f"command: {ECHO}").exit_code == 0
    assert runs.seen[0][1] == f"command: {ECHO}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--command", "no-such-program"], "there is no program 'no-such-program'"),
        (["--command", ECHO, "-a", "myagent:answer"], "--agent and --command: name one agent"),
        (["-a", "myagent:answer", "--time-scale", "60"], "--time-scale is for --command"),
        (["--command", ECHO, "--time-scale", "0"], "--time-scale 0: write a positive number"),
        (["--command", ECHO, "--tool", "a=b:c"], "--tool is for agents in Python"),
    ],
)
def test_a_command_that_cannot_be_run_is_told(runs, words, told):
    """Nothing runs then."""
    shown = invoke("run", "a.chaos.toml", *words)
    assert (shown.exit_code, runs.seen) == (2, [])
    assert told in shown.stderr


def test_a_week_that_takes_too_long_for_a_command_is_told_first(runs):
    """Before its first day."""
    shown = invoke("run", "--command", ECHO)
    assert (shown.exit_code, runs.seen) == (2, [])
    assert "day6-cold-cache takes" in shown.stderr
    assert "day7-provider-outage takes 1.25h and more" in shown.stderr
    assert "add --time-scale 150" in shown.stderr
