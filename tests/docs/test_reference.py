"""The reference: complete, up to date, and true."""

import contextlib
import dataclasses
import sys
import tomllib
import types
from pathlib import Path

import anthropic
import pytest
from mcp import Client, MCPError

from chaoskit.agent import Agent
from chaoskit.behaviours import BEHAVIOURS
from chaoskit.check import Verdict
from chaoskit.checks import CHECKS
from chaoskit.demo import naive
from chaoskit.demo.tools import FUNCTIONS, SPECS
from chaoskit.describe import describe_table, examples_of
from chaoskit.fault import about, stage_of
from chaoskit.faults import FAULTS
from chaoskit.journal import Replied, Struck
from chaoskit.report.reference import reference_text, tables_within
from chaoskit.run import judge, play
from chaoskit.scenario import parse
from chaoskit.scenario_tables import HEALTHY_EXAMPLE, LISTS, SECTIONS, Kept, Strikes
from chaoskit.story import Story
from chaoskit.tool import ToolSettings
from chaoskit.when import When

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
HEAD = 'title = "An example"\n'
WORKLOAD = '[workload]\nprompt = "Why did the last deploy fail?"\n'
PROMISES = '[[promises]]\ncheck = "no_crash"\n'

MEMBERS = {
    **{f"fault {name}": FAULTS[name] for name in FAULTS},
    **{f"check {name}": CHECKS[name] for name in CHECKS},
    **{f"behaviour {name}": BEHAVIOURS[name] for name in BEHAVIOURS},
}
TABLES = {
    "the top of the file": Story,
    "faults": Strikes,
    "promises": Kept,
    **SECTIONS,
    **LISTS,
    **MEMBERS,
}
ALL = TABLES | {
    f"{inner.__name__} in {name}": inner
    for name, kind in TABLES.items()
    for inner in tables_within(kind)
}


def scenario(fragment):
    """A scenario that contains a fragment, with what it lacks to be one."""
    table = tomllib.loads(fragment)
    head = "" if "title" in table else HEAD
    parts = [
        text for key, text in (("workload", WORKLOAD), ("promises", PROMISES)) if key not in table
    ]
    return parse("\n".join([head, fragment, *parts]), "example.chaos.toml")


def keys_in(value):
    """Every key of a table, at whatever depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner)


def streaming(prompt):
    """The loop of the demo agent, streamed."""
    client, messages = anthropic.Anthropic(), [{"role": "user", "content": prompt}]
    while True:
        with client.messages.stream(
            model="claude-sonnet-4-6", max_tokens=300, tools=SPECS, messages=messages
        ) as stream:
            message = stream.get_final_message()
        if message.stop_reason != "tool_use":
            return message.content[0].text
        results = [
            {
                "type": "tool_result",
                "tool_use_id": block.id,
                "content": str(FUNCTIONS[block.name](**block.input)),
            }
            for block in message.content
            if block.type == "tool_use"
        ]
        messages += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": results},
        ]


def test_the_page_is_up_to_date():
    """`chaoskit reference > docs/reference.md` makes it so."""
    assert PAGE.read_text(encoding="utf-8") == reference_text()


@pytest.mark.parametrize("name", ALL)
def test_every_key_has_a_meaning_and_stands_in_an_example_that_loads(name):
    """Nothing is on the page that could not be written so."""
    kind = ALL[name]
    examples = examples_of(kind)
    shown = {key for example in examples for key in keys_in(tomllib.loads(example))}
    entry = describe_table(name, kind)
    assert examples
    assert {setting.name for setting in entry.settings} - shown == set()
    assert all(setting.text for setting in entry.settings)
    for example in examples:
        scenario(example)
        assert f"```toml\n{example}```" in reference_text()


@pytest.mark.parametrize("name", [*MEMBERS, "when"])
def test_an_example_is_about_what_it_stands_for(name):
    """It names its own entry."""
    kind, _, own = name.partition(" ")
    if kind == "when":
        assert {setting.name for setting in describe_table("", When).settings} <= {
            key for example in examples_of(When) for key in keys_in(tomllib.loads(example))
        }
        return
    word, table = {"fault": ("fault", "faults"), "check": ("check", "promises")}.get(
        kind, ("use", "behaviour")
    )
    for example in examples_of(MEMBERS[name]):
        entries = tomllib.loads(example)[table]
        named = [entries] if isinstance(entries, dict) else entries
        assert {own} == {entry[word] for entry in named}


def test_the_healthy_run_has_an_example_too():
    """Its table has no class of its own."""
    assert scenario(HEALTHY_EXAMPLE).overrides == tomllib.loads(HEALTHY_EXAMPLE)["healthy"]


async def by_mcp(prompt):
    """Ask a tool twice through the official client, in each era, whatever goes wrong."""
    for mode in ("legacy", "auto"):
        with contextlib.suppress(Exception):
            async with Client(
                "https://tools.test/mcp", mode=mode, read_timeout_seconds=30
            ) as asking:
                for _ in range(2):
                    with contextlib.suppress(MCPError):
                        await asking.list_tools()
                        await asking.call_tool("search_logs", {}, progress_callback=_listen)
    return "done"


async def _listen(progress, total, message):
    """Ask for progress, and do nothing with it."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FAULTS if about(FAULTS[name])])
