"""Watching what an agent logs, through whatever handler.

What counts as written by a handler: nothing that a level or a filter held back. Of a handler that
writes text (any `StreamHandler`) with a formatter class of its own, the formatted text; with a
plain one or none, the formatted text and the record's extras, because the next structured handler
would ship them. Of any other handler, whatever the record carries. Handlers that only pass records
on are left to the handlers behind them.

The messages of consecutive records are read as one text, and so are the arguments of consecutive
records that share a format: that is how the pieces of a stream are logged.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from chaoskit.watch_place import Looking, changed

__all__ = ["watched_logging"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_PASS_ON = (logging.handlers.QueueHandler, logging.handlers.MemoryHandler)


class _Looked(threading.local):
    """The handler whose record the thread has looked at last, since a handler began."""

    at: logging.Handler | None = None

    def forget(self) -> None:
        """A handler begins."""
        self.at = None


@contextmanager
def watched_logging(watch: Looking) -> Iterator[None]:
    """Show every record that a handler writes to the watch."""
    handle, call = logging.Handler.handle, logging.Logger.callHandlers
    passes: Any = logging.Handler.filter  # returns a record since Python 3.12
    looked = _Looked()

    def look(handler: logging.Handler, record: logging.LogRecord, passed: Any) -> None:
        if passed and watch.active and not _is_of_test_runner(handler):
            looked.at = handler
            kept = passed if isinstance(passed, logging.LogRecord) else record
            _look_at(watch, handler, kept)

    def watched_handle(handler: logging.Handler, record: logging.LogRecord) -> Any:
        looked.forget()
        with watch.place.at("log", _place(record)):
            passed: Any = handle(handler, record)
        if looked.at is not handler and _has_own(handler, "filter"):
            look(handler, record, passed)
        return passed

    def watched_filter(handler: logging.Handler, record: logging.LogRecord) -> Any:
        passed = passes(handler, record)
        look(handler, record, passed)
        return passed

    def watched_call(logger: logging.Logger, record: logging.LogRecord) -> None:
        # A test runner's handler hides that in production there would be none but the last
        # resort, which writes to stderr.
        handlers, last = list(_handlers(logger)), logging.lastResort
        alone = bool(handlers) and all(map(_is_of_test_runner, handlers))
        if alone and last is not None and record.levelno >= last.level:
            look(last, record, passed=True)
        call(logger, record)
        for handler in handlers:
            if _writes_unasked(handler) and record.levelno >= handler.level:
                look(handler, record, passed=True)

    with (
        changed(logging.Handler, "handle", watched_handle),
        changed(logging.Handler, "filter", watched_filter),
        changed(logging.Logger, "callHandlers", watched_call),
    ):
        yield


def _look_at(watch: Looking, handler: logging.Handler, record: logging.LogRecord) -> None:
    if isinstance(handler, _PASS_ON):
        return
    where = _place(record)
    texts = [*_texts(handler, record)]
    for text in texts:
        watch.seen("log", text, where)
    with suppress(Exception):
        message = record.getMessage()
        if any(message in text or json.dumps(message)[1:-1] in text for text in texts):
            watch.joined("log", message, handler, where=where)
            pieces = "".join(piece for piece in _arguments(record) if piece in message)
            watch.joined("log", pieces, handler, record.name, str(record.msg), where=where)


def _texts(handler: logging.Handler, record: logging.LogRecord) -> Iterator[str]:
    """Yield what a handler writes of a record; what cannot be formatted is its own to report."""
    if isinstance(handler, logging.StreamHandler):
        with suppress(Exception):
            yield handler.format(record)
        if handler.formatter is None or type(handler.formatter) is logging.Formatter:
            yield _extras(record)
        return
    with suppress(Exception):
        yield record.getMessage()
    with suppress(Exception):
        yield repr(record.args)
    if record.exc_info and record.exc_info[1] is not None:
        yield "".join(traceback.format_exception(record.exc_info[1]))
    yield f"{_extras(record)} {record.exc_text or ''} {record.stack_info or ''}"


def _arguments(record: logging.LogRecord) -> Iterator[str]:
    """Yield the texts among the arguments of a record, which may be pieces of a longer one."""
    values = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
    yield from (value for value in values if isinstance(value, str) and value)


def _extras(record: logging.LogRecord) -> str:
    extras = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    with suppress(Exception):
        return repr(extras) if extras else ""
    return ""


def _has_own(handler: Any, method: str) -> bool:
    """Tell whether a handler does without the method of `logging.Handler`."""
    return getattr(type(handler), method, None) is not getattr(logging.Handler, method)


def _writes_unasked(handler: Any) -> bool:
    """Tell whether a handler's own `handle` writes records without asking the usual methods.

    One that does ask them is looked at there, where it is known what its filters let through.
    """
    if isinstance(handler, logging.NullHandler) or not _has_own(handler, "handle"):
        return False
    names = getattr(getattr(type(handler).handle, "__code__", None), "co_names", ("handle",))
    return not {"handle", "filter"} & {*names}


def _is_of_test_runner(handler: Any) -> bool:
    return type(handler).__module__.startswith("_pytest.")


def _handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    one: logging.Logger | None = logger
    while one is not None:
        yield from one.handlers
        one = one.parent if one.propagate else None


def _place(record: logging.LogRecord) -> str:
    return f"{record.name} ({record.filename}:{record.lineno})"
