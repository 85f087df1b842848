"""Token buckets and the places that are kept in them."""

from math import ceil

import pytest

from chaoskit.provider.limits import GRACE, RateLimits

ACCOUNT = ("anthropic", "k1", "sonnet")
MINUTE = (("requests", 60), ("input_tokens", 6000), ("output_tokens", 600))
"""One request, 100 prompt tokens and 10 answer tokens a second."""
HOURS = (("requests", 1), ("input_tokens", 6000), ("output_tokens", 600))


def ask(limits, *, now, caller="ann", tokens=10, account=ACCOUNT, rates=MINUTE):
    return limits.admit(account, rates, (1, tokens, 0), caller=caller, now=now)


def drained(rates=MINUTE):
    """Return limits of which every request is used up at time 0."""
    limits = RateLimits()
    for _ in range(rates[0][1]):
        assert ask(limits, now=0.0, rates=rates) is None
    return limits


def test_full_bucket_admits_a_burst_of_its_limit():
    """Sixty at once pass, the next does not."""
    refused = ask(drained(), now=0.0)
    assert (
        refused.limit,
        refused.value,
        refused.used,
        refused.requested,
        refused.retry_after,
    ) == ("requests", 60, 60, 1, 1)


def test_buckets_fill_continuously():
    """After a second there is room for one more, not after half of one."""
    limits = drained()
    assert ask(limits, now=0.5, caller="bob") is not None
    assert ask(limits, now=1.5, caller="bob") is None


def test_who_obeys_gets_through():
    """The told wait is enough."""
    limits = drained()
    wait = ask(limits, now=0.0).retry_after
    assert ask(limits, now=0.0 + wait) is None


def test_who_comes_back_early_is_told_the_rest_of_the_wait():
    """The promised time stays; asking more often does not move it."""
    limits = drained(HOURS)
    told = ask(limits, now=0.0, rates=HOURS)
    early = ask(limits, now=20.5, rates=HOURS)
    assert (told.retry_after, told.early, told.waited) == (60, False, 0.0)
    assert (early.retry_after, early.early, early.waited) == (40, True, 20.5)
    assert ask(limits, now=60.5, rates=HOURS) is None


def test_early_comer_is_refused_even_when_there_is_room():
    """A wait is never shortened, although places before it may become free."""
    limits = drained()
    waits = [ask(limits, now=0.0, caller=f"u{n}").retry_after for n in range(20)]
    assert waits[-1] == 20
    assert ask(limits, now=0.0 + 19.0, caller="u19").early


def test_twenty_refused_at_once_are_told_different_times_and_all_get_through():
    """Places are kept one after the other, so that nobody's wait is a lie."""
    limits = drained()
    waits = {f"u{n}": ask(limits, now=0.0, caller=f"u{n}").retry_after for n in range(20)}
    assert sorted(waits.values()) == list(range(1, 21))
    for caller, wait in sorted(waits.items(), key=lambda item: item[1]):
        assert ask(limits, now=float(wait), caller=caller) is None


def test_newcomer_does_not_take_a_kept_place():
    """Who was refused first is served first."""
    limits = drained()
    assert ask(limits, now=0.0, caller="first").retry_after == 1
    assert ask(limits, now=1.0, caller="second").retry_after == 1
    assert ask(limits, now=1.0, caller="first") is None


def test_places_nobody_claims_are_given_up_after_a_grace():
    """A caller that died does not hold the limit for ever."""
    for after, passes in ((GRACE - 1, False), (GRACE + 1, True)):
        limits = drained(HOURS)
        wait = ask(limits, now=0.0, caller="dead", rates=HOURS).retry_after
        refused = ask(limits, now=wait + after, caller="other", rates=HOURS)
        assert passes == (refused is None)


def test_late_claim_within_the_grace_gets_through():
    """Jitter on top of the told wait is welcome."""
    limits = drained()
    wait = ask(limits, now=0.0).retry_after
    assert ask(limits, now=wait + GRACE / 2) is None


def test_slowest_limit_sets_the_wait():
    """Prompt tokens may take longer than requests."""
    limits = RateLimits()
    assert ask(limits, now=0.0, tokens=6000) is None
    refused = ask(limits, now=0.0, tokens=1000, caller="bob")
    assert (refused.limit, refused.retry_after) == ("input_tokens", 10)


def test_request_above_the_limit_can_never_pass():
    """There is no time to come back at."""
    refused = ask(RateLimits(), now=0.0, tokens=6001)
    assert (
        refused.limit,
        refused.retry_after,
        refused.requested,
    ) == ("input_tokens", None, 6001)


def test_answer_tokens_are_charged_afterwards_and_may_go_below_zero():
    """A long answer keeps the next request waiting, not the one that asked for it."""
    limits = RateLimits()
    assert ask(limits, now=0.0) is None
    limits.charge(ACCOUNT, "output_tokens", 700, now=0.0)
    refused = ask(limits, now=0.0)
    assert ("output_tokens", ceil(101 / 10)) == (refused.limit, refused.retry_after)
    assert ask(limits, now=float(refused.retry_after)) is None


def test_limit_a_vendor_does_not_have_is_not_charged():
    """OpenAI limits no answer tokens."""
    limits = RateLimits()
    openai = ("openai", "k1", "gpt-5.4")
    rates = (("requests", 60), ("tokens", 6000))
    assert limits.admit(openai, rates, (1, 100), caller="ann", now=0.0) is None
    limits.charge(openai, "output_tokens", 10**6, now=0.0)
    limits.charge(("openai", "other", "gpt-5.4"), "tokens", 1, now=0.0)
    assert [state.remaining for state in limits.states(openai, 0.0)] == [59, 5900]


def test_accounts_do_not_share_buckets():
    """Another key, or another class of models, has its own limits."""
    limits = drained()
    assert ask(limits, now=0.0, account=("anthropic", "k2", "sonnet")) is None
    assert ask(limits, now=0.0, account=("anthropic", "k1", "haiku")) is None


def test_states_tell_what_headers_tell():
    """Limit, what remains, and the time until the bucket is full again."""
    limits = RateLimits()
    assert limits.states(ACCOUNT, 0.0) == ()
    ask(limits, now=0.0, tokens=600)
    requests, prompt, answer = limits.states(ACCOUNT, 0.0)
    assert ("requests", 60, 59, pytest.approx(1.0)) == (
        requests.name,
        requests.limit,
        requests.remaining,
        requests.reset,
    )
    assert (5400, pytest.approx(6.0)) == (prompt.remaining, prompt.reset)
    assert (answer.remaining, answer.reset) == (600, 0.0)
    assert [state.remaining for state in limits.states(ACCOUNT, 60.0)] == [60, 6000, 600]


def test_remaining_excludes_what_is_kept_for_others():
    """A bucket that fills for those who wait shows nothing."""
    limits = drained()
    for caller in ("a", "b", "c"):
        ask(limits, now=0.0, caller=caller)
    assert limits.states(ACCOUNT, 2.0)[0].remaining == 0


def test_larger_request_than_the_refused_one_waits_again():
    """A place is kept for what was asked; more than that has to wait for more."""
    limits = RateLimits()
    ask(limits, now=0.0, tokens=6000)
    wait = ask(limits, now=0.0, tokens=100).retry_after
    again = ask(limits, now=float(wait), tokens=4000)
    assert (39, False, float(wait)) == (again.retry_after, again.early, again.waited)
    assert ask(limits, now=wait + 39.0, tokens=4000) is None
