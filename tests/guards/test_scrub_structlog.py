"""A processor for structlog's chain."""

import collections

from chaoskit_guards import Scrubber, ScrubbingProcessor

SECRET = "sk-ant-" + "api03-" + "Zq8" * 31


def test_values_and_text_are_scrubbed_and_the_rest_stays():
    """Order and structlog's own keys included."""
    record = object()
    event = {
        "event": f"called with {SECRET}",
        "password": "correct horse",
        "max_tokens": 512,
        "args": {"api_key": SECRET, "limit": 3},
        "_record": record,
    }
    cleaned = ScrubbingProcessor()(None, "info", event)

    assert list(cleaned) == list(event)
    assert cleaned["event"] == "called with [REDACTED]"
    assert cleaned["password"] == "[REDACTED]"
    assert cleaned["max_tokens"] == 512
    assert cleaned["args"] == {"api_key": "[REDACTED]", "limit": 3}
    assert cleaned["_record"] is record
    assert event["password"] == "correct horse"


def test_an_exception_that_shows_a_secret_becomes_text():
    """However it is handed over; one that shows none stays as it is."""
    processor = ScrubbingProcessor(Scrubber())
    try:
        raise RuntimeError(f"refused {SECRET}")
    except RuntimeError as error:
        for info in (True, error, (type(error), error, error.__traceback__)):
            cleaned = processor(None, "error", {"event": "failed", "exc_info": info})
            assert "exc_info" not in cleaned
            assert "RuntimeError: refused [REDACTED]" in cleaned["exception"]

    harmless = ValueError("no")
    assert processor(None, "error", {"exc_info": harmless}) == {"exc_info": harmless}
    assert processor(None, "error", {"exc_info": True}) == {"exc_info": True}


def test_an_entry_that_names_a_secret_is_understood_with_its_value():
    """The event is looked at as a whole."""
    event = {"event": "set", "_x": 1, "name": "API_KEY", "value": "hunter2", "n": 1}
    cleaned = ScrubbingProcessor()(None, "info", event)
    assert cleaned == {**event, "value": "[REDACTED]"}
    assert list(cleaned) == list(event)


def test_an_event_that_cannot_be_scrubbed_says_nothing():
    """The secret does not get out, and logging does not raise into the program."""

    class Unruly(collections.abc.Mapping):
        def __getitem__(self, key):
            raise RuntimeError("password=hunter2")

        __iter__ = __len__ = __getitem__

    cleaned = ScrubbingProcessor()(None, "info", {"event": "password=hunter2", "data": Unruly()})
    assert cleaned == {"event": "[log event could not be scrubbed: TypeError]"}
