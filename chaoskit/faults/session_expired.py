"""A tool server has forgotten a session."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings

__all__ = ["SessionExpired"]


@settings
class SessionExpired:
    """The tool server does not know the client's session any more (404) and wants a new one."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "session_expired"
    when = { calls = 2 }
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Forget the session, where there is one."""
        return Refusal(kind="not_found", code="session_expired")
