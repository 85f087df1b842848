"""Faults, behaviours and checks of one's own."""

import dataclasses
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import pytest
from jsonschema import Draft7Validator

import chaoskit
from chaoskit.agent import Agent
from chaoskit.behaviours import BEHAVIOURS
from chaoskit.check import Finding, Judgement, Verdict
from chaoskit.checks import CHECKS
from chaoskit.describe import describe
from chaoskit.errors import ScenarioError, UsageError
from chaoskit.exchange import Reply, Text
from chaoskit.faults import FAULTS
from chaoskit.journal import Replied
from chaoskit.register import registered_for_a_while
from chaoskit.run import run
from chaoskit.scenario import parse
from chaoskit.scenario_schema import schema
from chaoskit.settings import Duration, settings

SCENARIO = """
title = "Own words"

[workload]
prompt = "Why did the last deploy fail?"

[behaviour]
use = "terse"
words = 2

[[faults]]
fault = "apology"
text = "I am sorry."
when = { calls = 1 }

[[promises]]
check = "no_apology"
[[promises]]
check = "every_user_answered"
"""


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    module = types.ModuleType("myapp.chaos")
    module.__file__ = "myapp/chaos.py"  # pydantic looks for the texts under attributes in it
    monkeypatch.setitem(sys.modules, "myapp.chaos", module)
    with registered_for_a_while():
        yield


@pytest.fixture
def own():
    """One of each."""

    @chaoskit.register_fault
    class Apology:
        """The model apologises."""

        text: str = "Sorry."
        """What it says."""
        after: Duration = 0.0
        """When it begins to."""

        def reply(self, reply, call, strike):
            return replace(reply, content=(Text(self.text),))

    @chaoskit.register_behaviour
    class Terse:
        """Says little."""

        words: int = 3
        """How many words it says."""

        def reply(self, call, scene):
            return Reply(content=(Text(" ".join(["word"] * self.words)),))

    @chaoskit.register_check
    class NoApology:
        """The model never apologises."""

        def judge(self, journal):
            replies = journal.of(Replied)
            found = [Finding(message=f"it said {it.text!r}") for it in replies if "orry" in it.text]
            return Judgement.of(len(replies), found, nothing="the model said nothing")

    return Apology, Terse, NoApology


def ask(prompt):
    import anthropic

    reply = anthropic.Anthropic().messages.create(
        model="claude-sonnet-4-6", max_tokens=99, messages=[{"role": "user", "content": prompt}]
    )
    return reply.content[0].text


def test_they_do_their_work_in_a_scenario(own):
    """The fault strikes, the behaviour answers, the promise is judged."""
    outcome = run(parse(SCENARIO, "own.chaos.toml"), Agent.of(ask))
    assert outcome.verdict is Verdict.FAIL
    assert outcome.reason == "it said 'I am sorry.'"
    assert [it.text for it in outcome.healthy_journal.of(Replied)] == ["word word"]
    verdicts = {it.name: it.judgement.verdict for it in outcome.promises}
    assert verdicts == {
        "no_apology": Verdict.FAIL,
        "every_user_answered": Verdict.PASS,
        "faults_struck": Verdict.PASS,
    }


def test_a_scenario_with_them_is_written_as_it_was_read(own):
    """Also where its settings are durations."""
    scenario = parse(SCENARIO.replace('text = "I am', 'after = "7s"\ntext = "I am'), "x.chaos.toml")
    assert scenario == parse(scenario.dumps(), "x.chaos.toml")
    assert scenario.faults[0].fault.after == 7.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('text = "I am sorry."|tekst = "x"', "faults[0].tekst: unknown key (did you mean 'text'?)"),
        ('"I am sorry."|3', "faults[0].text: must be a text, not 3"),
        ("words = 2|words = 2.5", "behaviour.words: must be a whole number, not 2.5"),
        ('"no_apology"|"no_apologie"', "did you mean 'no_apology'?"),
    ],
)
def test_their_settings_are_validated_like_any_others(own, wrong, message):
    """With line, key and advice."""
    with pytest.raises(ScenarioError) as caught:
        parse(SCENARIO.replace(*wrong.split("|")), "own.chaos.toml")
    assert message in str(caught.value)
    assert "own.chaos.toml:" in str(caught.value)


def test_they_stand_in_the_schema_and_in_the_lists(own):
    """With their module, so that nobody looks for them in the manual."""
    validator = Draft7Validator(schema())
    table = {"title": "t", "workload": {"prompt": "?"}, "promises": [{"check": "no_apology"}]}
    assert validator.is_valid(table | {"faults": [{"fault": "apology", "text": "x"}]})
    assert not validator.is_valid(table | {"faults": [{"fault": "apology", "tekst": "x"}]})
    entries = {
        entry.name: entry for kind in (FAULTS, CHECKS, BEHAVIOURS) for entry in describe(kind)
    }
    assert entries["apology"].text == "The model apologises."
    assert entries["apology"].remark == f"in what the model says, of {__name__}"
    assert entries["apology"].settings[0].text == "What it says."
    assert entries["no_apology"].remark == f"how the agent goes about it, of {__name__}"
    assert entries["terse"].remark == f"of {__name__}"


