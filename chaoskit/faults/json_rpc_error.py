"""A tool server answers with an error of the protocol."""

from __future__ import annotations

from typing import ClassVar

from chaoskit.exchange import Call, Refusal
from chaoskit.fault import Strike
from chaoskit.match import ToolOperation
from chaoskit.settings import settings

__all__ = ["JsonRpcError"]


@settings
class JsonRpcError:
    """The tool server answers with an error of the protocol by its code; the tool did not run."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "json_rpc_error"
    when = { tool = "search_logs", calls = 1 }
    code = -32000
    message = "upstream connection lost"
    """

    about: ClassVar[tuple[ToolOperation, ...]] = ("run_tool",)

    code: int = -32603
    """The code: -32603 is an internal error, -32602 means wrong parameters, -32601 an unknown
    method; -32000 to -32099 are servers' own."""

    message: str = "Internal error"
    """What it says."""

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Refuse the request."""
        return Refusal(kind="server_error", code=str(self.code), message=self.message)
