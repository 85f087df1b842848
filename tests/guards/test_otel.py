"""Events of the guards as span events and metrics."""

import pytest

from chaoskit_guards import CircuitBreaker, CircuitOpenError, GuardEvent, OpenTelemetryListener

trace = pytest.importorskip("opentelemetry.trace")


class Meter:
    """Remembers what is recorded with its instruments."""

    def __init__(self):
        self.recorded = []

    def create_counter(self, name, **keywords):
        return self._instrument(name)

    def create_histogram(self, name, **keywords):
        return self._instrument(name)

    def _instrument(self, name):
        def record(amount, attributes):
            self.recorded.append((name, amount, attributes))

        return type("Instrument", (), {"add": staticmethod(record), "record": staticmethod(record)})


class Span(trace.NonRecordingSpan):
    """A span that records its events."""

    def __init__(self):
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.events = []

    def is_recording(self):
        return True

    def add_event(self, name, attributes=None, timestamp=None):
        self.events.append((name, attributes))


def test_an_event_is_added_to_the_current_span_and_counted():
    """By its name, with its values; tools are no dimension."""
    meter, span = Meter(), Span()
    listener = OpenTelemetryListener(meter=meter)
    values = {"provider": "a", "tool": "search", "status": None, "wait": 1.5, "places": ("x", "y")}
    with trace.use_span(span):
        listener(GuardEvent(kind="waiting", guard="router", values=values))

    by = {"guard": "router", "kind": "waiting", "provider": "a"}
    assert meter.recorded == [
        ("chaoskit_guards.events", 1, by),
        ("chaoskit_guards.wait", 1.5, by),
    ]
    attributes = {"provider": "a", "tool": "search", "wait": 1.5, "places": "('x', 'y')"}
    expected = {f"chaoskit_guards.{name}": value for name, value in attributes.items()}
    assert span.events == [("router.waiting", expected)]


def test_a_guard_speaks_through_it():
    """And needs no span for that."""
    meter = Meter()
    breaker = CircuitBreaker(1, name="a", listener=OpenTelemetryListener(meter=meter))
    with pytest.raises(TimeoutError), breaker:
        raise TimeoutError
    with pytest.raises(CircuitOpenError), breaker:
        pass

    assert [by["kind"] for _, _, by in meter.recorded] == ["opened", "refused"]


def test_the_global_meter_is_the_default():
    """Without an SDK it does nothing."""
    OpenTelemetryListener()(GuardEvent(kind="opened", guard="a"))
