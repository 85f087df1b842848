"""Watching what an agent writes down."""

import contextlib
import gc
import http.client
import io
import json
import logging
import logging.handlers
import pprint
import queue
import sys
import threading
import warnings

import httpx
import opentelemetry.sdk.trace
import pytest

from chaoskit.canary import Canaries
from chaoskit.watch import Watch

LABEL = "tool-argument/ann"


class World:
    """A watch with what it tells, and loggers that nobody else has."""

    def __init__(self, **more):
        self.canaries = Canaries(7)
        self.secret = self.canaries.make(LABEL)
        self.events = []
        self.user = ("ann", 1)
        self.watch = Watch(
            self.canaries, self.events.append, lambda: self.user, lambda: 2.5, **more
        )

    def seen(self):
        return [(event.channel, event.encoding) for event in self.events]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def logger():
    """A logger of an agent with a handler of its own, cut off from the test runner's."""
    made = logging.getLogger("an.agent")
    made.propagate = False
    made.setLevel(logging.INFO)
    made.handlers = [logging.StreamHandler(io.StringIO())]
    yield made
    made.handlers, made.filters = [], []
    made.propagate = True
    made.setLevel(logging.NOTSET)


def test_a_leak_is_told_with_everything_about_it(world, logger):
    """Who, when, which secret, and where in the code."""
    with world.watch:
        logger.info("key is %s", world.secret)
    (event,) = world.events
    assert (event.user, event.turn, event.at) == ("ann", 1, 2.5)
    assert (event.canary, event.channel, event.encoding) == (LABEL, "log", "plain")
    assert event.where.startswith("an.agent (test_watch.py:")
    assert world.secret not in repr(world.events)


def test_the_record_still_reaches_its_handler_unchanged(world, logger):
    """Watching is not touching."""
    with world.watch:
        logger.info("key is %s", world.secret)
    assert f"key is {world.secret}\n" == logger.handlers[0].stream.getvalue()


def test_one_leak_is_told_once_per_place_and_turn(world, logger):
    """A loop that logs in one line is one finding a turn."""
    with world.watch:
        for world.user in (("ann", 1), ("ann", 1), ("ann", 2)):
            logger.info(world.secret)
    assert [event.turn for event in world.events] == [1, 2]


@pytest.mark.parametrize("hold", ["level", "handler level", "disabled", "filter", "no handler"])
def test_what_is_not_emitted_is_no_leak(world, logger, hold):
    """Levels and filters are the agent's own protection."""
    match hold:
        case "level":
            logger.setLevel(logging.WARNING)
        case "handler level":
            logger.handlers[0].setLevel(logging.WARNING)
        case "disabled":
            logger.addHandler(logging.NullHandler())
            logger.handlers.pop(0)
        case "filter":
            logger.handlers[0].addFilter(lambda record: False)
        case "no handler":
            logger.handlers.clear()
    with world.watch:
        logger.info(world.secret)
    assert world.events == []


@pytest.mark.parametrize("on", ["logger", "handler"])
def test_a_filter_that_scrubs_is_honoured(world, logger, on):
    """It changes the record before any handler writes it."""

    def scrub(record):
        record.msg, record.args = record.getMessage().replace(world.secret, "***"), ()
        record.payload = "***"
        return True

    (logger if on == "logger" else logger.handlers[0]).addFilter(scrub)
    with world.watch:
        logger.info("key is %s", world.secret, extra={"payload": world.secret})
    assert world.events == []
    assert logger.handlers[0].stream.getvalue() == "key is ***\n"


def test_a_formatter_that_scrubs_is_honoured(world, logger):
    """What the handler writes is what counts; a structured formatter would write the extras."""

    class Scrubbing(logging.Formatter):
        def format(self, record):
            return super().format(record).replace(world.secret, "***")

    logger.handlers[0].setFormatter(Scrubbing())
    with world.watch:
        logger.info("key is %s", world.secret, extra={"payload": world.secret})
    assert world.events == []


def test_extras_count_though_a_plain_formatter_does_not_show_them(world, logger):
    """The next structured handler would ship them."""
    with world.watch:
        logger.info("tool_call", extra={"arguments": {"key": world.secret}})
    assert world.seen() == [("log", "plain")]


def test_a_structured_formatter_is_read_as_it_writes(world, logger):
    """JSON inside of JSON included."""

    class Structured(logging.Formatter):
        def format(self, record):
            return json.dumps({"text": json.dumps(vars(record)["arguments"])})

    logger.handlers[0].setFormatter(Structured())
    with world.watch:
        logger.info("tool_call", extra={"arguments": {"key": world.secret}})
    assert "log" in {channel for channel, _ in world.seen()}


