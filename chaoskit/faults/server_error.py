"""The provider fails, or what stands before it."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaoskit.exchange import Call, Refusal, RefusalKind
from chaoskit.fault import Strike
from chaoskit.settings import Duration, settings

__all__ = ["ServerError"]

_KINDS: dict[int, RefusalKind] = {
    500: "server_error",
    502: "bad_gateway",
    503: "unavailable",
    504: "timeout",
}
_REASONS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_PAGE = (
    "<html>\n<head><title>{0} {1}</title></head>\n<body>\n"
    "<center><h1>{0} {1}</h1></center>\n<hr><center>edge</center>\n</body>\n</html>\n"
)


@settings
class ServerError:
    """The provider fails with a 5xx status, in its own JSON or with the page of a proxy."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "server_error"
    when = { calls = 1 }
    status = 503
    html = true

    [[faults]]
    fault = "server_error"
    when = { calls = 2 }
    status = 502
    retry_after = "2s"
    """

    status: Literal[500, 502, 503, 504] = 500
    """The HTTP status."""

    html: bool = False
    """The body is a web page of the network in front of the provider, not JSON."""

    retry_after: Duration | None = None
    """How long the client is asked to wait; without it nothing is said."""

    def admit(self, call: Call, strike: Strike) -> Refusal:  # noqa: ARG002 - the stage's signature
        """Refuse the call."""
        page = _PAGE.format(self.status, _REASONS[self.status]).encode() if self.html else None
        return Refusal(
            kind=_KINDS[self.status],
            status=self.status,
            retry_after=self.retry_after,
            headers={"content-type": "text/html"} if self.html else {},
            body=page,
        )
