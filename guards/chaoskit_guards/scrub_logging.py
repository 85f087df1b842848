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


def scrub_record(scrubber: Scrubber, record: logging.LogRecord) -> None:
    """Take the secrets out of a record, whoever formats it later.

    Where nothing has to be taken out, the template and its arguments stay apart, as structured
    loggers like them. A traceback becomes text, because the exception itself carries its arguments.
    """
    if record.args:
        args: Any = scrubber.scrub(record.args)
        try:
            message = str(record.msg) % args
        except Exception:  # noqa: BLE001 - a bad template is reported by the handler, as always
            record.args = args
        else:
            cleaned = scrubber.scrub_text(message)
            if cleaned != message or repr(args) != repr(record.args):
                record.msg, record.args = cleaned, None
    else:
        record.msg = scrubber.scrub(record.msg)
    for name, value in list(record.__dict__.items()):
        if name not in _OWN:
            record.__dict__[name] = scrubber.scrub_dict({name: value}).get(name, value)
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = record.exc_text or _formatter.formatException(record.exc_info)
        cleaned = scrubber.scrub_text(record.exc_text)
        if cleaned != record.exc_text:
            record.exc_info = None
        record.exc_text = cleaned
    if record.stack_info:
        record.stack_info = scrubber.scrub_text(record.stack_info)


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

    with _lock:
        original = logging.Logger.makeRecord

        def make_record(self: logging.Logger, *args: Any, **kwargs: Any) -> logging.LogRecord:
            arguments = list(args)
            extra = kwargs.get("extra", arguments[8] if len(arguments) > 8 else None)
            if isinstance(extra, Mapping):
                apart = {f"extra_{k}" if k in _OWN else k: v for k, v in extra.items()}
                if len(arguments) > 8:
                    arguments[8] = apart
                else:
                    kwargs["extra"] = apart
            record = original(self, *arguments, **kwargs)
            scrub_record(scrubber, record)
            return record

        logging.Logger.makeRecord = make_record  # type: ignore[method-assign]  # the one place where every record passes

    def uninstall() -> None:
        with _lock:
            if logging.Logger.makeRecord is make_record:
                logging.Logger.makeRecord = original  # type: ignore[method-assign]  # puts it back

    return uninstall