def test_tracebacks_in_logs_count(world, logger):
    """`logger.exception` writes the message of the exception."""
    with world.watch:
        try:
            raise ValueError(world.secret)
        except ValueError:
            logger.exception("failed")
    assert world.seen() == [("log", "plain")]


@pytest.mark.parametrize("part", ["message", "args", "extra", "exception"])
def test_a_handler_of_another_kind_gets_the_whole_record(world, logger, part):
    """It may ship any of it."""

    class Shipping(logging.Handler):
        def emit(self, record):
            pass

    logger.handlers = [Shipping()]
    with world.watch:
        match part:
            case "message":
                logger.info("key %s", world.secret)
            case "args":
                logger.info("key %(name)s", {"name": "x", "key": world.secret})
            case "extra":
                logger.info("key", extra={"key": world.secret})
            case "exception":
                logger.info("key", exc_info=ValueError(world.secret))
    assert world.seen() == [("log", "plain")]


def test_a_queue_is_judged_by_the_handler_behind_it(world, logger):
    """There it may still be scrubbed."""
    records = queue.SimpleQueue()
    logger.handlers = [logging.handlers.QueueHandler(records)]
    behind = logging.StreamHandler(io.StringIO())
    listener = logging.handlers.QueueListener(records, behind)
    with world.watch:
        logger.info(world.secret)
        assert world.events == []
        listener.handle(records.get_nowait())
    assert world.seen() == [("log", "plain")]


def test_a_broken_record_is_the_handlers_to_report(world, logger, capsys):
    """The watch neither raises nor hides it."""
    logger.handlers = [logging.StreamHandler()]
    with world.watch:
        logger.info("%d", "no number")
        logger.info("%s %s", world.secret)  # noqa: PLE1206 - the mistake is the point
    assert capsys.readouterr().err.count("--- Logging error ---") == 2


def test_a_logger_made_later_and_one_without_handlers_are_seen_too(world):
    """Without any handler a warning goes to the last resort, and information nowhere."""
    with world.watch:
        bare = logging.getLogger("made.later")
        bare.info(world.secret)
        assert world.events == []
        bare.warning(world.secret)
    assert {"log"} == {event.channel for event in world.events}


def test_a_secret_in_two_records_is_found(world, logger):
    """Streamed pieces, one record each."""
    with world.watch:
        logger.info(world.secret[:20])
        logger.info(world.secret[20:])
    assert world.seen() == [("log", "plain")]


PARTS = (slice(None, 9), slice(9, 25), slice(25, None))


def test_a_secret_in_three_records_is_found_by_each_of_two_handlers(world, logger):
    """What one handler writes twice is not what both write once."""
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    with world.watch:
        for part in PARTS:
            logger.info(world.secret[part])
    assert world.seen() == [("log", "plain")]


@pytest.mark.parametrize(
    "log",
    [
        lambda logger, piece: logger.info("delta: %s", piece),
        lambda logger, piece: logger.info("%s bytes, %s", len(piece), piece),
        lambda logger, piece: logger.info("delta: %(text)s", {"text": piece}),
        lambda logger, piece: logging.LoggerAdapter(logger, {"run": 1}).info("delta: %s", piece),
    ],
)
def test_a_secret_in_the_arguments_of_several_records_is_found(world, logger, log):
    """Each piece of a stream is logged with the same words around it."""
    with world.watch:
        for part in PARTS:
            log(logger, world.secret[part])
    assert world.seen() == [("log", "plain")]


def test_records_with_a_structured_formatter_are_joined_too(world, logger):
    """By their messages."""

    class Structured(logging.Formatter):
        def format(self, record):
            return json.dumps({"level": record.levelname, "text": record.getMessage()})

    logger.handlers[0].setFormatter(Structured())
    with world.watch:
        for part in PARTS:
            logger.info(world.secret[part])
    assert world.seen() == [("log", "plain")]


def test_what_a_formatter_leaves_out_is_not_joined(world, logger):
    """It has not been written."""

    class Silent(logging.Formatter):
        def format(self, record):
            return record.levelname

    logger.handlers[0].setFormatter(Silent())
    with world.watch:
        for part in PARTS:
            logger.info(world.secret[part])
    assert world.events == []


class Shipping(logging.Handler):
    """Ships records past the usual way."""

    def __init__(self):
        super().__init__()
        self.shipped = []

    def handle(self, record):
        self.shipped.append(record.getMessage())
        return True


