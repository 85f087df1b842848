"""Watching what an agent writes down: logging, output, warnings, and what it is asked to look at.

What counts as written by a logging handler: nothing that a level or a filter held back. Of a
handler that writes text (any `StreamHandler`) with a formatter class of its own, the formatted
text; with a plain one or none, the formatted text and the record's extras, because the next
structured handler would ship them. Of any other handler, whatever the record carries. Handlers
that only pass records on are left to the handlers behind them.

Not seen: writes to file descriptors and by child processes, and writes through stream objects
that something other than a logging handler saved before the first watch began.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePath
from types import FrameType, TracebackType
from typing import Any, Self, TextIO, cast

from chaoskit import tee as streams
from chaoskit.canary import Canaries, Sighting, owner
from chaoskit.journal import Event, Leaked

__all__ = ["Watch"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PASS_ON = (logging.handlers.QueueHandler, logging.handlers.MemoryHandler)
_LOOKED_THROUGH = frozenset({__file__, streams.__file__})
_MISSING = object()


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
        self._tails: dict[tuple[str, str, int], str] = {}
        self._kept: deque[str] = deque()
        self._size = 0
        self._inside = _Inside()
        self._active = False
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            for channel in ("stdout", "stderr"):
                undo.enter_context(self._watched_stream(channel))
            undo.enter_context(self._watched_logging())
            undo.enter_context(self._watched_warnings())
            self._undo = undo.pop_all()
        self._active = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._active = False
        self._undo.close()

    @property
    def captured(self) -> str:
        """The newest of what was held back from the terminal, secrets replaced by their labels."""
        with self._lock:
            text = "".join(self._kept)
        return self._canaries.redact(text)[-self._keep :]

    def seen(self, channel: str, text: str, where: str = "") -> None:
        """Look at a text that left the agent: `exception`, `answer`, `request`, `span`.

        In a request only another user's secrets are leaks; one's own belong to the conversation.
        """
        user, _ = self._who()
        for sighting in self._canaries.find(text):
            if channel != "request" or owner(sighting.label) != user:
                self._tell(sighting, channel, where)

    def written(self, channel: str, text: str) -> bool:
        """Look at a piece of a stream of text; return whether it is held back from the stream.

        It is joined to the end of the piece before, so that a secret in two halves is found.
        """
        self._look_on(channel, text)
        if self._quiet:
            self._hold(text)
        return self._quiet

    def _look_on(self, channel: str, text: str) -> None:
        if not len(self._canaries) or not text:
            return
        key = (channel, *self._who())
        with self._lock:
            together = self._tails.get(key, "") + text
            self._tails[key] = together[-self._canaries.longest :]
        sightings = self._canaries.find(together)
        if not sightings:
            return
        with self._lock:
            del self._tails[key]
        channel, where = self._inside.place or (channel, _caller())
        for sighting in sightings:
            self._tell(sighting, channel, where)

    def _hold(self, text: str) -> None:
        with self._lock:
            self._kept.append(text)
            self._size += len(text)
            while self._size - len(self._kept[0]) >= self._keep:
                self._size -= len(self._kept.popleft())

    def _tell(self, sighting: Sighting, channel: str, where: str) -> None:
        user, turn = self._who()
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
        tee.onlooker = self
        streams.swap_streams(original, tee)
        try:
            with _changed(sys, channel, cast("TextIO", tee)):
                yield
        finally:
            tee.onlooker = None
            streams.swap_streams(tee, original)

    @contextmanager
    def _watched_logging(self) -> Iterator[None]:
        handle, call = logging.Handler.handle, logging.Logger.callHandlers
        passes: Any = logging.Handler.filter  # returns a record since Python 3.12

        def watched_handle(handler: logging.Handler, record: logging.LogRecord) -> Any:
            with self._inside.at("log", _place(record)):
                return handle(handler, record)

        def watched_filter(handler: logging.Handler, record: logging.LogRecord) -> Any:
            passed = passes(handler, record)
            if passed and self._active and not _is_of_test_runner(handler):
                kept = passed if isinstance(passed, logging.LogRecord) else record
                self._look_at(handler, kept)
            return passed

        def watched_call(logger: logging.Logger, record: logging.LogRecord) -> None:
            # A test runner's handler hides that in production there would be none but the last
            # resort, which writes to stderr.
            handlers, last = list(_handlers(logger)), logging.lastResort
            alone = bool(handlers) and all(map(_is_of_test_runner, handlers))
            if alone and last is not None and record.levelno >= last.level and self._active:
                self._look_at(last, record)
            call(logger, record)

        with (
            _changed(logging.Handler, "handle", watched_handle),
            _changed(logging.Handler, "filter", watched_filter),
            _changed(logging.Logger, "callHandlers", watched_call),
        ):
            yield

    def _look_at(self, handler: logging.Handler, record: logging.LogRecord) -> None:
        if isinstance(handler, _PASS_ON) or not len(self._canaries):
            return
        where = _place(record)
        for text in _texts(handler, record):
            self.seen("log", text, where)
        if _is_plain(handler):
            with suppress(Exception), self._inside.at("log", where):
                self._look_on("log", record.getMessage())

    @contextmanager
    def _watched_warnings(self) -> Iterator[None]:
        show = warnings.showwarning

        def watched_show(  # noqa: PLR0917 - the signature is that of the standard library
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            where = f"{PurePath(filename).name}:{lineno}"
            if self._active:
                self.seen("warning", str(message), where)
            with self._inside.at("warning", where):
                show(message, category, filename, lineno, file, line)

        with _changed(warnings, "showwarning", watched_show):
            yield


class _Inside(threading.local):
    """Inside of which handler or warning the thread is: what it writes belongs to that."""

    place: tuple[str, str] | None = None

    @contextmanager
    def at(self, channel: str, where: str) -> Iterator[None]:
        before = self.place
        self.place = before or (channel, where)
        try:
            yield
        finally:
            self.place = before


def _texts(handler: logging.Handler, record: logging.LogRecord) -> Iterator[str]:
    """Yield what a handler writes of a record; what cannot be formatted is its own to report."""
    if isinstance(handler, logging.StreamHandler):
        with suppress(Exception):
            yield handler.format(record)
        if _is_plain(handler):
            yield _extras(record)
        return
    with suppress(Exception):
        yield record.getMessage()
    with suppress(Exception):
        yield repr(record.args)
    if record.exc_info and record.exc_info[1] is not None:
        yield "".join(traceback.format_exception(record.exc_info[1]))
    yield f"{_extras(record)} {record.exc_text or ''} {record.stack_info or ''}"


def _extras(record: logging.LogRecord) -> str:
    extras = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    with suppress(Exception):
        return repr(extras) if extras else ""
    return ""


def _is_plain(handler: logging.Handler) -> bool:
    return handler.formatter is None or type(handler.formatter) is logging.Formatter


def _is_of_test_runner(handler: logging.Handler) -> bool:
    return type(handler).__module__.startswith("_pytest.")


def _handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    one: logging.Logger | None = logger
    while one is not None:
        yield from one.handlers
        one = one.parent if one.propagate else None


def _place(record: logging.LogRecord) -> str:
    return f"{record.name} ({record.filename}:{record.lineno})"


def _caller() -> str:
    """Return file and line of the code that is writing."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the public way formats whole stacks
    while frame is not None and frame.f_code.co_filename in _LOOKED_THROUGH:
        frame = frame.f_back
    return f"{PurePath(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""


@contextmanager
def _changed(holder: Any, name: str, value: object) -> Iterator[None]:
    """Set an attribute for a while; whoever sets it anew in the meantime keeps what he set."""
    before = vars(holder).get(name, _MISSING)
    setattr(holder, name, value)
    try:
        yield
    finally:
        if vars(holder).get(name) is value:
            if before is _MISSING:
                delattr(holder, name)
            else:
                setattr(holder, name, before)
