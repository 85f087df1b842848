"""Laws of watching: each encoding is found in each channel, and nothing is found where none is."""

import base64
import io
import itertools
import json
import logging
import os
import sys
import warnings
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from chaoskit import failure
from chaoskit.canary import Canaries
from chaoskit.watch import Watch

LABEL = "tool-argument/ann"
AROUND = st.text(max_size=20)
ENCODERS = {
    "plain": str,
    "url": lambda text: quote(text, safe=""),
    "url in url": lambda text: quote(quote(text, safe=""), safe=""),
    "json": json.dumps,
    "json in json": lambda text: json.dumps({"a": json.dumps({"b": text})}),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in url": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "hex": lambda text: text.encode().hex(),
}
ENCODINGS = sorted(ENCODERS)


def logs(text, watch):
    logging.getLogger("laws").info("said %s", text)


def prints(text, watch):
    sys.stdout.write(text)


def complains(text, watch):
    sys.stderr.write(text)


def puts_out(text, watch):
    os.write(1, text.encode("utf-8", "replace"))


def warns(text, watch):
    warnings.warn(text, stacklevel=1)


def raises(text, watch):
    try:
        raise LookupError("key") from ValueError(text)
    except LookupError as error:
        watch.seen("exception", failure.chain_of(error))


def ends_a_span(text, watch):
    with TracerProvider().get_tracer("laws").start_as_current_span("call") as span:
        span.set_attribute("text", text)


def posts(text, watch):
    httpx.post("https://hooks.test", content=text.encode("utf-8", "replace"))


def answers(text, watch):
    watch.seen("answer", text)


CHANNELS = {
    logs: "log", prints: "stdout", complains: "stderr", puts_out: "stdout", warns: "warning",
    raises: "exception", ends_a_span: "span", posts: "request", answers: "answer",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _agent():
    """A logger with a handler, a network that answers, warnings that are shown each time."""
    logger = logging.getLogger("laws")
    logger.setLevel(logging.INFO)
    logger.handlers = [logging.StreamHandler(io.StringIO())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            httpx.HTTPTransport, "handle_request", lambda transport, request: httpx.Response(200)
        )
        yield
    logger.handlers = []
    logger.setLevel(logging.NOTSET)


def found(*writes):
    """What a quiet watch tells while an agent writes: canary and channel."""
    canaries, events = Canaries(7), []
    secret = canaries.make(LABEL)
    watch = Watch(canaries, events.append, lambda: ("ann", 1), lambda: 0.0, quiet=True)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        with watch:
            for write, make in writes:
                write(make(secret), watch)
    return {(event.canary, event.channel) for event in events}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda it: it.__name__)
def test_each_encoding_is_found_in_each_channel(channel, encoding):
    """As it stands in the middle of something else."""
    told = found((channel, lambda secret: ENCODERS[encoding](f"user:{secret}@host")))
    assert told == {(LABEL, CHANNELS[channel])}


@pytest.mark.slow
@given(
    channel=st.sampled_from([logs, prints, complains, puts_out]),
    encoding=st.sampled_from(ENCODINGS),
    cuts=st.lists(st.integers(1, 60), max_size=4),
    end=st.sampled_from(["", "\n"]),
)
def test_a_secret_in_pieces_is_found(channel, encoding, cuts, end):
    """One after the other, with or without a line break after each."""

    def piece(start, stop):
        return lambda secret: ENCODERS[encoding](secret)[start:stop] + end

    edges = [0, *sorted(set(cuts)), None]
    writes = [(channel, piece(*edge)) for edge in itertools.pairwise(edges)]
    assert found(*writes) == {(LABEL, CHANNELS[channel])}


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(list(CHANNELS)), AROUND), max_size=6))
def test_nothing_is_found_in_what_holds_no_secret(writes):
    """Whatever is written, wherever."""
    assert found(*((channel, lambda _, text=text: text) for channel, text in writes)) == set()


@pytest.mark.slow
@given(channel=st.sampled_from(list(CHANNELS)), start=st.integers(0, 12))
def test_a_part_of_a_secret_is_no_leak(channel, start):
    """Its first or last characters, as careful programs show them."""
    assert found((channel, lambda secret: f"key …{secret[-6:]}, {secret[:start]}…")) == set()
