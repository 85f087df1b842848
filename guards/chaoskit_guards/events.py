"""One hook for everything that a guard has to say.

A listener is any callable that takes a `GuardEvent`: a log line, a counter, a span. It is told,
never asked, and a listener that fails is reported in the log and otherwise ignored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["GuardEvent", "Listener", "emit"]

_log = logging.getLogger("chaoskit_guards")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardEvent:
    """One thing that a guard did.

    Attributes:
        kind: what happened, such as `retrying` or `opened`.
        guard: the guard that speaks, such as `retry` or the name of a breaker.
        values: numbers and names; never prompts, arguments or credentials.
    """

    kind: str
    guard: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


Listener = Callable[[GuardEvent], None]
"""Told about every event of a guard."""


def emit(listener: Listener | None, kind: str, guard: str, /, **values: object) -> None:
    """Tell the listener, if there is one; its exceptions go to the log and no further."""
    if listener is None:
        return
    try:
        listener(GuardEvent(kind=kind, guard=guard, values=values))
    except Exception:  # noqa: BLE001 - whatever an observer does wrong, the call goes on
        _log.exception("a listener failed on %s of %s", kind, guard)
