"""Scrubbing for the standard library's logging: message, arguments, extras and tracebacks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chaoskit_guards.scrub import Scrubber

__all__ = ["ScrubbingFilter", "install", "scrub_record"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_formatter = logging.Formatter()
_lock = threading.Lock()
_installed: dict[object, Scrubber] = {}


class _Patch:
    """Whether ours stands in the place of `Logger.makeRecord`, and what stood there before."""

    active = False
    below = logging.Logger.makeRecord


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

    place = object()
    with _lock:
        _installed[place] = scrubber
        if not _Patch.active:
            _Patch.active, _Patch.below = True, logging.Logger.makeRecord
            logging.Logger.makeRecord = _make_record  # type: ignore[method-assign]  # all pass here

    def uninstall() -> None:
        with _lock:
            _installed.pop(place, None)
            if not _installed and logging.Logger.makeRecord is _make_record:
                _Patch.active = False
                logging.Logger.makeRecord = _Patch.below  # type: ignore[method-assign]  # puts it back

    return uninstall


def _make_record(self: logging.Logger, *args: Any, **kwargs: Any) -> logging.LogRecord:
    arguments = list(args)
    extra = kwargs.get("extra", arguments[8] if len(arguments) > 8 else None)
    if isinstance(extra, Mapping) and _installed:
        apart = {f"extra_{k}" if k in _OWN else k: v for k, v in extra.items()}
        if len(arguments) > 8:
            arguments[8] = apart
        else:
            kwargs["extra"] = apart
    record = _Patch.below(self, *arguments, **kwargs)
    for scrubber in tuple(_installed.values()):
        scrub_record(scrubber, record)
    return record
