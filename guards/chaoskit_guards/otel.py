"""What the guards have to say, as OpenTelemetry events and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from chaoskit_guards.events import GuardEvent

__all__ = ["OpenTelemetryListener"]

_DIMENSIONS = ("provider", "model", "outcome", "status", "condition", "host")
"""Values with few variants; tools are not among them, because models invent their names."""
_SECONDS = ("wait", "elapsed")


class OpenTelemetryListener:
    """A listener that adds an event to the current span and counts.

    The event is named `guard.kind`, such as `retry.retrying`, with the values as attributes. The
    counter is `chaoskit_guards.events`, by guard, kind, provider, model and outcome; waits and
    elapsed times are histograms in seconds, `chaoskit_guards.wait` and `chaoskit_guards.elapsed`.

    Needs the package `opentelemetry-api`, which does nothing until its SDK is set up.
    """

    def __init__(self, *, meter: Any = None) -> None:
        """Record with a meter; by default that of the global provider.

        Raises:
            ImportError: OpenTelemetry's interface is not installed.
        """
        trace = import_module("opentelemetry.trace")
        if meter is None:
            meter = import_module("opentelemetry.metrics").get_meter("chaoskit_guards")
        self._current_span = trace.get_current_span
        self._events = meter.create_counter(
            "chaoskit_guards.events", description="What the guards did."
        )
        self._seconds = {
            name: meter.create_histogram(f"chaoskit_guards.{name}", unit="s") for name in _SECONDS
        }

    def __call__(self, event: GuardEvent) -> None:
        """Record one event."""
        span = self._current_span()
        if span.is_recording():
            span.add_event(f"{event.guard}.{event.kind}", _attributes(event.values))
        counted = {name: event.values.get(name) for name in _DIMENSIONS}
        by = {"guard": event.guard, "kind": event.kind, **_plain(counted)}
        self._events.add(1, by)
        for name, histogram in self._seconds.items():
            seconds = event.values.get(name)
            if isinstance(seconds, int | float) and not isinstance(seconds, bool):
                histogram.record(seconds, by)


def _attributes(values: Mapping[str, object]) -> dict[str, Any]:
    return {f"chaoskit_guards.{name}": value for name, value in _plain(values).items()}


def _plain(values: Mapping[str, object]) -> dict[str, Any]:
    """Return the values that are there in the types that attributes may have."""
    return {
        name: value if isinstance(value, str | bool | int | float) else str(value)
        for name, value in values.items()
        if value is not None
    }
