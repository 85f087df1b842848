"""Watching OpenTelemetry spans: every recorded one, whichever provider it belongs to.

A span is looked at when it has ended and its processors have seen it: what a processor takes out
is no leak. What an exporter would take out is not known here. Nothing is needed of the agent, and
nothing is changed for it: its providers, processors and exporters work as before.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chaoskit.watch_place import Looking, changed

__all__ = ["watched_spans"]


@contextmanager
def watched_spans(watch: Looking) -> Iterator[None]:
    """Show each span that ends to the watch, where the SDK of OpenTelemetry is installed."""
    kind = _span_class()
    if kind is None:
        yield
        return
    end = kind.end

    def watched_end(span: Any, *args: Any, **kwargs: Any) -> Any:
        running = span.is_recording()
        ended = end(span, *args, **kwargs)
        if running and watch.active and span.get_span_context().trace_flags.sampled:
            for text in _texts(span):
                watch.seen("span", text, str(span.name))
        return ended

    with changed(kind, "end", watched_end):
        yield


def _span_class() -> Any:
    try:
        if importlib.util.find_spec("opentelemetry.sdk.trace") is None:
            return None
    except ModuleNotFoundError:
        return None
    return importlib.import_module("opentelemetry.sdk.trace").Span


def _texts(span: Any) -> Iterator[str]:
    """Yield all that a span says: its name, attributes, status, events, links and resource."""
    yield str(span.name)
    yield from _values(span.attributes)
    yield str(span.status.description or "")
    for event in span.events:
        yield str(event.name)
        yield from _values(event.attributes)
    for link in span.links:
        yield from _values(link.attributes)
    yield from _values(span.resource.attributes)


def _values(attributes: Mapping[str, Any] | None) -> Iterator[str]:
    for name, value in (attributes or {}).items():
        yield f"{name}={value}" if isinstance(value, str) else f"{name}={value!r}"