def test_a_handler_that_handles_by_itself_is_seen(world, logger):
    """It asks nobody, so nobody else can tell."""
    logger.handlers = [Shipping()]
    with world.watch:
        logger.info(world.secret)
        logger.handlers[0].setLevel(logging.ERROR)
        logger.info("below the level: %s", world.secret)
    assert len(world.events) == 1


def test_a_handler_that_asks_before_it_handles_is_believed(world, logger):
    """What it does not let through is not written."""

    class Choosy(logging.StreamHandler):
        def handle(self, record):
            return record.levelno >= logging.ERROR and super().handle(record)

    logger.handlers = [Choosy(io.StringIO())]
    with world.watch:
        logger.info(world.secret)
        assert world.events == []
        logger.error(world.secret)
    assert world.seen() == [("log", "plain")]


@pytest.mark.parametrize("scrubs", [True, False])
def test_a_filter_method_of_its_own_is_seen_and_honoured(world, logger, scrubs):
    """Whatever it does to the record is what the handler writes."""

    class Filtering(logging.StreamHandler):
        def filter(self, record):
            if scrubs:
                record.msg = record.msg.replace(world.secret, "***")
            return True

    logger.handlers = [Filtering(io.StringIO())]
    with world.watch:
        logger.info(world.secret)
    assert world.seen() == ([] if scrubs else [("log", "plain")])


def test_a_listener_in_its_own_thread_is_seen(world, logger):
    """The queue's end, where the handlers are."""
    records = queue.SimpleQueue()
    logger.handlers = [logging.handlers.QueueHandler(records)]
    listener = logging.handlers.QueueListener(records, logging.StreamHandler(io.StringIO()))
    listener.start()
    with world.watch:
        logger.info(world.secret)
        listener.stop()
    assert world.seen() == [("log", "plain")]


def test_a_secret_printed_in_lines_is_found(world, capsys):
    """One piece a line, as `print(piece)` does."""
    with world.watch:
        for part in PARTS:
            print(world.secret[part])  # noqa: T201 - agents print
    assert world.seen() == [("stdout", "plain")]


def test_an_exception_that_ends_a_thread_is_seen(world, monkeypatch, capsys):
    """Nobody else gets it; that the hook prints it is the same leak."""
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def fail():
        raise ValueError(world.secret)

    with world.watch:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert world.seen() == [("exception", "plain")]
    assert world.events[0].where.startswith("test_watch.py:")
    assert world.secret in capsys.readouterr().err


def test_an_exception_of_a_finaliser_is_seen(world, monkeypatch, capsys):
    """Python prints it and goes on."""
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)

    class Closing:
        def __del__(self):
            raise ValueError(world.secret)

    with world.watch:
        Closing()
        gc.collect()
    assert world.seen() == [("exception", "plain")]


@pytest.mark.parametrize("channel", ["stdout", "stderr"])
def test_output_is_seen_and_still_comes_out(world, capsys, channel):
    """By print, in pieces, and as bytes."""
    with world.watch:
        stream = getattr(sys, channel)
        print("key", world.secret[:10], sep="=", end="", file=stream)
        print(world.secret[10:], file=stream)
        assert [(channel, "plain")] == world.seen()
        stream.writelines(["a", "b\n"])
        stream.flush()
    assert f"key={world.secret}\nab\n" == getattr(capsys.readouterr(), channel[3:])
    assert world.events[0].where.startswith("test_watch.py:")


def test_bytes_are_seen_too(world, monkeypatch):
    """Through the binary side of the stream."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
    with world.watch:
        sys.stdout.buffer.write(world.secret.encode())
        sys.stdout.buffer.flush()
    assert world.seen() == [("stdout", "plain")]
    assert world.secret.encode() == raw.getvalue()


def test_users_do_not_complete_each_others_secrets(world, capsys):
    """Two halves of two users are no whole."""
    with world.watch:
        sys.stdout.write(world.secret[:20])
        world.user = ("bob", 1)
        sys.stdout.write(world.secret[20:])
    assert world.events == []


def test_other_threads_are_seen(world, capsys):
    """Print from a thread."""
    with world.watch:
        thread = threading.Thread(target=print, args=(world.secret,))
        thread.start()
        thread.join()
    assert world.seen() == [("stdout", "plain")]


def test_a_log_on_stderr_is_told_as_a_log_only(world, logger, capsys):
    """One leak, one finding; also through a stream that the handler had saved before."""
    logger.handlers = [logging.StreamHandler()]
    with world.watch:
        logger.info(world.secret)
    assert world.seen() == [("log", "plain")]
    assert world.secret in capsys.readouterr().err


def test_warnings_are_seen_and_still_shown(world):
    """With the place that they are about."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with world.watch:
            warnings.warn(f"bad key {world.secret}", stacklevel=1)
    assert len(shown) == 1
    assert world.seen() == [("warning", "plain")]
    assert world.events[0].where.startswith("test_watch.py:")


