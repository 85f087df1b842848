"""Promises on caches, outages, cut streams and faults."""

import pytest

from chaoskit.check import Verdict
from chaoskit.checks import (
    CacheHitRatio,
    FallbackUsed,
    FaultsStruck,
    NoHammering,
    NoPartialAnswer,
    StablePrefix,
    TrafficResumes,
    WarmedBeforeTraffic,
)


def cached(story, read, *, at=1.0, user="ann", turn=1, cost=0.01, **more):
    story.asks(user, at, turn=turn)
    call = story.requests(at, user=user, turn=turn, **more)
    story.replies(
        call,
        input_tokens=100 - read,
        cache_read_tokens=read,
        cache_write_tokens=0,
        cost_usd=cost,
    )


def test_the_hit_ratio_is_weighted_by_tokens_and_counts_users_only(story):
    """A warm-up, a warm call, a cold one: one half."""
    story.replies(story.requests(0, user="", turn=0), cache_write_tokens=1000)
    cached(story, 100)
    cached(story, 0, user="bob")
    assert CacheHitRatio(min_ratio=0.5).judge(story.journal).verdict == Verdict.PASS
    judgement = CacheHitRatio(min_ratio=0.51).judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    (finding,) = judgement.findings
    assert "50.0% of 200 prompt tokens" in finding.message
    assert finding.user == "bob"
    assert pytest.approx(0.01) == finding.cost_usd
    assert "CacheBenchmark" in finding.advice


def test_the_hit_ratio_knows_no_vectors(story):
    """Nobody caches what is embedded."""
    cached(story, 100)
    vectors = story.requests(1, operation="embed")
    story.replies(vectors, input_tokens=1000)
    assert CacheHitRatio(min_ratio=1).judge(story.journal).verdict == Verdict.PASS


def test_the_hit_ratio_counts_from_the_deploy_on(story):
    """What was cold before does not matter; `after` leaves out the first moments too."""
    cached(story, 0)
    story.happens("deploy", 10)
    cached(story, 0, at=11, turn=2)
    cached(story, 100, at=20, turn=3)
    assert CacheHitRatio(min_ratio=0.5).judge(story.journal).verdict == Verdict.PASS
    assert CacheHitRatio(min_ratio=1, after=5).judge(story.journal).verdict == Verdict.PASS


def test_an_agent_that_never_caches_has_a_ratio_of_nought(story):
    """That is a breach, not an absence of evidence."""
    cached(story, 0)
    assert CacheHitRatio().judge(story.journal).verdict == Verdict.FAIL


def test_cold_user_calls_after_a_deploy_are_a_breach(story):
    """The first user pays."""
    story.happens("deploy", 10)
    cached(story, 0, at=11)
    cached(story, 100, at=12, user="bob")
    judgement = WarmedBeforeTraffic().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert "1 of 2 user calls after the deploy" in judgement.findings[0].message
    assert "CacheWarmer" in judgement.findings[0].advice
    assert WarmedBeforeTraffic(max_cold=1).judge(story.journal).verdict == Verdict.PASS


def test_a_warm_up_between_deploy_and_traffic_keeps_the_promise(story):
    """It belongs to no user."""
    story.happens("deploy", 10).happens("startup", 10)
    story.replies(story.requests(10, user="", turn=0), cache_write_tokens=100)
    cached(story, 100, at=11)
    assert WarmedBeforeTraffic().judge(story.journal).verdict == Verdict.PASS


def test_a_turn_under_way_during_a_deploy_is_not_judged(story):
    """No warm-up could have come before it."""
    cached(story, 100, at=9)
    story.happens("deploy", 10)
    story.replies(story.requests(11), input_tokens=100)
    assert WarmedBeforeTraffic().judge(story.journal).verdict == Verdict.UNKNOWN


def test_a_prefix_per_user_is_unstable_and_shared_ones_are_not(story):
    """Two kinds of calls are fine when all users make both."""
    for number in range(4):
        user = f"user-{number}"
        for kind in ("router", "worker"):
            story.requests(0, user=user, prefix=kind)
    assert StablePrefix().judge(story.journal).verdict == Verdict.PASS
    for number in range(2):
        story.requests(1, user=f"user-{number}", prefix=f"hello user-{number}")
    judgement = StablePrefix().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert "2 of 4 users sent claude a prefix" in judgement.findings[0].message


