"""Faults in how a tool is carried out."""

import pytest

from chaoskit.fault import Run, ToolRequest
from chaoskit.faults import DuplicateDelivery, PartialWrite, StaleRead

REQUEST = ToolRequest(tool="pay", arguments={"amount": 5})
USUAL = Run()


def struck(fault, strike, run=USUAL):
    return fault.run(run, REQUEST, strike())


def test_duplicate_delivery_delivers_more_often(strike):
    """So often as it says, in all."""
    assert struck(DuplicateDelivery(times=3), strike) == Run(times=3)


def test_partial_write_makes_a_part_and_fails(strike):
    """Or claims success."""
    assert struck(PartialWrite(share=0.3, error="broke"), strike) == Run(share=0.3, breaks="broke")
    assert struck(PartialWrite(error=""), strike) == Run(share=0.5)


def test_stale_read_looks_back(strike):
    """By its age."""
    assert struck(StaleRead(age="2m"), strike) == Run(age=120.0)


def test_the_worst_of_several_counts(strike):
    """Two rules may strike the same run, in any order."""
    run = Run()
    for fault in (
        DuplicateDelivery(times=3), DuplicateDelivery(times=2), StaleRead(age=5), StaleRead(age=9),
        PartialWrite(share=0.2, error="first"), PartialWrite(share=0.6, error=""),
    ):  # fmt: skip
        run = struck(fault, strike, run)
    assert run == Run(times=3, age=9.0, share=0.2, breaks="first")


@pytest.mark.parametrize(
    ("fault", "run"),
    [
        (DuplicateDelivery(times=2), Run(times=3)),
        (StaleRead(age=0), Run()),
        (StaleRead(age=5), Run(age=60.0)),
        (PartialWrite(share=1.0, error=""), Run()),
        (PartialWrite(share=0.5, error=""), Run(share=0.1, breaks="broke")),
    ],
)
def test_what_changes_nothing_did_not_strike(strike, fault, run):
    """The same object tells."""
    assert struck(fault, strike, run) is run
