"""Logging without secrets: message, arguments, extras, tracebacks, on every logger."""

import io
import json
import logging

import pytest

from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_logging import ScrubbingFilter

MARK = "[REDACTED]"


class JsonFormatter(logging.Formatter):
    """Writes every field of a record, as structured loggers do."""

    def format(self, record):
        super().format(record)
        return json.dumps(record.__dict__, default=str)


@pytest.fixture
def logger():
    """A logger with a stream of its own."""
    log = logging.getLogger("tools")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    log.addHandler(handler)
    log.stream = stream
    yield log
    log.removeHandler(handler)


@pytest.fixture
def installed():
    """Scrubbing for the whole process, taken back afterwards."""
    undo = Scrubber().install()
    yield
    undo()


def say(log):
    """Leak in every way that a log line offers."""
    log.info("password=hunter2")
    log.info("token is %s", "hunter2hunter2")
    log.info("args %s", {"password": "hunter2"})
    log.info("args %(password)s", {"password": "hunter2"})
    log.info("call", extra={"tool": "x", "api_key": "hunter2", "payload": {"secret": ["hunter2"]}})
    log.info({"password": "hunter2"})
    try:
        raise ValueError("bad password=hunter2")
    except ValueError:
        log.exception("failed")
    log.info("here", stack_info=True)


def test_a_filter_covers_every_way_to_leak(logger):
    """On the handler of a logger."""
    logger.handlers[0].addFilter(Scrubber().filter())
    say(logger)
    written = logger.stream.getvalue()
    assert "hunter2" not in written
    assert written.count(MARK) >= 7


def test_installing_covers_loggers_and_handlers_that_come_later(installed, logger):
    """Records are scrubbed where they are made."""
    say(logger)
    assert "hunter2" not in logger.stream.getvalue()


def test_extras_that_collide_with_the_record_do_not_raise(installed, logger):
    """`extra={"args": …}` is kept under another name instead of raising KeyError."""
    extra = {"tool": "x", "args": {"password": "hunter2"}}
    logger.info("tool_call", extra=extra)
    line = json.loads(logger.stream.getvalue())
    assert (line["extra_args"], line["tool"]) == ({"password": MARK}, "x")


def test_uninstalling_restores_the_library(logger):
    """Nothing stays patched."""
    before = logging.Logger.makeRecord
    undo = Scrubber().install()
    assert logging.Logger.makeRecord is not before
    undo()
    assert logging.Logger.makeRecord is before


def test_installing_on_a_target_touches_nothing_else(logger):
    """Only the given logger or handler gets a filter."""
    undo = Scrubber().install(logger)
    assert isinstance(logger.filters[0], ScrubbingFilter)
    undo()
    assert logger.filters == []


def test_records_without_secrets_keep_template_and_arguments(logger):
    """Structured loggers group by the template."""
    record = logging.makeLogRecord({"msg": "took %d ms", "args": (13,)})
    Scrubber().filter().filter(record)
    assert (record.msg, record.args) == ("took %d ms", (13,))


def test_a_bad_template_is_left_to_the_handler():
    """The mistake is reported as always, and the arguments are safe."""
    record = logging.makeLogRecord({"msg": "%d", "args": ("password=hunter2",)})
    Scrubber().filter().filter(record)
    assert (f"password={MARK}",) == record.args
