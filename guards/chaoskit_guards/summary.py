"""A summary in the place of what is no longer shown, asked for once and kept."""

from __future__ import annotations

import inspect
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaoskit_guards.events import Listener, emit
from chaoskit_guards.forks import own_lock
from chaoskit_guards.shapes import text_message

__all__ = ["Summaries", "Summarise", "SummaryWanted"]

_log = logging.getLogger("chaoskit_guards")

Summarise = Callable[[list[Mapping[str, Any]]], str | Awaitable[str]]
"""Turns messages into a note; the first of them may be the note so far."""

_KEPT = 256


@dataclass(frozen=True, slots=True)
class SummaryWanted:
    """A summary that is not known yet.

    Attributes:
        name: the same for the same messages.
        messages: what is to be summarised: the summary so far, and what was dropped since.
    """

    name: bytes
    messages: list[Mapping[str, Any]]


class Summaries:
    """Asks the hook, once for each cut; what fails is not asked again before the next cut."""

    def __init__(
        self,
        hook: Summarise,
        count: Callable[[Mapping[str, Any]], int],
        listener: Listener | None = None,
    ) -> None:
        self._hook = hook
        self._count = count
        self._listener = listener
        self._lock = own_lock(self)
        self._texts: OrderedDict[bytes, str] = OrderedDict()

    def known(self, name: bytes) -> str | None:
        """Return a summary; empty where the hook failed, None where it was not asked."""
        with self._lock:
            return self._texts.get(name)

    def wanted(
        self,
        digests: Sequence[tuple[bytes, int]],
        dropped: Sequence[Sequence[Mapping[str, Any]]],
    ) -> SummaryWanted:
        """Return what has to be asked for the newest cut."""
        told: list[Mapping[str, Any]] = []
        begin = 0
        for name, count in reversed(digests[:-1]):
            if text := self.known(name):
                told, begin = [text_message("user", text, like=dropped[0][0])], count
                break
        messages = [*told, *(message for unit in dropped[begin:] for message in unit)]
        return SummaryWanted(digests[-1][0], messages)

    def ask(self, wanted: SummaryWanted, most: int) -> str:
        """Ask the hook; a failure is told to the listener and gives no summary."""
        try:
            text = self._hook(list(wanted.messages))
            if inspect.isawaitable(text):
                if inspect.iscoroutine(text):
                    text.close()
                _log.warning("the summarise hook is async: use `atrim`, or a hook that is not")
                emit(self._listener, "summary_failed", "window", error="async")
                return ""
            return self._keep(wanted.name, text, most)
        except Exception as error:  # noqa: BLE001 - the hook is the user's; the turn goes on
            return self._failed(wanted.name, error)

    async def aask(self, wanted: SummaryWanted, most: int) -> str:
        """Ask the hook, which may be async; cancellation goes through."""
        try:
            text = self._hook(list(wanted.messages))
            if inspect.isawaitable(text):
                text = await text
            return self._keep(wanted.name, text, most)
        except Exception as error:  # noqa: BLE001 - the hook is the user's; the turn goes on
            return self._failed(wanted.name, error)

    def _keep(self, name: bytes, text: object, most: int) -> str:
        if not isinstance(text, str) or not text.strip():
            raise TypeError(f"the summarise hook returned {type(text).__name__}, not a text")
        return self._put(name, self._shortened(text.strip(), most))

    def _failed(self, name: bytes, error: Exception) -> str:
        kind = type(error).__name__
        _log.warning("the summarise hook failed with %s; the turn goes on without it", kind)
        emit(self._listener, "summary_failed", "window", error=kind)
        return self._put(name, "")

    def _put(self, name: bytes, text: str) -> str:
        with self._lock:
            # Of two who asked at once the first one's words stay: a prefix must not change.
            text = self._texts.setdefault(name, text) or text
            self._texts[name] = text
            self._texts.move_to_end(name)
            while len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        return text

    def _shortened(self, text: str, most: int) -> str:
        while (tokens := self._count({"role": "user", "content": text})) > most:
            keep = int((len(text) - 1) * min(0.95, most / tokens))
            if keep < 1:
                raise ValueError(f"there is no room for a summary in {most} tokens")
            text = text[:keep].rstrip() + "…"
        return text
