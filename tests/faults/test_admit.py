from collections import Counter
from dataclasses import replace

import pytest
from pydantic import ValidationError

from chaoskit.exchange import Refusal
from chaoskit.faults import (
    ConnectError,
    Hang,
    Outage,
    OutOfCredit,
    Overloaded,
    RateLimited,
    RetiredModel,
    ServerError,
    Unauthorised,
)
from chaoskit.steps import Refuse, Wait


def test_rate_limit_names_the_limit_and_the_wait(call, strike):
    """The refusal carries what the dialect needs for its text and headers."""
    refusal = RateLimited(retry_after="2m", limit="input_tokens").admit(call, strike())
    assert Refusal(kind="rate_limited", limit="input_tokens", retry_after=120.0) == refusal


@pytest.mark.parametrize("limit", ["requests", "acceleration"])
@pytest.mark.parametrize("form", ["seconds", "ms", "date"])
def test_rate_limit_words_its_wait_as_asked(call, strike, limit, form):
    """The form travels to the dialect."""
    refusal = RateLimited(limit=limit, header=form).admit(call, strike())
    assert (7.0, form) == (refusal.retry_after, refusal.retry_after_form)


def test_rate_limit_can_keep_the_wait_to_itself(call, strike):
    """Without a header there is no Retry-After at all."""
    assert RateLimited(header="none").admit(call, strike()).retry_after is None


def test_acceleration_limit_has_its_own_code(call, strike):
    """Clients tell it from an ordinary rate limit by the code."""
    refusal = RateLimited(limit="acceleration").admit(call, strike())
    assert (refusal.kind, refusal.code) == ("rate_limited", "ramp_limit_exceeded")


def test_spend_cap_has_no_retry_after(call, strike):
    """No wait cures an empty purse."""
    refusal = RateLimited(limit="spend", retry_after=5).admit(call, strike())
    assert Refusal(kind="quota_exhausted") == refusal


def test_overload_leaves_the_status_to_the_dialect(call, strike):
    """529 or 503 is the dialect's choice."""
    assert Refusal(kind="overloaded") == Overloaded().admit(call, strike())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, "server_error"), (502, "bad_gateway"), (503, "unavailable"), (504, "timeout")],
)
def test_server_error_has_the_kind_of_its_status(call, strike, status, kind):
    """The dialect's envelope follows the kind."""
    refusal = ServerError(status=status).admit(call, strike())
    assert (kind, status, None) == (refusal.kind, refusal.status, refusal.body)


def test_server_error_of_a_proxy_is_a_web_page(call, strike):
    """The body is no JSON, and says so."""
    refusal = ServerError(status=502, html=True).admit(call, strike())
    assert refusal.body.startswith(b"<html>")
    assert b"502 Bad Gateway" in refusal.body
    assert refusal.headers == {"content-type": "text/html"}


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication"), (403, "permission")])
def test_unauthorised_tells_unknown_keys_from_weak_ones(call, strike, status, kind):
    """401 and 403 are different mistakes."""
    assert kind == Unauthorised(status=status).admit(call, strike()).kind


def test_connect_error_reads_no_byte(call, strike):
    """The connection is refused."""
    assert ConnectError().admit(call, strike()) == (Refuse(),)


def test_hang_never_answers(call, strike):
    """Only the client's own timeout ends it."""
    assert Hang().admit(call, strike()) == (Wait(float("inf")),)


def test_outage_is_every_kind_of_down(call, strike):
    """An outage that is one kind of error would be a toy."""
    outage = Outage()
    outcomes = Counter(str(outage.admit(call, strike(number)))[:24] for number in range(200))
    assert len(outcomes) == 6


def test_outage_of_one_kind_is_that_kind(call, strike):
    """A list of kinds weighs them alike."""
    assert Outage(kinds=["hang"]).kinds == {"hang": 1.0}
    assert Outage(kinds=["hang"]).admit(call, strike()) == (Wait(float("inf")),)


def test_outage_draws_by_weight(call, strike):
    """A kind that weighs nine times as much comes about nine times as often."""
    outage = Outage(kinds={"connect_error": 9, "hang": 1})
    refused = sum(outage.admit(call, strike(number)) == (Refuse(),) for number in range(500))
    assert 420 < refused < 480


def test_outage_needs_a_kind():
    """No kind of down is no outage."""
    with pytest.raises(ValidationError, match="at least 1"):
        Outage(kinds=[])


def test_outage_asks_to_wait_where_it_can(call, strike):
    """Kinds that answer carry the Retry-After."""
    outage = Outage(kinds=["unavailable"], retry_after="30s")
    assert Refusal(kind="unavailable", retry_after=30.0) == outage.admit(call, strike())


def test_a_retired_model_is_not_found(call, strike):
    """Whatever names no model is let through."""
    refusal = RetiredModel().admit(replace(call, model="m-1"), strike())
    assert (refusal.kind, refusal.details) == ("not_found", {"model": "m-1"})
    assert RetiredModel().admit(call, strike()) is None


@pytest.mark.parametrize("reason", ["credit", "own_limit"])
def test_want_of_money_has_a_reason(call, strike, reason):
    """Each vendor says it in its own way."""
    refusal = OutOfCredit(reason=reason).admit(call, strike())
    assert (refusal.kind, refusal.details) == ("billing", {"reason": reason})