def test_a_warning_that_the_agent_ignores_is_no_leak(world):
    """Filters are honoured here too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with world.watch:
            warnings.warn(world.secret, stacklevel=1)
    assert world.events == []


def test_exceptions_and_answers_are_looked_at_when_shown(world):
    """By whoever runs the agent."""
    for channel in ("exception", "answer", "answer"):
        world.watch.seen(channel, f"x{world.secret}")
    assert world.seen() == [("exception", "plain"), ("answer", "plain")]


def test_quiet_holds_everything_back_and_keeps_the_newest(capsys, logger):
    """Output, and logs through streams that were saved before; labels stand for secrets."""
    world = World(quiet=True, keep=200)
    logger.handlers = [logging.StreamHandler()]
    with world.watch:
        print("x" * 500)  # noqa: T201 - agents print
        logger.info("key %s", world.secret)
        print("end")  # noqa: T201 - agents print
    assert tuple(capsys.readouterr()) == ("", "")
    assert world.watch.captured.endswith(f"x\nkey <canary {LABEL}>\nend\n")
    assert len(world.watch.captured) <= 200
    assert world.seen() == [("log", "plain")]


def state():
    return (
        sys.stdout,
        sys.stderr,
        warnings.showwarning,
        logging.Handler.handle,
        logging.Logger.callHandlers,
        type(sys.stdout).write,
        threading.excepthook,
        sys.unraisablehook,
        httpx.HTTPTransport.handle_request,
        http.client.HTTPConnection.request,
        opentelemetry.sdk.trace.Span.end,
        "filter" in vars(logging.Handler),
    )


def test_everything_is_as_before_afterwards(world, logger, capsys):
    """Also when the agent raised, and for handlers that it made meanwhile."""
    before = state()
    with contextlib.suppress(ZeroDivisionError), world.watch:
        logger.addHandler(logging.StreamHandler())
        saved = sys.stdout
        raise ZeroDivisionError
    assert before == state()
    assert sys.stderr is logger.handlers[-1].stream
    saved.write(world.secret)
    logger.info(world.secret)
    assert world.secret == capsys.readouterr().out
    assert world.events == []


def test_a_stream_that_an_agent_saved_is_seen_in_the_next_run(world, capsys):
    """The agent is imported once, and runs many times."""
    with world.watch:
        saved = sys.stdout
    later = World()
    with later.watch:
        assert saved is sys.stdout
        saved.write(later.secret)
    assert world.events == []
    assert later.seen() == [("stdout", "plain")]


@pytest.mark.parametrize("channel", ["stdout", "stderr"])
@pytest.mark.parametrize("quiet", [True, False])
def test_a_stream_that_was_saved_before_any_run_is_seen(capsys, channel, quiet):
    """Libraries for logging save it when they are imported; the stand-in comes too late for them."""
    world = World(quiet=quiet)
    saved = getattr(sys, channel)
    with world.watch:
        for part in PARTS:
            saved.write(world.secret[part])
            saved.flush()
        print("by way of the stand-in", file=getattr(sys, channel))
    assert world.seen() == [(channel, "plain")]
    assert world.events[0].where.startswith("test_watch.py:")
    whole = f"{world.secret}by way of the stand-in\n"
    assert getattr(capsys.readouterr(), channel[3:]) == ("" if quiet else whole)
    assert world.watch.captured == (f"<canary {LABEL}>by way of the stand-in\n" if quiet else "")
    saved.write(world.secret)
    assert len(world.events) == 1


def test_the_line_that_is_told_is_the_agents_own(world, capsys):
    """Not that of the library by which it prints."""
    with world.watch:
        pprint.pprint({"key": world.secret})  # noqa: T203 - agents print
    assert world.events[0].where.startswith("test_watch.py:")


def test_without_canaries_nothing_is_looked_at(logger):
    """Neither is anything formatted twice."""
    formatted = []

    class Counting(logging.Formatter):
        def format(self, record):
            formatted.append(record)
            return super().format(record)

    logger.handlers[0].setFormatter(Counting())
    with Watch(Canaries(7), pytest.fail, lambda: ("", 0), lambda: 0.0):
        logger.info("hello")
    assert len(formatted) == 1
