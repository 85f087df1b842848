"""Whose turn a call belongs to, where the agent is another process.

Calls that name their user can be told apart, so all users are let in at once. Where calls do not,
one turn at a time is under way, and whatever is called belongs to it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from chaoskit.errors import RunStopped
from chaoskit.exchange import HttpRequest
from chaoskit.outside import Question
from chaoskit.sessions import session_of

__all__ = ["Gate"]


class Gate:
    """Lets turns begin, and remembers which are under way.

    Args:
        open: calls are known to name their users. Otherwise the first call shows it.

    Attributes:
        nameless: calls that named nobody while several turns were under way.
    """

    def __init__(self, *, open: bool) -> None:  # noqa: A002 - as a gate is
        self.nameless = 0
        self._open = open
        self._waited = False
        self._stopped = ""
        self._under_way: dict[str, int] = {}
        self._traces: dict[str, str] = {}
        self._known: dict[str, int] = {}
        self._changed = threading.Condition()

    @property
    def one_by_one(self) -> bool:
        """Whether turns waited for the end of others, since no call named its user."""
        return self._waited and not self._open

    def enter(self, user: str) -> None:
        """Wait until a turn of a user may begin.

        Raises:
            RunStopped: the run is over.
        """
        with self._changed:
            if not self._free():
                self._waited = True
                self._changed.wait_for(self._free)
            if self._stopped:
                raise RunStopped(self._stopped)
            self._under_way[user] = 0

    def ask(self, question: Question, how: Callable[[Question], str]) -> str:
        """Ask a question in a turn that was let in, which ends with the answer."""
        user = question.user
        with self._changed:
            self._under_way[user] = self._known[user] = question.turn
            self._traces[question.trace] = user
        try:
            return how(question)
        finally:
            with self._changed:
                self._under_way.pop(user, None)
                self._changed.notify_all()

    def whose(self, request: HttpRequest) -> tuple[str, int]:
        """Return user and turn of a call."""
        with self._changed:
            named = session_of(request)
            if named not in self._known:
                named = self._traces.get(_trace_of(request), "")
            if named:
                if not self._open and not self.nameless:
                    self._open = True
                    self._changed.notify_all()
                return named, self._known[named]
            if len(self._under_way) == 1:
                return next(iter(self._under_way.items()))
            if self._under_way:
                self.nameless += 1
                self._open = False
            return "client", 1

    def stop(self, reason: str) -> None:
        """Let nobody in any more, and nobody wait."""
        with self._changed:
            self._stopped = reason
            self._changed.notify_all()

    def _free(self) -> bool:
        return bool(self._open or self._stopped or not self._under_way)


def _trace_of(request: HttpRequest) -> str:
    """Return the trace of a request; the W3C's header is version-trace-span-flags."""
    parts = request.headers.get("traceparent", "").split("-")
    return parts[1] if len(parts) > 1 else ""
