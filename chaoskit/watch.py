"""Watching what an agent writes down, and what it is asked to look at.

Watched are the standard streams, logging, warnings, exceptions that end a thread, spans, requests
to hosts that are not simulated, and the descriptors 1 and 2; a part of each in a file of its own
(`watch_logging`, …), which also says what it cannot see. Answers, exceptions that leave the agent
and requests to the provider are shown by whoever runs the agent.

A piece of output or of a log is joined to the pieces before it, line breaks left out, so that a
secret is found that is written in parts.

Not seen: what a stream shows at once on the terminal and something other than a logging handler
saved before the first watch began (`pytest -s`); what a forked process logs to files.
What a forked process prints goes to the descriptors.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import PurePath
from types import FrameType, TracebackType
from typing import Self, TextIO, cast

from chaoskit import failure
from chaoskit import tee as streams
from chaoskit.canary import Canaries, Sighting, owner
from chaoskit.journal import Event, Leaked
from chaoskit.watch_descriptors import Descriptor, watched_descriptor
from chaoskit.watch_hooks import watched_hooks
from chaoskit.watch_logging import watched_logging
from chaoskit.watch_place import Place, changed
from chaoskit.watch_requests import watched_requests
from chaoskit.watch_spans import watched_spans
from chaoskit.who import in_a_tool

__all__ = ["Watch"]

_LOOKED_THROUGH = frozenset({__file__, streams.__file__})
_DESCRIPTORS = {"stdout": 1, "stderr": 2}
_ENTERED: list[Watch] = []


class Watch:
    """Looks for canaries in everything an agent writes while it is entered.

    Args:
        emit: takes each `Leaked` event; the same leak at the same place is told once per turn.
        who: returns user and turn of the running code.
        now: returns seconds since the run began.
        quiet: what the agent writes to the terminal is held back and can be read in `captured`.
        keep: how many characters of it are kept, the newest.
    """

    def __init__(
        self,
        canaries: Canaries,
        emit: Callable[[Event], None],
        who: Callable[[], tuple[str, int]],
        now: Callable[[], float],
        *,
        quiet: bool = False,
        keep: int = 64_000,
    ) -> None:
        self._canaries = canaries
        self._emit = emit
        self._who = who
        self._now = now
        self._quiet = quiet
        self._keep = keep
        # Reentrant: a finaliser that prints may run while it is held.
        self._lock = threading.RLock()
        self._told: set[tuple[str, str, str, str, int]] = set()
        self._tails: dict[tuple[Hashable, ...], str] = {}
        self._kept: deque[str] = deque()
        self._size = 0
        self.place = Place()
        self._entered = False
        self._tees: dict[str, streams.Tee] = {}
        self._descriptors: dict[str, Descriptor] = {}
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            for channel in _DESCRIPTORS:
                undo.enter_context(self._watched_stream(channel))
            undo.enter_context(watched_logging(self))
            undo.enter_context(watched_hooks(self))
            undo.enter_context(watched_spans(self))
            undo.enter_context(watched_requests(self.sent))
            self._undo = undo.pop_all()
        self._entered = True
        _ENTERED.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()
        self._entered = False
        _ENTERED.remove(self)

    @property
    def active(self) -> bool:
        """Whether the watch is entered and has anything to look for."""
        return self._entered and bool(len(self._canaries))

    @property
    def captured(self) -> str:
        """The newest of what was held back from the terminal, secrets replaced by their labels."""
        with self._lock:
            text = "".join(self._kept)
        return self._canaries.redact(text)[-self._keep :]

    def seen(self, channel: str, text: str, where: str = "") -> None:
        """Look at a text that left the agent: an `answer`, an `exception` or a `span`."""
        for sighting in self._canaries.find(text):
            self._tell(sighting, channel, where)
        if channel in ("answer", "exception"):
            self._look_at_descriptors()

    def written(self, channel: str, text: str) -> bool:
        """Look at a piece of output; return whether it is held back from the stream."""
        place = self.place.now
        self.joined(place[0] if place else channel, text, channel, where=place[1] if place else "")
        if self._quiet:
            self._hold(text)
        return self._quiet

    def joined(self, channel: str, text: str, *stream: Hashable, where: str = "") -> None:
        """Look at a piece of a stream of text, joined to those that the same turn wrote before.

        Without `where` it is the line of code that is writing.
        """
        for sighting in self._found((*stream, *self._who()), text):
            self._tell(sighting, channel, where or _caller())

    def sent(self, text: str, where: str) -> None:
        """Look at a part of a request to a host that is not simulated."""
        if not self.active:
            return
        user, _ = self._who()
        for sighting in self._canaries.find(text):
            if owner(sighting.label) != user or not in_a_tool():
                self._tell(sighting, "request", where)

    def _found(self, stream: tuple[Hashable, ...], text: str) -> list[Sighting]:
        """Return what a piece completes, or holds."""
        if not self.active or not text:
            return []
        with self._lock:
            together = self._tails.get(stream, "") + text.replace("\r", "").replace("\n", "")
            self._tails[stream] = together[-self._canaries.longest :]
        sightings = self._canaries.find(together)
        if sightings:
            with self._lock:
                self._tails.pop(stream, None)
        return sightings

    def _put_out(self, channel: str, text: str) -> bool:
        """Look at what came out of a descriptor; only the secret tells whose it is."""
        where = f"file descriptor {_DESCRIPTORS[channel]}"
        for sighting in self._found((where,), text):
            self._tell(sighting, channel, where, (owner(sighting.label), 0))
        if self._quiet:
            self._hold(text)
        return self._quiet

    def _look_at_descriptors(self) -> None:
        for descriptor in self._descriptors.values():
            descriptor.look()

    def forked(self) -> None:
        """Stop watching, in a copy of the process that cannot tell anybody; print straight out."""
        self._entered = False
        for channel, tee in self._tees.items():
            descriptor = self._descriptors.get(channel)
            tee.onlooker = None if descriptor is None else descriptor

    def _hold(self, text: str) -> None:
        with self._lock:
            self._kept.append(text)
            self._size += len(text)
            while self._size - len(self._kept[0]) >= self._keep:
                self._size -= len(self._kept.popleft())

    def _tell(
        self, sighting: Sighting, channel: str, where: str, who: tuple[str, int] | None = None
    ) -> None:
        user, turn = who or self._who()
        key = (sighting.label, channel, where, user, turn)
        with self._lock:
            if key in self._told:
                return
            self._told.add(key)
        self._emit(
            Leaked(
                at=self._now(),
                user=user,
                turn=turn,
                canary=sighting.label,
                channel=channel,
                encoding=sighting.encoding,
                where=where,
            )
        )

    @contextmanager
    def _watched_stream(self, channel: str) -> Iterator[None]:
        original = getattr(sys, channel)
        tee = streams.tee(original, channel)
        with watched_descriptor(
            _DESCRIPTORS[channel], original, partial(self._put_out, channel), quiet=self._quiet
        ) as descriptor:
            if descriptor is not None:
                self._descriptors[channel] = descriptor
            self._tees[channel] = tee
            tee.onlooker = self
            streams.swap_streams(original, tee)
            try:
                with (
                    changed(sys, channel, cast("TextIO", tee)),
                    streams.seen_directly(tee),
                ):
                    yield
            finally:
                tee.onlooker = None
                streams.swap_streams(tee, original)
                self._descriptors.pop(channel, None)


def _caller() -> str:
    """Return file and line of the code that is writing: the agent's own, where there is any."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the public way formats whole stacks
    nearest = ""
    while frame is not None:
        name = frame.f_code.co_filename
        if name not in _LOOKED_THROUGH:
            place = f"{PurePath(name).name}:{frame.f_lineno}"
            if failure.is_own(name):
                return place
            nearest = nearest or place
        frame = frame.f_back
    return nearest


def _forked() -> None:
    for watch in _ENTERED:
        watch.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
