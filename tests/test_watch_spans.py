"""Watching spans of OpenTelemetry, without a word of configuration."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chaoskit.canary import Canaries
from chaoskit.watch import Watch


@pytest.fixture
def canaries():
    return Canaries(7)


@pytest.fixture
def secret(canaries):
    return canaries.make("tool-argument/ann")


@pytest.fixture
def events():
    return []


@pytest.fixture
def watch(canaries, events):
    return Watch(canaries, events.append, lambda: ("ann", 1), lambda: 2.5)


def seen(events):
    return [(event.channel, event.where) for event in events]


LINK = trace.SpanContext(1, 2, is_remote=False)
PLACES = {
    "attribute": lambda span, secret: span.set_attribute("tool.arguments", f"key={secret}"),
    "list": lambda span, secret: span.set_attribute("tool.arguments", ["key", secret]),
    "event": lambda span, secret: span.add_event("called", {"key": secret}),
    "event name": lambda span, secret: span.add_event(f"called {secret}"),
    "status": lambda span, secret: span.set_status(trace.StatusCode.ERROR, f"bad {secret}"),
    "exception": lambda span, secret: span.record_exception(ValueError(secret)),
    "link": lambda span, secret: span.add_link(LINK, {"key": secret}),
    "name": lambda span, secret: span.update_name(f"call {secret}"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_a_span_is_found_wherever_it_stands(watch, events, secret, place):
    """The span is exported as it would be without a watch."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with watch, provider.get_tracer("agent").start_as_current_span("call tool") as span:
        PLACES[place](span, secret)
    assert [event.channel for event in events] == ["span"]
    assert events[0].encoding == "plain"
    assert len(exporter.get_finished_spans()) == 1


def test_an_exception_that_leaves_a_span_is_found_in_it(watch, events, secret):
    """The SDK records it by itself, as an event and as the status: one leak."""
    tracer = TracerProvider().get_tracer("agent")
    with watch, pytest.raises(ValueError, match="key"), tracer.start_as_current_span("call"):
        raise ValueError(f"key {secret}")
    assert seen(events) == [("span", "call")]


def test_a_provider_made_during_the_run_and_its_resource_are_seen(watch, events, secret):
    """Whenever and however it is set up."""
    with watch:
        provider = TracerProvider(resource=Resource({"deployment.key": secret}))
        provider.get_tracer("agent").start_span("call").end()
    assert seen(events) == [("span", "call")]


def test_what_is_not_sampled_is_no_leak(watch, events, secret):
    """It is never exported."""
    provider = TracerProvider(sampler=sampling.ALWAYS_OFF)
    with watch, provider.get_tracer("agent").start_as_current_span("call") as span:
        span.set_attribute("key", secret)
    assert events == []


def test_a_processor_that_scrubs_is_honoured(watch, events, secret):
    """What exporters behind it get is what counts."""

    class Scrubbing(SpanProcessor):
        def on_end(self, span):
            span._attributes._dict["key"] = "***"

    provider = TracerProvider()
    provider.add_span_processor(Scrubbing())
    with watch, provider.get_tracer("agent").start_as_current_span("call") as span:
        span.set_attribute("key", secret)
    assert events == []


def test_a_span_that_ends_twice_or_after_the_run_is_told_once(watch, events, secret):
    """The second end is the SDK's to complain about."""
    tracer = TracerProvider().get_tracer("agent")
    with watch:
        late = tracer.start_span("late")
        late.set_attribute("key", secret)
        span = tracer.start_span("call")
        span.set_attribute("key", secret)
        span.end()
        span.end()
    late.end()
    assert seen(events) == [("span", "call")]
