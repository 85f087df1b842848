"""The key does not open the door."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["Unauthorised"]


@settings
class Unauthorised:
    """The key is not accepted any more (401), or not for this (403); retrying cannot help."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "unauthorised"
    when = { calls = "2-" }
    status = 403
    """

    status: Literal[401, 403] = 401
    """401: the key is unknown or revoked. 403: it lacks the permission."""

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Refuse the call."""
        return Refusal(kind="authentication" if self.status == 401 else "permission")
