"""Catalogues in words."""

from typing import Annotated, Literal

from pydantic import Field

from chaoskit.checks import CHECKS
from chaoskit.describe import Setting, describe, describe_table
from chaoskit.faults import FAULTS
from chaoskit.settings import Duration, settings


@settings
class Sample:
    """What it is, in two
    lines.

    More that is not shown.
    """

    since: Annotated[Duration, Field(alias="from")] = 90.0
    """When it begins."""
    kind: Literal["a", "b"] | tuple[int, ...] = "a"
    """What kind."""
    name: str
    share: float | None = None
    """How much."""
    steady: bool = False


def test_settings_have_kind_default_and_meaning():
    """Under the names that files use, in the order in which they are defined."""
    entry = describe_table("sample", Sample)
    assert (entry.name, entry.text) == ("sample", "What it is, in two lines.")
    assert sorted(entry.settings, key=lambda setting: setting.name) == [
        Setting(name="from", kind="duration", default="1.5m", text="When it begins."),
        Setting(
            name="kind", kind='"a" or "b" or list of whole number', default='"a"', text="What kind."
        ),
        Setting(name="name", kind="text", default="required", text=""),
        Setting(name="share", kind="number", default="", text="How much."),
        Setting(name="steady", kind="true or false", default="false", text=""),
    ]


def test_every_fault_says_where_it_strikes_and_every_check_what_it_is_about():
    """Nothing is without a meaning."""
    for entry in (*describe(FAULTS), *describe(CHECKS)):
        assert entry.remark
        assert entry.text.endswith(".")
        assert all(setting.text for setting in entry.settings), entry.name
