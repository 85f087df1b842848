"""A processor for structlog's chain."""

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
