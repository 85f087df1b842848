"""The vendor switches a model off."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["RetiredModel"]


@settings
class RetiredModel:
    """The model is retired: requests for it are answered 404, and no retry brings it back."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "retired_model"
    when = { model = "claude-*", calls = "2-" }
    """

    def admit(self, call: Call, strike: Strike) -> Refusal | None:  # noqa: ARG002 - the stage's signature
        """Refuse a call that names a model."""
        return Refusal(kind="not_found", details={"model": call.model}) if call.model else None
