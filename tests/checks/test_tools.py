"""Promises on tool calls, and on secrets that pass through them."""

import pytest

from chaoskit.check import Verdict
from chaoskit.checks import (
    NoLeak,
    NoSecretInLogs,
    ToolBodyNotRunOnBadArguments,
    ToolErrorsReported,
    ToolGotRealValue,
)


def bad_call(story, called, *results):
    story.asks()
    story.replies(story.requests(0), calls=[called(arguments='{"query": []}', valid=False)], at=0.1)
    if results:
        story.requests(1, results=results)
    return ToolErrorsReported().judge(story.journal)


@pytest.mark.parametrize(
    "text",
    [
        '{"error": true, "message": "Bad tool arguments"}',
        '{"error": {"path": "query"}}',
        '{"ok": false}',
        '{"status": "error"}',
        '{"message": "query must be a string"}',
        "Error: query must be a string",
        "TypeError: expected str",
        '"Invalid arguments: query"',
        "unknown tool: serach",
    ],
)
def test_a_text_that_says_so_reports_the_error(story, called, got, text):
    """As an object or as prose."""
    assert bad_call(story, called, got(text)).verdict == Verdict.PASS


def test_a_result_marked_as_error_reports_it_whatever_it_says(story, called, got):
    """The protocol has a flag for it."""
    assert bad_call(story, called, got("query?", is_error=True)).verdict == Verdict.PASS


@pytest.mark.parametrize(
    "text",
    [
        '{"results": ["logs matching []"]}',
        '{"rows": ["ERROR timeout on web-3", "invalid login"]}',
        '["ERROR timeout on web-3"]',
        '{"error": null, "rows": [1]}',
        "3 rows",
    ],
)
def test_a_result_that_only_holds_such_words_reports_nothing(story, called, got, text):
    """The tool ran on bad arguments and found log lines."""
    judgement = bad_call(story, called, got(text))
    assert judgement.verdict == Verdict.FAIL
    assert "given a result that is no error" in judgement.findings[0].message
    assert "Vet" in judgement.findings[0].advice


def test_silence_about_a_bad_call_is_a_breach(story, called, got):
    """The agent crashed, or asked again as if nothing had been."""
    assert "was not asked again" in bad_call(story, called).findings[0].message
    story.requests(1, results=[got("error", call_id="other")])
    judgement = ToolErrorsReported().judge(story.journal)
    assert "no later request answers that call" in judgement.findings[0].message


@pytest.mark.parametrize(("valid", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_an_agent_that_mends_the_arguments_has_nothing_to_report(
    story, called, got, valid, verdict
):
    """JSON in a string can be unpacked; running the tool on it as it stands is another matter."""
    story.asks()
    story.replies(story.requests(0), calls=[called(valid=False)])
    story.runs("search", "{}", "rows", valid=valid)
    story.requests(1, results=[got("rows")])
    assert ToolErrorsReported().judge(story.journal).verdict == verdict


def test_a_good_call_beside_a_bad_one_does_not_excuse_it(story, called, got):
    """One run, which the model had rightly asked for."""
    story.asks()
    both = [called(call_id="good"), called(call_id="bad", valid=False)]
    story.replies(story.requests(0), calls=both).runs("search", "{}", "rows", valid=True)
    story.requests(1, results=[got("rows", call_id="good"), got("rows", call_id="bad")])
    assert ToolErrorsReported().judge(story.journal).verdict == Verdict.FAIL


def test_a_bad_call_that_never_arrived_need_not_be_answered(story, called):
    """The stream broke before the agent had it."""
    story.asks()
    call = story.requests(0)
    story.replies(call, calls=[called(valid=False)]).delivers(call, "reset")
    assert ToolErrorsReported().judge(story.journal).verdict == Verdict.UNKNOWN


def test_running_a_tool_on_bad_arguments_is_a_breach(story, called):
    """Validation comes before the body."""
    bad_call(story, called)
    assert ToolBodyNotRunOnBadArguments().judge(story.journal).verdict == Verdict.PASS
    story.runs("search", '{"query": []}', "rows", valid=False)
    judgement = ToolBodyNotRunOnBadArguments().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert judgement.judged == 1
    assert 'search ran with {"query": []}' in judgement.findings[0].message


def test_good_arguments_are_nothing_to_judge(story, called):
    """Nothing was tried."""
    story.asks()
    story.replies(story.requests(0), calls=[called()]).runs("search", "{}", "rows", valid=True)
    assert ToolBodyNotRunOnBadArguments().judge(story.journal).verdict == Verdict.UNKNOWN


CHANNELS = ["log", "stdout", "stderr", "warning", "exception", "span", "answer"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_secret_in_any_kept_channel_is_a_leak(story, channel):
    """Each finding says which secret and where."""
    story.plants("tool-argument/ann").leaks("tool-argument/ann", channel)
    for check in (NoSecretInLogs(), NoLeak()):
        judgement = check.judge(story.journal)
        assert judgement.verdict == Verdict.FAIL
        assert "tool-argument/ann" in judgement.findings[0].message
        assert "app (a.py:1)" in judgement.findings[0].message
        assert "Scrubber" in judgement.findings[0].advice


def test_a_secret_in_a_request_is_no_log_but_a_leak(story):
    """Another promise looks at sessions."""
    story.plants("tool-argument/ann").leaks("tool-argument/ann", "request", user="bob")
    assert NoSecretInLogs().judge(story.journal).verdict == Verdict.PASS
    assert NoLeak().judge(story.journal).verdict == Verdict.FAIL


def test_channels_can_be_chosen(story):
    """Standard output may be all that counts."""
    story.plants("x/ann").leaks("x/ann", "log")
    assert NoSecretInLogs(channels=("stdout",)).judge(story.journal).verdict == Verdict.PASS


def secret_call(story, called, **ran):
    story.asks().plants("tool-argument/ann")
    ask = called("connect", '{"password": "<canary tool-argument/ann>"}')
    story.replies(story.requests(0), calls=[ask])
    if ran:
        story.runs("connect", "{}", "ok", **ran)
    return ToolGotRealValue().judge(story.journal)


def test_a_tool_that_gets_the_secret_works(story, called):
    """Only what is written down is scrubbed."""
    verdict = secret_call(story, called, canaries=("tool-argument/ann",)).verdict
    assert verdict == Verdict.PASS


def test_a_tool_that_gets_a_scrubbed_secret_does_not(story, called):
    """Too much of a good thing."""
    judgement = secret_call(story, called, canaries=())
    assert judgement.verdict == Verdict.FAIL
    assert "connect ran without the secret tool-argument/ann" in judgement.findings[0].message


def test_a_tool_that_never_ran_tells_nothing(story, called):
    """UNKNOWN, not a pass."""
    assert secret_call(story, called).verdict == Verdict.UNKNOWN
