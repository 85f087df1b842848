"""Scrubbing of text that arrives in pieces."""

import random
import string

import pytest

from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_stream import ScrubbingStream

KEY = "sk" + "-ant-" + "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=80))
TEXT = (
    "a long answer about deploys and migrations, then more of it. " * 20
    + f"use {KEY} for that, and password=hunter2 for this. "
    + "and it goes on like this for quite a while. " * 20
)


@pytest.mark.parametrize("size", [1, 3, 7, 64, 500, 10_000])
def test_pieces_of_any_size_give_the_same_text(size):
    """A secret that is cut in two is still one secret."""
    stream = ScrubbingStream(Scrubber())
    out = [stream.feed(TEXT[at : at + size]) for at in range(0, len(TEXT), size)]
    assert Scrubber().scrub_text(TEXT) == "".join(out) + stream.flush()


def test_text_flows_while_the_stream_is_open():
    """Only the newest part is held back."""
    stream = ScrubbingStream(Scrubber(), hold=100)
    out = stream.feed("word " * 200)
    assert 700 <= len(out) < 1_000


def test_a_private_key_is_held_until_it_ends():
    """Line by line it still is one key."""
    lines = [
        "-----BEGIN RSA PRIVATE" + " KEY-----",
        *(["abcd" * 16] * 30),
        "-----END RSA PRIVATE" + " KEY-----",
    ]
    stream = ScrubbingStream(Scrubber(), hold=100)
    out = "".join([stream.feed(f"{line}\n") for line in lines]) + stream.flush()
    assert out == "[REDACTED]\n"


def test_a_run_without_an_end_does_not_grow_for_ever():
    """Beyond the bound it is handed on."""
    stream = ScrubbingStream(Scrubber(), hold=10, most=1_000)
    assert sum(len(stream.feed("ab" * 50)) for _ in range(40)) > 2_000


@pytest.mark.parametrize("size", range(1, 60, 7))
def test_the_words_before_a_cut_count_for_what_follows(size):
    """`max token` is no secret, even if a piece begins with `token`."""
    text = "max token: Abcd1234efgh5678 and " * 60
    stream = ScrubbingStream(Scrubber())
    out = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert text == "".join(out) + stream.flush()


def test_a_secret_without_an_end_does_not_grow_for_ever():
    """Beyond the bound it is taken out piece by piece."""
    stream = ScrubbingStream(Scrubber(), hold=16, most=2_000)
    out = "token=" + "".join(stream.feed("Ab1" * 50) for _ in range(40))
    assert stream.feed("token=") == ""
    pieces = [stream.feed("Zx9" * 50) for _ in range(40)]
    assert "Zx9Zx9" not in "".join(pieces) + stream.flush()
    assert len(out) > 2_000
