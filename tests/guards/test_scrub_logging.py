"""Logging without secrets: message, arguments, extras, tracebacks, on every logger."""

import collections
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


class Unruly(collections.abc.Mapping):
    """Mappings of other people may fail in any way."""

    def __getitem__(self, key):
        raise RuntimeError("password=hunter2")

    def __iter__(self):
        raise RuntimeError("password=hunter2")

    def __len__(self):
        return 1


def test_a_record_that_cannot_be_scrubbed_says_nothing(logger):
    """The line is lost, neither the secret gets out nor does logging raise into the program."""
    logger.handlers[0].addFilter(Scrubber().filter())
    logger.info("call password=hunter2", extra={"payload": Unruly(), "note": "password=hunter2"})
    line = logger.stream.getvalue()
    assert "hunter2" not in line
    assert "could not be scrubbed: RuntimeError" in line


def test_texts_that_another_formatter_left_behind_are_scrubbed():
    """Such as those of a record that came from a queue or a socket."""
    record = logging.makeLogRecord(
        {
            "msg": "failed",
            "message": "password=hunter2",
            "exc_text": "ValueError: password=hunter2",
            "stack_info": "password=hunter2",
        }
    )
    Scrubber().filter().filter(record)
    assert "hunter2" not in json.dumps(record.__dict__)


def test_an_argument_that_shows_more_as_text_than_by_its_name(logger):
    """`%s` asks an object for its text, whatever `repr` says."""

    class Client:
        def __repr__(self):
            return "Client()"

        def __str__(self):
            return "Client at https://bob:hunter2@x/"

    logger.handlers[0].addFilter(Scrubber().filter())
    logger.info("using %s", Client())
    logger.info("using %(client)s", {"client": Client()})
    logger.info("plain", extra={"client": Client()})
    assert "hunter2" not in logger.stream.getvalue()


def test_arguments_are_not_evaluated_or_consumed(logger):
    """A generator in a log line is still the caller's."""
    logger.handlers[0].addFilter(Scrubber().filter())
    numbers = (n for n in range(3))
    logger.info("got %s", numbers)
    assert list(numbers) == [0, 1, 2]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_installations_can_be_taken_back_in_any_order(order, logger):
    """Two parts of a program may each install their own."""
    before = logging.Logger.makeRecord
    undo = [Scrubber(["colour"]).install(), Scrubber(["shape"]).install()]
    logger.info("args %s", {"colour": "hunter2", "shape": "hunter2"})
    undo[order[0]]()
    logger.info("args %s", {"password": "hunter2"})
    undo[order[1]]()
    undo[order[1]]()
    assert "hunter2" not in logger.stream.getvalue()
    assert logging.Logger.makeRecord is before


def test_the_cause_of_an_exception_is_scrubbed(logger):
    """Chains and groups included."""
    logger.handlers[0].addFilter(Scrubber().filter())
    try:
        try:
            raise ValueError("password=hunter2")
        except ValueError as error:
            group = ExceptionGroup("several", [error, OSError("https://bob:hunter2@x/")])
            raise RuntimeError("no luck") from group
    except RuntimeError:
        logger.exception("failed")
    line = logger.stream.getvalue()
    assert "hunter2" not in line
    assert "ExceptionGroup: several" in line


def test_a_patch_of_others_over_ours_stays_and_does_no_harm(logger):
    """Taken back and installed again, records still pass once through each."""
    before = logging.Logger.makeRecord
    undo = Scrubber().install()
    ours = logging.Logger.makeRecord

    def theirs(self, *args, **kwargs):
        return ours(self, *args, **kwargs)

    logging.Logger.makeRecord = theirs
    try:
        undo()
        again = Scrubber().install()
        logger.info("password=hunter2")
        again()
        logger.info("password=hunter3")
    finally:
        logging.Logger.makeRecord = ours
        Scrubber().install()()
    assert logging.Logger.makeRecord is before
    assert "hunter2" not in logger.stream.getvalue()
    assert "hunter3" in logger.stream.getvalue()
