"""Promises on waiting, retrying and not retrying."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.check import Verdict
from chaoskit.checks import (
    BoundedAmplification,
    NoOversizedRequestTwice,
    NoRetryOfWhatCannotSucceed,
    NoSynchronisedRetries,
    RetryAfterHonoured,
    ValidRequests,
)
from chaoskit.checks.no_synchronised_retries import _Retry, _waiting
from chaoskit.seed import derive


def told_to_wait(story, back_at, **more):
    story.refuses(story.requests(10, step="s"), retry_after=7.0)
    story.replies(story.requests(back_at, step="s", **more))


def test_coming_back_early_is_rude(story):
    """Two seconds instead of seven."""
    told_to_wait(story, 12)
    judgement = RetryAfterHonoured().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    (finding,) = judgement.findings
    assert finding.message == "call 2 came 2s after call 1 had been told to wait 7s"
    assert "with_retry" in finding.advice


def test_coming_back_on_time_or_not_at_all_is_fine(story):
    """A client that gives up or goes elsewhere has honoured the wait too."""
    told_to_wait(story, 17)
    story.refuses(story.requests(20, user="bob"), retry_after=7.0)
    judgement = RetryAfterHonoured().judge(story.journal)
    assert judgement.verdict == Verdict.PASS
    assert judgement.judged == 2


@pytest.mark.parametrize(
    "elsewhere", [{"provider": "openai"}, {"model": "haiku"}, {"operation": "count_tokens"}]
)
def test_another_provider_model_or_endpoint_may_be_asked_at_once(story, elsewhere):
    """The limit is not theirs."""
    told_to_wait(story, 10.1, **elsewhere)
    assert RetryAfterHonoured().judge(story.journal).verdict == Verdict.PASS


def test_a_request_already_under_way_is_not_early(story):
    """It left before anybody was told to wait."""
    first, second = story.requests(10), story.requests(10.1)
    story.refuses(first, at=10.2, retry_after=5.0).replies(second, at=10.3)
    assert RetryAfterHonoured().judge(story.journal).verdict == Verdict.PASS


def test_no_wait_asked_for_is_nothing_to_judge(story):
    """A 429 without the header."""
    story.refuses(story.requests(0))
    assert RetryAfterHonoured().judge(story.journal).verdict == Verdict.UNKNOWN


def crowd(story, refused, retried):
    """Each user is refused and comes back; requests stand in the order of time."""
    events = [(at, index, False) for index, at in enumerate(refused)]
    events += [(at, index, True) for index, at in enumerate(retried)]
    for at, index, again in sorted(events):
        call = story.requests(at, user=f"user-{index}", step="s")
        if again:
            story.replies(call)
        else:
            story.refuses(call)
    return NoSynchronisedRetries().judge(story.journal)


RETRIES = st.lists(
    st.builds(
        lambda refused, wait, user: _Retry(
            refused=refused, at=refused + wait, user=user, provider="p", turn=1, call=1
        ),
        st.integers(0, 9).map(float),
        st.integers(0, 9).map(float),
        st.sampled_from("abcdef"),
    ),
    min_size=1,
    max_size=15,
)


@given(RETRIES, st.data())
def test_whoever_waited_with_a_bunch_is_found_among_its_neighbours(retries, data):
    """Not all are looked at; all who had been refused and were not yet back are counted."""
    found = sorted(retries, key=lambda one: one.at)
    first = data.draw(st.integers(0, len(found) - 1))
    bunch = found[first : data.draw(st.integers(first + 1, len(found)))]
    since, until = max(one.refused for one in bunch), bunch[0].at
    law = {one.user for one in found if one.refused <= until and one.at >= since}
    longest = max(one.at - one.refused for one in found)
    assert _waiting(found, [one.at for one in found], bunch, longest) == len(law)


def test_twenty_users_who_retry_in_step_are_a_herd(story):
    """Refused together, back together."""
    judgement = crowd(story, [0.0] * 20, [7.0] * 20)
    assert judgement.verdict == Verdict.FAIL
    assert "20 of 20 users who waited for anthropic" in judgement.findings[0].message


def test_a_reset_that_all_were_told_of_makes_a_herd_too(story):
    """They were refused at different times, and told to come back at the same one."""
    judgement = crowd(story, [float(n) for n in range(20)], [60.0] * 20)
    assert judgement.verdict == Verdict.FAIL


@pytest.mark.parametrize("seed", range(20))
def test_full_jitter_is_no_herd(story, seed):
    """Exponential back-off from one second with full jitter, on top of the same Retry-After."""
    rng = derive(seed, "jitter")
    judgement = crowd(story, [0.0] * 20, [7.0 + rng.uniform(0, 1) for _ in range(20)])
    assert judgement.verdict == Verdict.PASS


def test_obedience_to_different_waits_is_no_herd(story):
    """The provider itself spreads them: each is told when its tokens will be there."""
    judgement = crowd(story, [0.0] * 20, [1.2 * (n + 1) for n in range(20)])
    assert judgement.verdict == Verdict.PASS


def test_retries_as_far_apart_as_the_refusals_are_no_herd(story):
    """Twenty users who arrive within six seconds, each back after exactly five."""
    judgement = crowd(story, [0.3 * n for n in range(20)], [0.3 * n + 5 for n in range(20)])
    assert judgement.verdict == Verdict.PASS


def test_too_few_to_be_a_crowd_is_unknown(story):
    """Three users cannot bunch."""
    assert crowd(story, [0.0] * 3, [7.0] * 3).verdict == Verdict.UNKNOWN


def storm(story, tries, **more):
    story.asks()
    for number in range(tries):
        story.refuses(story.requests(number * 0.1, step="s", **more), 529, "overloaded")
    return BoundedAmplification().judge(story.journal)


def test_thirty_retries_with_a_changing_nonce_are_one_storm(story):
    """The digest differs each time, the step does not."""
    judgement = storm(story, 30)
    assert judgement.verdict == Verdict.FAIL
    assert judgement.judged == 1
    assert "30 attempts at one step within 2.9s, the body changing" in judgement.findings[0].message


def test_a_fallback_after_three_tries_is_no_storm(story):
    """An outage, three attempts, another provider."""
    story.asks()
    for number in range(3):
        story.refuses(story.requests(number, step="s"), 503, "unavailable")
    story.replies(story.requests(3, step="s", provider="openai"), "Yes.").answers("Yes.")
    for check in (BoundedAmplification(), BoundedAmplification(max_ratio=4)):
        assert check.judge(story.journal).verdict == Verdict.PASS


def test_equal_requests_that_all_succeed_are_no_storm(story):
    """A map over twenty documents asks the same shape twenty times."""
    for number in range(20):
        story.replies(story.requests(0 if number % 2 else number, step="s"), at=30)
    judgement = BoundedAmplification().judge(story.journal)
    assert judgement.verdict == Verdict.PASS
    assert judgement.judged == 20


def test_requests_side_by_side_are_chains_of_their_own(story):
    """Five in parallel, each refused once: five chains of two."""
    firsts = [story.requests(0, step="s") for _ in range(5)]
    for call in firsts:
        story.refuses(call, 529, "overloaded", at=0.1)
    for _ in range(5):
        story.replies(story.requests(1, step="s"), at=2)
    judgement = BoundedAmplification(max_attempts=2).judge(story.journal)
    assert judgement.verdict == Verdict.PASS
    assert judgement.judged == 5


def test_the_ratio_over_the_run_is_judged_too(story):
    """Two steps, eight attempts."""
    for step in ("a", "b"):
        for number in range(4):
            story.refuses(story.requests(number, step=step), 529, "overloaded")
    judgement = BoundedAmplification(max_ratio=3).judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert "8 attempts at 2 steps" in judgement.findings[0].message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"),
        (401, "authentication"),
        (403, "permission"),
        (404, "not_found"),
        (413, "too_large"),
        (429, "quota_exhausted"),
    ],
)
def test_what_was_refused_for_good_is_not_repeated(story, status, kind):
    """Neither as it was, nor with a nonce."""
    for number in range(3):
        digest = "same" if number < 2 else "other"
        story.refuses(story.requests(number, step="s", digest=digest), status, kind)
    judgement = NoRetryOfWhatCannotSucceed().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert len(judgement.findings) == 2
    assert judgement.judged == 3


@pytest.mark.parametrize(
    "mended",
    [
        {"prompt_tokens": 60},
        {"max_tokens": 50},
        {"model": "haiku"},
        {"key": "other"},
        {"provider": "openai"},
        {"prefix": "q"},
        {"step": "t"},
        {"user": "bob"},
    ],
)
def test_a_mended_request_is_not_a_repetition(story, mended):
    """Shorter, to another model, with another key: a new attempt to get through."""
    story.refuses(story.requests(0, step="s"), 400, "invalid_request")
    story.replies(story.requests(1, **({"step": "s"} | mended)))
    assert NoRetryOfWhatCannotSucceed().judge(story.journal).verdict == Verdict.PASS


def test_a_retry_of_what_may_succeed_is_nothing_to_judge(story):
    """529 and 429 may be retried."""
    story.refuses(story.requests(0, step="s"), 529, "overloaded")
    story.refuses(story.requests(1, step="s"), 429, "rate_limited")
    assert NoRetryOfWhatCannotSucceed().judge(story.journal).verdict == Verdict.UNKNOWN


def test_the_same_oversized_request_twice_is_a_breach(story):
    """Once is how an agent may find out."""
    story.refuses(story.requests(0, step="s", prompt_tokens=900), 400, "context_overflow")
    assert NoOversizedRequestTwice().judge(story.journal).verdict == Verdict.PASS
    story.refuses(story.requests(1, step="s", prompt_tokens=900), 400, "context_overflow")
    judgement = NoOversizedRequestTwice().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert "FitReport" in judgement.findings[0].advice


def test_a_trimmed_request_may_be_too_large_again(story):
    """It shrank; that it still does not fit is another matter."""
    story.refuses(story.requests(0, step="s", prompt_tokens=900), 400, "context_overflow")
    story.refuses(story.requests(1, step="s", prompt_tokens=800), 400, "context_overflow")
    assert NoOversizedRequestTwice().judge(story.journal).verdict == Verdict.PASS


def test_an_invalid_request_is_found_and_an_injected_refusal_is_not(story):
    """Only the provider's own rules count, and the size of a prompt is not among them."""
    story.refuses(story.requests(0), 400, "invalid_request", injected=True)
    story.refuses(story.requests(1), 400, "context_overflow")
    assert ValidRequests().judge(story.journal).verdict == Verdict.PASS
    story.refuses(story.requests(2), 400, "invalid_request")
    judgement = ValidRequests().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert [finding.call for finding in judgement.findings] == [3]
