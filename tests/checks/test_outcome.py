"""Promises on what the user gets."""

from chaoskit.check import Verdict
from chaoskit.checks import EveryUserAnswered, Grounded, NoCrash, SessionsIsolated


def test_a_crash_on_a_refused_context_is_a_crash(story):
    """The run does not pass because the provider was asked politely."""
    story.asks()
    call = story.requests(0)
    story.refuses(call, 400, "context_overflow").fails("anthropic.BadRequestError")
    judgement = NoCrash().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    (finding,) = judgement.findings
    assert (
        "ann, turn 1: the agent raised anthropic.BadRequestError at agent.py:3" in finding.message
    )
    assert "MessageWindow" in finding.advice
    assert ("ann", 1, call) == (finding.user, finding.turn, finding.call)


def test_advice_on_a_crash_depends_on_what_the_provider_did(story):
    """A rate limit calls for retries, an outage for a fallback, bad arguments for Vet."""
    named = {}
    for turn, (status, kind) in enumerate([(429, "rate_limited"), (529, "overloaded")], 1):
        story.asks(turn=turn)
        story.refuses(story.requests(0, turn=turn), status, kind)
        story.fails(turn=turn)
        named[kind] = NoCrash().judge(story.journal).findings[-1].advice
    assert "with_retry" in named["rate_limited"]
    assert "FallbackRouter" in named["overloaded"]


def test_advice_on_a_crash_after_a_bad_tool_call_is_vet(story, called):
    """The provider was well; the tool was not."""
    story.asks()
    story.replies(story.requests(0), calls=[called(valid=False)]).fails("builtins.TypeError")
    assert "Vet" in NoCrash().judge(story.journal).findings[0].advice


def test_being_stopped_by_the_bounds_of_the_run_is_a_crash(story):
    """An agent that never ends is judged by what it did."""
    story.asks().fails("calls", stopped=True)
    judgement = NoCrash().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert "was stopped by calls" in judgement.findings[0].message


def test_a_turn_that_returned_did_not_crash(story):
    """Also after a refusal."""
    story.asks()
    story.refuses(story.requests(0))
    story.answers("Sorry.")
    assert NoCrash().judge(story.journal).verdict == Verdict.PASS


def test_an_answer_must_not_be_empty_late_or_missing(story):
    """Four users: one answered, one with blanks, one late, one never."""
    for user in ("ann", "bob", "cid", "dee"):
        story.asks(user)
    story.answers("Yes.").answers("  \n", user="bob").answers("Yes.", 400, user="cid")
    judgement = EveryUserAnswered(within="5m").judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert judgement.judged == 4
    messages = [finding.message for finding in judgement.findings]
    assert messages == [
        "bob, turn 1: the answer is empty",
        "cid, turn 1: the answer took 6.67m, longer than 5m",
        "dee, turn 1: no answer before the run ended",
    ]


def test_failure_outside_of_python_is_told_by_what_became_of_it(story):
    """No class of ours tells the user of a command anything; one of the agent's own does."""
    story.asks().fails("chaoskit.command.CommandFailed")
    story.asks("bob").fails("anthropic.RateLimitError", user="bob")
    messages = [one.message for one in EveryUserAnswered().judge(story.journal).findings]
    assert messages == [
        "ann, turn 1: no answer; the agent failed with boom",
        "bob, turn 1: no answer; the agent failed with anthropic.RateLimitError",
    ]


def test_a_share_of_answers_can_be_enough(story):
    """Nine of ten are more than the promised eighty per cent, and fewer than ninety-five."""
    for number in range(10):
        story.asks(f"user-{number}")
        if number:
            story.answers("Yes.", user=f"user-{number}")
    assert EveryUserAnswered(share=0.9).judge(story.journal).verdict == Verdict.PASS
    assert EveryUserAnswered(share=0.95).judge(story.journal).verdict == Verdict.FAIL


def grounded_turn(story, got, answer, *, fact="disk full on web-3", prompt="Why?", how="complete"):
    story.asks(prompt=prompt)
    call = story.requests(0, results=[got('{"rows": ["disk full on web-3"]}')])
    story.replies(call, f"It says: {fact}.", facts=(fact,)).delivers(call, how)
    story.answers(answer)


def test_an_answer_with_the_quoted_fact_is_grounded(story, got):
    """White space and case do not matter."""
    grounded_turn(story, got, "It was: Disk full\non web-3!")
    assert Grounded().judge(story.journal).verdict == Verdict.PASS


