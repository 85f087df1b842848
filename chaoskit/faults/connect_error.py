"""Nobody listens."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call
from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Close, Refuse, Step

__all__ = ["ConnectError"]


@settings
class ConnectError:
    """The connection is refused, or accepted and closed before a byte of an answer."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "connect_error"
    when = { calls = 1 }

    [[faults]]
    fault = "connect_error"
    when = { calls = 2 }
    accept = true
    """

    accept: bool = False
    """The connection is accepted, the request is read, and the connection is closed (FIN)."""

    def admit(
        self,
        call: Call,  # noqa: ARG002 - the stage's signature
        strike: Strike,  # noqa: ARG002 - likewise
    ) -> tuple[Step, ...]:
        """Refuse the connection."""
        return (Close() if self.accept else Refuse(),)
