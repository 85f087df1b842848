"""Scrubbing for the standard library's logging: message, arguments, extras and tracebacks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chaoskit_guards.forks import own_lock

if TYPE_CHECKING:
    from chaoskit_guards.scrub import Scrubber

__all__ = ["ScrubbingFilter", "install", "scrub_record"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_formatter = logging.Formatter()


class _Everywhere:
    """Scrubs the records of every logger, where they are made, while somebody wants it."""

    def __init__(self) -> None:
        self._lock = own_lock(self)
        self._scrubbers: dict[object, Scrubber] = {}
        self._active = False
        self._below = logging.Logger.makeRecord  # what stood there before

    def add(self, scrubber: Scrubber) -> Callable[[], None]:
        """Scrub every record from now on; return the way back."""
        place = object()
        with self._lock:
            self._scrubbers[place] = scrubber
            if not self._active:
                self._active, self._below = True, logging.Logger.makeRecord
                logging.Logger.makeRecord = _make_record  # type: ignore[method-assign]  # all pass here

        def remove() -> None:
            with self._lock:
                self._scrubbers.pop(place, None)
                if not self._scrubbers and logging.Logger.makeRecord is _make_record:
                    self._active = False
                    logging.Logger.makeRecord = self._below  # type: ignore[method-assign]  # puts it back

        return remove

    def made(self, logger: logging.Logger, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """Make a record and scrub it."""
        arguments = list(args)
        extra = kwargs.get("extra", arguments[8] if len(arguments) > 8 else None)
        if isinstance(extra, Mapping) and self._scrubbers:
            apart = {f"extra_{k}" if k in _OWN else k: v for k, v in extra.items()}
            if len(arguments) > 8:
                arguments[8] = apart
            else:
                kwargs["extra"] = apart
        record = self._below(logger, *arguments, **kwargs)
        for scrubber in tuple(self._scrubbers.values()):
            scrub_record(scrubber, record)
        return record


_everywhere = _Everywhere()


def _make_record(self: logging.Logger, *args: Any, **kwargs: Any) -> logging.LogRecord:
    return _everywhere.made(self, *args, **kwargs)


def scrub_record(scrubber: Scrubber, record: logging.LogRecord) -> None:
    """Take the secrets out of a record, whoever formats it later.

    Where nothing has to be taken out, the template and its arguments stay apart, as structured
    loggers like them. A traceback becomes text, because the exception itself carries its arguments.
    A record that cannot be scrubbed loses everything but the name of the error.
    """
    try:
        _scrub_record(scrubber, record)
    except Exception as error:  # noqa: BLE001 - neither may a secret get out nor logging raise
        for name in set(record.__dict__) - _OWN:
            del record.__dict__[name]
        record.msg = f"[log record could not be scrubbed: {type(error).__name__}]"
        record.args = record.exc_info = record.exc_text = record.stack_info = None
        record.__dict__.pop("message", None)


def _scrub_record(scrubber: Scrubber, record: logging.LogRecord) -> None:
    if record.args:
        args: Any
        args, changed = scrubber.scrub_checked(record.args)
        try:
            message = str(record.msg) % args
        except Exception:  # noqa: BLE001 - a bad template is reported by the handler, as always
            record.args = args
        else:
            cleaned = scrubber.scrub_text(message)
            if changed or cleaned != message:
                record.msg, record.args = cleaned, None
    else:
        record.msg = scrubber.scrub(record.msg)
    extras = {name: value for name, value in record.__dict__.items() if name not in _OWN}
    if extras:
        cleaned_extras, changed = scrubber.scrub_checked(extras)
        for name in extras if changed else ():
            del record.__dict__[name]
        record.__dict__.update(cleaned_extras if changed else {})
    info: Any = record.exc_info
    if isinstance(info, tuple) and info[0] is not None:
        record.exc_text = record.exc_text or _formatter.formatException(info)
    for field in ("exc_text", "stack_info", "message"):
        text = record.__dict__.get(field)
        if isinstance(text, str):
            record.__dict__[field] = cleaned = scrubber.scrub_text(text)
            if field == "exc_text" and cleaned != text:
                record.exc_info = None


class ScrubbingFilter(logging.Filter):
    """Takes secrets out of every record that passes; attach it to a handler to see them all."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self._scrubber = scrubber

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub the record; let it pass."""
        scrub_record(self._scrubber, record)
        return True


def install(scrubber: Scrubber, *targets: logging.Handler | logging.Logger) -> Callable[[], None]:
    """Scrub the records of `targets`, or of every logger of the process; return the way back.

    Without targets the records are scrubbed where they are made, so that loggers and handlers
    which are added later are covered. An `extra` that would collide with a field of the record,
    such as `args`, is kept under `extra_args` instead of raising.
    """
    if targets:
        added = ScrubbingFilter(scrubber)
        for target in targets:
            target.addFilter(added)

        def remove() -> None:
            for target in targets:
                target.removeFilter(added)

        return remove

    return _everywhere.add(scrubber)
