"""Nobody listens."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call
from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Refuse, Step

__all__ = ["ConnectError"]


@settings
class ConnectError:
    """The connection is refused before a byte of the request is read."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "connect_error"
    when = { calls = 1 }
    """

    def admit(
        self,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Step, ...]:
        """Refuse the connection."""
        return (Refuse(),)
