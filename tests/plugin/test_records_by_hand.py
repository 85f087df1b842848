"""Worlds of records in tests written by hand."""

import asyncio

import pytest

from chaoskit.errors import UsageError
from chaoskit.tool import SimulatedToolError, SimulatedToolTimeout


def refunding(chaos, **settings):
    chaos.collection("orders", {"id": "A-1", "status": "paid"}).collection("refunds")
    chaos.tool(
        "refund_order",
        input={"order_id": "string", "amount": "number", "note": "string?"},
        does=[
            {"update": "orders", "by": "order_id", "set": {"status": "refunded"}},
            {"create": "refunds"},
        ],
        **settings,
    )
    chaos.allow(silence=True)
    return chaos.function("refund_order")


def test_a_tool_is_a_function(chaos):
    """Positional and named arguments are those of its schema; what it does is in the records."""
    made = refunding(chaos)("A-1", amount=80)

    assert made == {"id": "refund-1-1", "order_id": "A-1", "amount": 80}
    assert chaos.records("refunds") == [made]
    assert chaos.records("orders") == [{"id": "A-1", "status": "refunded"}]


def test_a_tool_is_a_coroutine_function(chaos):
    """For agents that await theirs."""
    assert asyncio.run(refunding(chaos).awaited("A-1", 80))["amount"] == 80


def test_what_the_records_do_not_allow_is_a_failure_of_the_tool(chaos):
    """With the text that a service would answer; nothing after it happened."""
    with pytest.raises(SimulatedToolError, match="no record 'A-2' in orders"):
        refunding(chaos)("A-2", 80)
    assert chaos.records("refunds") == []


def test_an_answer_that_gets_lost_leaves_the_effect(chaos):
    """After the time that a function waits."""
    refund = refunding(chaos)
    chaos.fault("timeout_after_effect", tool="refund_order", after="10s")
    began = chaos.clock.now()
    with pytest.raises(SimulatedToolTimeout):
        refund("A-1", 80)
    assert chaos.clock.now() - began == 10
    assert len(chaos.records("refunds")) == 1


def test_a_request_that_is_delivered_twice_has_its_effect_twice(chaos):
    """Unless the tool recognises it."""
    refund = refunding(chaos)
    chaos.fault("duplicate_delivery", tool="refund_order")
    refund("A-1", 80)
    assert [one["id"] for one in chaos.records("refunds")] == ["refund-1-1", "refund-1-2"]


def test_a_tool_that_recognises_repetitions_does_its_work_once(chaos):
    """And gives the first answer again."""
    refund = refunding(chaos, idempotent_by="note")
    first = refund("A-1", 80, note="key-1")
    assert refund("A-1", 80, note="key-1") == first
    assert refund("A-1", 80, note="key-2") != first
    assert len(chaos.records("refunds")) == 2


def test_a_partial_write_does_the_first_steps_only(chaos):
    """And fails."""
    refund = refunding(chaos)
    chaos.fault("partial_write", tool="refund_order")
    with pytest.raises(SimulatedToolError, match="being saved"):
        refund("A-1", 80)
    assert chaos.records("orders") == [{"id": "A-1", "status": "refunded"}]
    assert chaos.records("refunds") == []


def test_a_tool_has_a_limit_of_its_own(chaos):
    """And says when to come back."""
    refund = refunding(chaos, limit={"calls": 1, "per": "60s"})
    refund("A-1", 80)
    chaos.clock.sleep(15)
    with pytest.raises(SimulatedToolError, match="try again in 45 s"):
        refund("A-1", 80)
    chaos.clock.sleep(45)
    refund("A-1", 80)
    assert len(chaos.records("refunds")) == 2


def test_a_refusal_on_the_way_has_no_effect(chaos):
    """The faults of the provider work on tools, where a rule names one."""
    refund = refunding(chaos)
    chaos.fault("rate_limited", tool="refund_order", calls=1, retry_after="7s")
    with pytest.raises(SimulatedToolError, match=r"HTTP 429.*7 s"):
        refund("A-1", 80)
    assert chaos.records("refunds") == []


def test_an_unknown_tool_is_an_error_of_the_test(chaos):
    """That says which there are."""
    refunding(chaos)
    with pytest.raises(UsageError, match=r"no tool 'refund'.*refund_order"):
        chaos.function("refund")
