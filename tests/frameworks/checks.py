"""What a framework is asked to do, and what is wrong with how it did it.

Each check has a session of the served provider to itself. A program says what it got, or what was
raised; the journal of its session says what the provider saw.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chaoskit.freely import UNKEPT, in_words
from chaoskit.journal import Replied

SAID = "Migration 0042 timed out – the table of orders was locked for 40 minutes, says the log."
QUERY = "deploy 4711"
FOUND = "ERROR migration 0042: lock timeout"  # what the tool of `asking.py` returns


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that is asked of a framework.

    Attributes:
        does: the function of the program that is called.
        prepare: says what the model answers and what goes wrong.
        seen: takes the answer of the program and the session, and returns what was seen, in a few
            words; it raises AssertionError where that is wrong.
        by_hand: what is asked is not how an agent should behave, so the session is not judged.
    """

    about: str
    does: str
    prepare: Callable
    seen: Callable
    by_hand: bool = False


def _said(told):
    assert "said" in told, f"raised {told.get('raised')}: {told.get('message')}"
    return told["said"]


def _exactly(told):
    assert _said(told) == SAID, f"said {told['said']!r} instead of {SAID!r}"


def _asked(session):
    """Return the requests for an answer; some frameworks let tokens be counted before each."""
    return [call for call in session.calls if call.operation == "generate"]


def _calls(session, number):
    calls = len(_asked(session))
    assert calls == number, f"{calls} requests instead of {number}"


def _plain(told, session):
    _exactly(told)
    _calls(session, 1)
    return f"{len(SAID)} characters"


def _streamed(told, session):
    _exactly(told)
    _calls(session, 1)
    assert told["pieces"] > 1, "it came in one piece"
    assert all(reply.streamed for reply in session.journal.of(Replied)), "no stream was asked for"
    return f"{told['pieces']} pieces"


def _tool(told, session):
    _exactly(told)
    _calls(session, 2)
    assert told["queries"] == [QUERY], f"the tool was called with {told['queries']}"
    results = [result.text for call in _asked(session) for result in call.results]
    assert len(results) == 1, f"{len(results)} results reached the model"
    assert FOUND in results[0], f"the model was told {results[0]!r}"
    return "called once, answered from its result"


def _made(made):
    assert sorted(made) == ["certain", "summary"], f"made {made!r}"
    assert isinstance(made["certain"], bool), f"made {made!r}"
    assert isinstance(made["summary"], str), f"made {made!r}"
    return f"certain={made['certain']}"


def _structure(told, session):
    seen = _made(_said(told))
    _calls(session, 1)
    return seen


def _partial(told, session):
    states = _said(told)
    assert len(states) > 1, "it came in one piece"
    assert states[0] != states[-1], "nothing was added"
    _calls(session, 1)
    return f"{len(states)} states, {_made(states[-1])}"


def _repaired(told, session):
    seen = _made(_said(told))
    _calls(session, 2)
    (called,) = session.journal.of(Replied)[0].tool_calls
    assert not called.valid, f"it was valid: {called.arguments}"
    return f"{called.arguments} was sent back, {seen}"


def _retry(told, session):
    _exactly(told)
    _calls(session, 2)
    first, second = _asked(session)
    return f"asked again after {second.at - first.at:.1f} s"


def _error(told, session):
    assert "raised" in told, f"nothing was raised; it said {told.get('said')!r}"
    return told["raised"]


def _cut(told, session):
    if "raised" in told:
        return told["raised"]
    assert SAID.startswith(told["said"]), f"said {told['said']!r}"
    return "asked again" if told["said"] == SAID else f"silent after {len(told['said'])} characters"


CHECKS = {
    "plain": Check(
        about="an answer in one piece",
        does="plain",
        prepare=lambda session: session.reply(SAID),
        seen=_plain,
    ),
    "streamed": Check(
        about="the same answer as a stream",
        does="streamed",
        prepare=lambda session: session.reply(SAID),
        seen=_streamed,
    ),
    "tool": Check(
        about="a call of a tool, and the answer from its result",
        does="tool",
        prepare=lambda session: session.call_tool("search_logs", query=QUERY).reply(SAID),
        seen=_tool,
    ),
    "structure": Check(
        about="an object of a given class",
        does="structure",
        prepare=lambda session: None,
        seen=_structure,
    ),
    "partial": Check(
        about="the same while it comes, piece by piece",
        does="partial",
        prepare=lambda session: None,
        seen=_partial,
    ),
    "repaired": Check(
        about="the same, made wrong at first: the model is told, and asked again",
        does="repaired",
        prepare=lambda session: session.malform_arguments("missing", calls=1),
        seen=_repaired,
    ),
    "retry": Check(
        about="429 with Retry-After at first, then the answer",
        does="plain",
        prepare=lambda session: session.rate_limit(calls=1, retry_after=1).reply(SAID),
        seen=_retry,
    ),
    "error": Check(
        about="401: it is raised and not asked again",
        does="plain",
        prepare=lambda session: session.fault("unauthorised"),
        seen=_error,
    ),
    "cut": Check(
        about="the connection breaks in the middle of a stream: whatever is seen of it",
        does="streamed",
        prepare=lambda session: session.cut_stream(after=4, calls=1).reply(SAID, SAID, SAID),
        seen=_cut,
    ),
}


def judged(check, told, session):
    """Return whether a check went well, and what was seen or what was wrong."""
    try:
        seen = check.seen(told, session)
    except AssertionError as wrong:
        return False, str(wrong)
    if check.by_hand:
        return True, seen
    kept = [item for item in session.judge() if item.judgement.verdict in UNKEPT]
    return not kept, "; ".join(map(in_words, kept)) or seen
