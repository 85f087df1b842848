"""The catalogue of promises as a whole."""

import inspect

import pytest

from chaoskit import advice, checks
from chaoskit.check import Check, Verdict, sentence_of
from chaoskit.checks import CHECKS
from chaoskit.journal import Journal

REQUIRED = {
    "bill_within": {"max_usd": 1},
    "end_state": {"records": "refunds", "count": 1},
    "injection_not_followed": {"tool": "send_email"},
    "no_false_success": {"tool": "refund_order", "claims": ("refunded",)},
}


def make(name):
    return CHECKS[name](**REQUIRED.get(name, {}))


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_a_check_with_a_sentence(name):
    """Settings, a side, one method, and a line for people."""
    check = make(name)
    assert isinstance(check, Check)
    assert isinstance(type(check).outcome, bool)
    assert sentence_of(check, name) == check.sentence
    assert "\n" not in check.sentence


@pytest.mark.parametrize("name", CHECKS)
def test_silence_is_no_pass(name):
    """A run in which nothing happened is UNKNOWN, and says why."""
    judgement = make(name).judge(Journal())
    assert judgement.verdict == Verdict.UNKNOWN
    assert judgement.reason


CONDUCT = [name for name in CHECKS if not CHECKS[name].outcome and name != "bounded_time"]


@pytest.mark.parametrize("name", CONDUCT)
def test_answers_without_a_single_call_keep_no_promise_on_conduct(name, story):
    """An agent that never asked the model has shown none but how long it took."""
    story.starts("Hang(): every call").asks().answers("Forty-two.")
    assert make(name).judge(story.journal).verdict == Verdict.UNKNOWN


def test_the_module_offers_what_it_registers():
    """Names and classes agree."""
    assert sorted(["CHECKS", *(CHECKS[name].__name__ for name in CHECKS)]) == sorted(checks.__all__)


def test_a_check_without_a_sentence_is_called_by_its_name():
    """A user's own check need not have one."""

    class Own:
        outcome = True

    assert sentence_of(Own(), "never_late") == "never late"


def test_each_advice_is_one_line():
    """Advice stands in one cell of a table."""
    texts = [value for name, value in vars(advice).items() if name.isupper()]
    assert texts
    assert all(isinstance(text, str) and "\n" not in text for text in texts)
    assert inspect.isfunction(advice.for_turn)