def test_one_users_turns_are_compared_when_there_is_no_other(story):
    """A date in the system prompt shows in the second turn."""
    for turn in (1, 2):
        story.requests(0, turn=turn, prefix=f"day {turn}")
    assert StablePrefix().judge(story.journal).verdict == Verdict.FAIL


def test_a_fallback_provider_has_a_prefix_of_its_own(story):
    """Compared with its like only."""
    for user in ("ann", "bob"):
        for provider in ("anthropic", "openai"):
            story.requests(0, user=user, provider=provider, prefix=provider)
    assert StablePrefix().judge(story.journal).verdict == Verdict.PASS


def outage(story, times, *, users=20):
    """Fail every request to the primary provider at these times; each has its user's turn."""
    for number, at in enumerate(times):
        call = story.requests(at, user=f"user-{number % users}", step="s")
        story.refuses(call, 529, "overloaded")
    return story.journal


def test_a_dead_provider_that_is_asked_all_the_time_is_hammered(story):
    """One request a second, long after everybody knew."""
    judgement = NoHammering().judge(outage(story, range(100)))
    assert judgement.verdict == Verdict.FAIL
    assert "60 requests to anthropic within 1m" in judgement.findings[0].message
    assert "CircuitBreaker" in judgement.findings[0].advice


def test_a_dead_provider_that_is_probed_is_not(story):
    """Ten failures open the breaker; then one probe a minute."""
    times = [0.1 * n for n in range(10)] + [60.0 * n for n in range(1, 45)]
    assert NoHammering().judge(outage(story, times)).verdict == Verdict.PASS


def test_requests_under_way_when_the_breaker_opens_are_not_hammering(story):
    """A hundred users at once; all hang, and time out together."""
    calls = [story.requests(0, user=f"user-{number}") for number in range(100)]
    for call in calls:
        story.delivers(call, "timeout", at=20)
    assert NoHammering().judge(story.journal).verdict == Verdict.PASS


def test_rate_limits_and_answers_in_between_are_no_outage(story):
    """A 429 is no sign of being down, and an answer ends a row of failures."""
    for number in range(100):
        story.refuses(story.requests(number), 429)
    assert NoHammering().judge(story.journal).verdict == Verdict.UNKNOWN
    for number in range(100, 200):
        call = story.requests(number)
        if number % 5:
            story.refuses(call, 503, "unavailable")
        else:
            story.replies(call)
    assert NoHammering().judge(story.journal).verdict == Verdict.PASS


def recovery(story, *, primary_again=None, last_turn=5000):
    """Down from 0 to 2700; turns every 100 seconds; a fallback answers them."""
    for turn, at in enumerate(range(0, last_turn, 100), 1):
        story.asks(at=at, turn=turn)
        back = primary_again is not None and at >= primary_again
        if back or at % 300 == 0:
            call = story.requests(at, turn=turn)
            if at < 2700:
                story.refuses(call, 503, "unavailable")
            elif back:
                story.replies(call)
        if not back:
            story.replies(story.requests(at, turn=turn, provider="openai"))
        story.answers("Yes.", at + 1, turn=turn)
    return story.journal


def test_traffic_that_returns_to_the_primary_resumes(story):
    """The next probe after the recovery closes the breaker."""
    judgement = TrafficResumes(within="10m").judge(recovery(story, primary_again=2800))
    assert judgement.verdict == Verdict.PASS


def test_traffic_that_stays_with_the_fallback_does_not(story):
    """Nobody asks the primary again."""
    judgement = TrafficResumes(within="10m").judge(recovery(story))
    assert judgement.verdict == Verdict.FAIL
    assert "CircuitBreaker" in judgement.findings[0].advice


def test_a_workload_that_ends_with_the_outage_shows_no_recovery(story):
    """UNKNOWN, not a pass."""
    journal = recovery(story, last_turn=2400)
    assert TrafficResumes(within="10m").judge(journal).verdict == Verdict.UNKNOWN