def test_an_answer_without_the_fact_is_not_grounded(story, got):
    """The agent had it and said something else."""
    grounded_turn(story, got, "No idea, the deploy just failed.")
    assert Grounded().judge(story.journal).verdict == Verdict.FAIL


def test_an_echo_of_the_question_proves_nothing(story, got):
    """A fact that the user's own question contains is none."""
    grounded_turn(story, got, "disk full on web-3", prompt="Was it disk full on web-3?")
    assert Grounded().judge(story.journal).verdict == Verdict.UNKNOWN


def test_a_fact_that_no_tool_returned_proves_nothing(story, got):
    """The agent must have sent a result that has it."""
    grounded_turn(story, got, "It was the moon.", fact="the moon")
    assert Grounded().judge(story.journal).verdict == Verdict.UNKNOWN


def test_a_fact_in_an_answer_that_never_arrived_is_not_demanded(story, got):
    """The agent cannot quote what it did not get."""
    grounded_turn(story, got, "The service is down, sorry.", how="reset")
    assert Grounded().judge(story.journal).verdict == Verdict.UNKNOWN


def test_apologies_are_allowed_up_to_the_promised_share(story, got):
    """One grounded answer of two is honest, and not what was promised."""
    grounded_turn(story, got, "disk full on web-3")
    story.asks("bob").answers("Sorry, try later.", user="bob")
    assert Grounded().judge(story.journal).verdict == Verdict.PASS
    judgement = Grounded(share=0.9).judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert [finding.user for finding in judgement.findings] == ["bob"]


def two_users(story, got, bobs_answer):
    for user, order in (("ann", "A-1001"), ("bob", "B-2002")):
        story.asks(user, prompt=f"Where is order {order}?")
        call = story.requests(0, user=user, results=[got(f"parcel of {order} is in depot-{user}")])
        story.replies(call, "…", facts=(f"depot-{user}",))
    story.answers("It is in depot-ann.").answers(bobs_answer, user="bob")


def test_an_answer_with_another_users_fact_or_marker_breaks_isolation(story, got):
    """Facts come from tools, markers from questions."""
    two_users(story, got, "Order A-1001 is in depot-ann.")
    judgement = SessionsIsolated().judge(story.journal)
    assert judgement.verdict == Verdict.FAIL
    assert {"bob"} == {finding.user for finding in judgement.findings}
    assert len(judgement.findings) == 2


def test_answers_with_ones_own_things_keep_isolation(story, got):
    """Both users hear of their own parcel."""
    two_users(story, got, "Order B-2002 is in depot-bob.")
    assert SessionsIsolated().judge(story.journal).verdict == Verdict.PASS


def test_what_two_users_tools_return_belongs_to_neither(story, got):
    """The same log is shown to both."""
    for user in ("ann", "bob"):
        story.asks(user, prompt=f"I am {user}-100. Why?")
        call = story.requests(0, user=user, results=[got("disk full on web-3")])
        story.replies(call, "…", facts=("disk full on web-3",))
        story.answers("disk full on web-3", user=user)
    assert SessionsIsolated().judge(story.journal).verdict == Verdict.PASS


def test_another_users_secret_in_a_request_breaks_isolation(story):
    """The watch saw it on the wire."""
    story.asks("ann").asks("bob").answers("Yes.").answers("Yes.", user="bob")
    story.leaks("tool-argument/ann", "request", user="bob")
    assert SessionsIsolated().judge(story.journal).verdict == Verdict.FAIL


def test_ones_own_secret_in_a_log_is_no_matter_of_isolation(story):
    """Other promises look at that."""
    story.asks("ann").asks("bob").answers("Yes.").answers("Yes.", user="bob")
    story.plants("tool-argument/ann").leaks("tool-argument/ann", "log")
    assert SessionsIsolated().judge(story.journal).verdict == Verdict.PASS


def test_isolation_is_not_judged_with_one_user_or_with_users_all_alike(story):
    """There would be nothing to confuse."""
    story.asks("ann", prompt="Order A-1001?").answers("A-1001")
    assert SessionsIsolated().judge(story.journal).verdict == Verdict.UNKNOWN
    story.asks("bob", prompt="Order A-1001?").answers("A-1001", user="bob")
    assert SessionsIsolated().judge(story.journal).verdict == Verdict.UNKNOWN
