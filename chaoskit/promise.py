"""A check as a scenario uses it."""

from __future__ import annotations

from dataclasses import dataclass

from chaoskit.check import Check, sentence_of

__all__ = ["Promise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise of a scenario. `optional`: it is fine when there was nothing to judge."""

    name: str
    check: Check
    optional: bool = False

    @property
    def sentence(self) -> str:
        """The promise in one line."""
        return sentence_of(self.check, self.name)
