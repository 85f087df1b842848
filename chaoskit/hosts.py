"""Several hosts behind one player: each request is for the first that claims it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from chaoskit.errors import InternalError
from chaoskit.exchange import HttpRequest
from chaoskit.player import Ending, Exchange, Host, Passed, Passing, answering, largest

__all__ = ["Hosts"]


@dataclass(frozen=True, slots=True)
class _Of:
    """Whose exchange it is, and what its host wants to be reminded of."""

    host: Host
    exchange: Exchange


class Hosts:
    """Stands for its hosts. The last of them hears of attempts to reach strangers."""

    def __init__(self, *hosts: Host) -> None:
        self._hosts = hosts

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether one of them claims the request."""
        return self.of(request) is not None

    def of(self, request: HttpRequest) -> Host | None:
        """Return the first that claims a request, or None."""
        for host in self._hosts:
            if host.claims(request):
                return host
        return None

    def largest(self, request: HttpRequest) -> int:
        """Return how many bytes the body of a request may have."""
        return largest(self.of(request), request)

    def exchange(self, request: HttpRequest) -> Exchange:
        """Let the first that claims a request answer it.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        host = self._whose(request)
        made = host.exchange(request)
        return replace(made, note=_Of(host, made))

    def passes(self, request: HttpRequest) -> bool:
        """Tell whether the first that claims a request lets it go on to the real host."""
        host = self._whose(request)
        return isinstance(host, Passing) and host.passes(request)

    def passing(self, request: HttpRequest) -> Generator[None, Passed, Exchange]:
        """Let the first that claims a request answer it, or pass it on to the real host.

        Raises:
            RunStopped: the run exceeded its bounds.
        """
        host = self._whose(request)
        made = yield from answering(host, request)
        return replace(made, note=_Of(host, made))

    def delivered(self, exchange: Exchange, how: Ending, *, sent_content: bool) -> None:
        """Tell the host of an exchange how it ended."""
        whose = exchange.note
        if not isinstance(whose, _Of):
            raise InternalError(f"nobody's exchange: {exchange!r}")
        whose.host.delivered(whose.exchange, how, sent_content=sent_content)

    def blocked(self, host: str, caller: str) -> None:
        """Take note of an attempt to reach another host."""
        self._hosts[-1].blocked(host, caller)

    def _whose(self, request: HttpRequest) -> Host:
        host = self.of(request)
        if host is None:
            raise InternalError(f"nobody claims {request.host}{request.path}")
        return host
