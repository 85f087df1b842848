"""A tool server speaks another revision of its protocol."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings

__all__ = ["VersionRefused"]


@settings
class VersionRefused:
    """The tool server refuses the revision of the protocol that the client wants to speak."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "version_refused"
    supported = ["2024-10-07"]
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("connect",)

    supported: Annotated[tuple[str, ...], Field(min_length=1)] = ("2024-10-07",)
    """The revisions that it says it speaks."""

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Refuse the revision."""
        details = {"supported": ",".join(self.supported)}
        return Refusal(kind="invalid_request", code="unsupported_version", details=details)