def test_the_example_of_a_tool_servers_fault_strikes_a_client(name):
    """Each of its rules; noise and a closed input need standard streams."""
    for example in examples_of(FAULTS[name]):
        given = scenario(example)
        given = dataclasses.replace(given, tools=given.tools or (ToolSettings(name="search_logs"),))
        played = play(given, Agent.of(by_mcp), seed=1)
        struck = {event.rule for event in played.journal.of(Struck)}
        wanted = set() if name in ("log_noise", "closed_input") else set(range(len(given.faults)))
        assert struck == wanted


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FAULTS if not about(FAULTS[name])])
def test_the_example_of_a_fault_strikes_a_demo_agent(name):
    """Each of its rules, unless it is marked as optional."""
    for example in examples_of(FAULTS[name]):
        given = scenario(example)
        streams = any(stage_of(rule.fault) in ("frames", "steps") for rule in given.faults)
        struck = set()
        for answer in (streaming, naive) if streams else (naive,):
            played = play(given, Agent.of(answer), seed=1)
            struck |= {event.rule for event in played.journal.of(Struck)}
        assert {n for n, rule in enumerate(given.faults) if not rule.optional} <= struck
        assert struck


@pytest.mark.slow
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_example_of_a_behaviour_answers_a_demo_agent(name, monkeypatch):
    """With what it says in it."""
    models = types.ModuleType("myapp.models")
    models.terse = lambda call, scene: "No."
    monkeypatch.setitem(sys.modules, "myapp", types.ModuleType("myapp"))
    monkeypatch.setitem(sys.modules, "myapp.models", models)
    for example in examples_of(BEHAVIOURS[name]):
        given = scenario(example)
        assert type(given.behaviour) is BEHAVIOURS[name]
        bounded = dataclasses.replace(given, bounds=dataclasses.replace(given.bounds, calls=30))
        assert play(bounded, Agent.of(naive), seed=1).journal.of(Replied)


@pytest.mark.slow
def test_the_example_of_every_promise_can_be_judged():
    """On a run in which nothing is wrong none of them is broken."""
    journal = play(scenario(""), Agent.of(naive), seed=1).journal
    promises = [
        promise
        for name in CHECKS
        for example in examples_of(CHECKS[name])
        for promise in scenario(example).promises
    ]
    judged = judge(tuple(promises), journal)
    assert sorted(CHECKS) == sorted({item.name for item in judged})
    broken = [item.name for item in judged if item.judgement.verdict is Verdict.FAIL]
    assert broken == ["answer_parses"]  # the agent of this run answers people, in prose
    assert not any("crashed" in item.judgement.reason for item in judged)
