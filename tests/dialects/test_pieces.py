"""Pieces of streamed text and the sizes of pictures."""

from base64 import b64encode

import pytest

from chaoskit.dialects._images import from_base64, from_url
from chaoskit.dialects._json import dumps
from chaoskit.dialects._pieces import deltas, fragments

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x03\x20\x00\x00\x02\x58"
GIF = b"GIF89a\x20\x03\x58\x02"
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08\x02\x58\x03\x20\x03\x01"


def test_text_falls_into_a_few_words_each():
    """Spaces go with the word that follows."""
    assert deltas("I looked at the logs of last night.") == [
        "I looked at the",
        " logs of last night.",
    ]
    assert deltas("") == []


def test_long_word_falls_into_pieces():
    """No delta carries a whole document because it has no spaces."""
    assert max(len(piece) for piece in deltas("x" * 1000)) <= 32


def test_arguments_fall_into_two_pieces_at_least():
    """A single character cannot."""
    assert fragments("{}") == ["{", "}"]
    assert fragments("x") == ["x"]
    assert fragments("") == []


@pytest.mark.parametrize("head", [PNG, GIF, JPEG], ids=["png", "gif", "jpeg"])
def test_size_of_a_picture_is_read(head):
    """Width comes first."""
    image = from_base64(b64encode(head).decode())
    assert (image.width, image.height) == (800, 600)
    assert image == from_url(f"data:image/x;base64,{b64encode(head).decode()}")


@pytest.mark.parametrize("data", ["", "!!!!", "!AAA", "AAAA", b64encode(JPEG[:9]).decode()])
def test_size_of_anything_else_is_zero(data):
    """Nothing is refused for it."""
    image = from_base64(data)
    assert (image.width, image.height) == (0, 0)


def test_json_is_compact_unicode_and_survives_lone_surrogates():
    """A lone surrogate has no UTF-8, so it stays an escape."""
    assert dumps({"a": "é"}) == '{"a":"é"}'
    assert dumps("\ud800") == '"\\ud800"'