def test_the_classes_are_values_that_python_can_use_too(own):
    """Frozen, compared by their settings, and refusing what a file may not say."""
    apology, *_ = own
    assert apology(text="x") == apology(text="x", after="0s")
    assert "Apology(text='x', after=0.0)" in repr(apology(text="x"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        apology().text = "y"
    with pytest.raises(ValueError, match="after"):
        apology(after="soon")


def test_a_name_can_be_given_and_is_made_of_the_class_otherwise():
    """In small letters, as the shipped ones are."""
    admit = lambda self, call, strike: None  # noqa: E731 - a method for many classes
    for name, expected in (
        ("HTTPError", "http_error"),
        ("Slow2", "slow2"),
        ("NoURLInLogs", "no_url_in_logs"),
    ):
        chaoskit.register_fault(type(name, (), {"admit": admit}))
        assert expected in FAULTS
    chaoskit.register_fault(name="own_name")(type("Slow", (), {"admit": admit}))
    assert "own_name" in FAULTS


def test_settings_and_frozen_dataclasses_are_taken_as_they_are():
    """Whoever has made them need not make them again."""

    @chaoskit.register_fault
    @settings
    class First:
        """First."""

        seconds: Duration = "1m"

        def admit(self, call, strike):
            return None

    @chaoskit.register_fault
    @dataclasses.dataclass(frozen=True)
    class Second:
        """Second."""

        size: int = 3

        def admit(self, call, strike):
            return None

    texts = {entry.name: entry.text for entry in describe(FAULTS)}
    assert (texts["first"], texts["second"]) == ("First.", "Second.")


def test_a_check_may_be_one_on_what_users_get():
    """Then the healthy run is judged by it too."""

    @chaoskit.register_check
    class Polite:
        """Polite."""

        outcome: ClassVar[bool] = True

        def judge(self, journal):
            return Judgement.of(1, [], nothing="")

    text = 'title = "t"\nworkload.prompt = "?"\n[[promises]]\ncheck = "polite"\n'
    assert [it.name for it in parse(text, "t.toml").healthy().promises] == ["polite"]


def test_a_module_that_is_imported_again_replaces_its_classes():
    """A test runner may import a conftest more than once."""

    def register():
        @chaoskit.register_fault
        class Again:
            """Again."""

            def admit(self, call, strike):
                return None

        return Again

    first, second = register(), register()
    assert FAULTS["again"] is second
    assert FAULTS.name_of(first) == "again"


def fault(**attributes):
    return lambda: chaoskit.register_fault(
        type("Own", (), {"__module__": "myapp.chaos", **attributes})
    )


def admit(self, call, strike):
    """A method that is right."""


async def waiting(self, call, strike):
    """One that waits."""


WRONG = {
    "no class": (
        lambda: chaoskit.register_fault(len),
        "a fault is a class; <built-in function len>",
    ),
    "no method": (
        fault(),
        "myapp.chaos.Own is no fault: it needs exactly one method of admit(call, strike) or reply(",
    ),
    "no method of a check": (
        lambda: chaoskit.register_check(type("Own", (), {"__module__": "myapp.chaos"})),
        "myapp.chaos.Own is no check: it needs the method judge(journal)",
    ),
    "two methods": (fault(admit=admit, steps=admit), "it has admit and steps"),
    "other parameters": (
        fault(admit=lambda self, call: None),
        "myapp.chaos.Own.admit is called with (call, strike), but takes (self, call); write def a",
    ),
    "a behaviour as a fault": (
        fault(reply=lambda self, call, scene: None),
        "myapp.chaos.Own.reply is called with (reply, call, strike), but takes (self, call, scene",
    ),
    "a coroutine": (fault(admit=waiting), "must be a plain method: a fault does not wait"),
    "a taken name": (
        lambda: chaoskit.register_fault(name="slow")(fault(admit=admit)()),
        "a fault called 'slow' already (chaoskit.faults.slow.Slow); choose another name for myapp",
    ),
    "a strange name": (
        lambda: chaoskit.register_fault(name="Very Slow")(fault(admit=admit)()),
        "'Very Slow' cannot be the name of a fault; write small letters",
    ),
    "a default that is none": (
        fault(admit=admit, after="soon", __annotations__={"after": Duration}),
        "cannot be read from a file",
    ),
    "a taken key": (
        fault(admit=admit, when="x", __annotations__={"when": str}),
        "cannot have a setting called 'when': the key means something else beside a fault",
    ),
    "a setting that no file can write": (
        fault(admit=admit, make=None, __annotations__={"make": Callable[[int], int]}),
        "the settings of myapp.chaos.Own cannot be read from a file",
    ),
    "a default that is shared": (
        fault(admit=admit, words=[], __annotations__={"words": list[str]}),
        "mutable default",
    ),
    "a dataclass that changes": (
        lambda: chaoskit.register_fault(dataclasses.dataclass(type("Own", (), {"admit": admit}))),
        "make the class no dataclass, or a frozen one",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_registered_is_told_with_what_to_do(case):
    """And leaves the catalogue as it was."""
    before = list(FAULTS)
    register, message = WRONG[case]
    with pytest.raises(UsageError) as caught:
        register()
    assert message in str(caught.value)
    assert set(FAULTS) <= {*before, "own"}