def test_a_workload_that_ends_soon_after_the_outage_shows_none_either(story):
    """The agent had not had the time that it may take."""
    journal = recovery(story, last_turn=2800)
    assert TrafficResumes(within="10m").judge(journal).verdict == Verdict.UNKNOWN


def test_the_end_of_the_outage_may_be_told_by_the_scenario(story):
    """Then time counts from there, not from the last failure."""
    story.asks()
    story.refuses(story.requests(0), 503, "unavailable").happens("outage ended", 2700)
    for turn in range(2, 20):
        story.asks(at=turn * 300, turn=turn)
    story.replies(story.requests(2750, turn=9))
    assert TrafficResumes(within="5m").judge(story.journal).verdict == Verdict.PASS


def test_a_fallback_that_answers_is_used(story):
    """One turn is enough."""
    story.asks()
    story.refuses(story.requests(0), 529, "overloaded")
    story.replies(story.requests(1, provider="openai"), "Yes.").answers("Yes.")
    assert FallbackUsed().judge(story.journal).verdict == Verdict.PASS


def test_apologies_are_no_fallback(story):
    """The user was answered, by nobody else."""
    story.asks()
    story.refuses(story.requests(0), 529, "overloaded").answers("Sorry, try later.")
    judgement = FallbackUsed().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert "FallbackRouter" in judgement.findings[0].advice


def cut(story, answer=None, *, how="unfinished", error=None, **delivered):
    story.asks()
    call = story.requests(0, stream=True)
    story.replies(call, "The disk of web-3 is full.", streamed=True)
    story.delivers(call, how, sent_content=True, **delivered)
    if answer is not None:
        story.answers(answer)
    if error:
        story.fails(error)
    return NoPartialAnswer().judge(story.journal)


@pytest.mark.parametrize("how", ["unfinished", "closed", "reset", "timeout"])
def test_a_piece_of_a_cut_answer_is_passed_off_as_whole(story, how):
    """The user sees half a sentence and does not know."""
    judgement = cut(story, "The disk of  web", how=how)
    assert judgement.verdict == Verdict.FAIL
    assert "15 of 26 characters" in judgement.findings[0].message
    assert "message_stop" in judgement.findings[0].advice


def test_an_error_event_after_half_the_answer_counts_as_a_cut(story):
    """HTTP was fine, the answer was not."""
    assert cut(story, "The disk", how="complete", error_frame=True).verdict == Verdict.FAIL


def test_raising_a_clear_error_about_a_cut_stream_is_fine(story):
    """The agent noticed."""
    assert cut(story, error="app.IncompleteAnswer").verdict == Verdict.PASS


@pytest.mark.parametrize(
    "answer",
    [
        "The disk of web-3 is full.",
        "Sorry, the answer was cut. Please ask again.",
        "The disk of web [the answer was cut]",
    ],
)
def test_a_whole_or_marked_answer_is_fine(story, answer):
    """All text had arrived, or the user is told."""
    assert cut(story, answer).verdict == Verdict.PASS


def test_a_retry_that_brought_the_same_text_whole_is_fine(story):
    """What the user got is a complete answer of the second try."""
    cut(story)
    story.replies(story.requests(1), "The disk").answers("The disk", 2)
    assert NoPartialAnswer().judge(story.journal).verdict == Verdict.PASS


def test_a_whole_answer_is_nothing_to_judge(story):
    """No stream was cut."""
    story.asks()
    call = story.requests(0)
    story.replies(call, "Yes.").delivers(call).answers("Yes.")
    assert NoPartialAnswer().judge(story.journal).verdict == Verdict.UNKNOWN


def test_a_rule_that_never_struck_is_unknown_and_named(story):
    """Faults that did not happen prove nothing; optional ones may rest."""
    story.starts("Hang(): call 1", "Overloaded(): call 2", "Dribble(): call 3 (optional)")
    story.strikes(story.requests(0), rule=0)
    judgement = FaultsStruck().judge(story.journal)
    assert judgement.verdict == Verdict.UNKNOWN
    assert judgement.reason == "1 of 3 fault rules never struck: Overloaded(): call 2"
    story.strikes(story.requests(1), rule=1)
    assert FaultsStruck().judge(story.journal).verdict == Verdict.PASS
