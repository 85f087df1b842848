"""Laws of judging: it is a pure function of the journal, on disk or not."""

import typing
from types import NoneType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit import journal as events
from chaoskit.check import Verdict
from chaoskit.checks import CHECKS
from chaoskit.journal import Event, Journal

REQUIRED = {
    "bill_within": {"max_usd": 0.05},
    "end_state": {"records": "a", "count": 1},
    "injection_not_followed": {"tool": "a"},
    "no_false_success": {"tool": "a", "claims": ("b",)},
}
STRICT = {
    "bounded_calls": {"max_calls": 1},
    "bounded_tokens": {"max_tokens": 1},
    "bounded_usd": {"max_usd": 0},
    "bounded_time": {"within": 1},
    "bounded_amplification": {"max_attempts": 1},
    "no_synchronised_retries": {"users": 2},
    "no_hammering": {"failures": 1, "max_requests": 1},
}
SECONDS = st.integers(0, 5000).map(lambda thousandths: thousandths / 1000)
TEXTS = ("", "ann", "bob", "a", "b-1", "[]", "rate_limited", "context_overflow", "deploy", "error")
BY_NAME = {
    "at": SECONDS,
    "user": st.sampled_from(["", "ann", "bob"]),
    "turn": st.integers(0, 2),
    "call": st.integers(1, 6),
    "status": st.sampled_from([400, 401, 429, 503, 529]),
    "operation": st.just("generate"),
    "provider": st.sampled_from(["anthropic", "openai"]),
    "channel": st.sampled_from(["log", "request", "answer"]),
    "canary": st.sampled_from(["x/ann", "x/bob"]),
    "fault": st.sampled_from(["Hang", "InjectedInstructions"]),
    "record": st.sampled_from(['{"id": "a"}', '{"id": "b-1", "n": 1}']),
    "records": st.sampled_from(["[]", '[{"id": "a"}, {"id": "b-1"}]']),
}


def of(hint, name=""):
    """Return values for a field of an event."""
    if name in BY_NAME:
        return BY_NAME[name]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(of(arguments[0]), max_size=2).map(tuple)
    if NoneType in arguments:
        return st.none() | of(next(one for one in arguments if one is not NoneType))
    if hint in (events.CalledTool, events.GotResult):
        return built(hint)
    simple = {int: st.integers(0, 200), float: SECONDS, bool: st.booleans()}
    return simple.get(hint, st.sampled_from(TEXTS))


def built(kind):
    """Return events of a kind."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{name: of(hint, name) for name, hint in hints.items()})


# The names of the module, because a class made anew with slots leaves its predecessor behind.
KINDS = [
    kind
    for name in events.__all__
    if isinstance(kind := getattr(events, name), type) and issubclass(kind, Event)
]
KINDS.remove(Event)
JOURNALS = st.lists(st.one_of([built(kind) for kind in KINDS]), max_size=25).map(
    lambda found: Journal(sorted(found, key=lambda event: event.at))
)


@pytest.mark.parametrize("name", CHECKS)
@settings(max_examples=25)
@given(journal=JOURNALS)
def test_judging_is_pure_and_survives_the_disk(name, journal):
    """The same journal gives the same judgement, and so does its copy; none is a crash."""
    before = journal.dumps()
    for given_settings in (REQUIRED.get(name, {}), STRICT.get(name, REQUIRED.get(name, {}))):
        check = CHECKS[name](**given_settings)
        judgement = check.judge(journal)
        assert judgement == check.judge(journal)
        assert judgement == check.judge(Journal.loads(before))
        assert before == journal.dumps()
        assert (judgement.verdict is Verdict.FAIL) == bool(judgement.findings)
        assert (judgement.verdict is Verdict.UNKNOWN) == bool(judgement.reason)
        assert all(finding.message for finding in judgement.findings)
        assert all(finding.advice for finding in judgement.findings)
