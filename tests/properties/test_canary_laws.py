"""Laws of fake secrets: what is hidden in a text is found, and what is redacted is gone."""

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.canary import Canaries, labels_in

LABELS = st.text(st.characters(codec="ascii", exclude_characters="<>"), min_size=1, max_size=12)
AROUND = st.text(max_size=20)
ENCODERS = {
    "url": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "lower-case url": lambda text: re.sub("%..", lambda it: it[0].lower(), quote(text, safe="")),
    "json": json.dumps,
    "json in json": lambda text: json.dumps({"a": json.dumps({"b": text})}),
    "escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "upper-case hex": lambda text: text.encode().hex().upper(),
    "plain": str,
    "url in url": lambda text: quote(quote(text, safe=""), safe=""),
    "json of other languages": lambda text: re.sub(
        "[^A-Za-z0-9]", lambda it: f"\\u{ord(it[0]):04x}" if it[0].isascii() else it[0], text
    ),
    "json in json in json": lambda text: json.dumps(json.dumps(json.dumps(text))),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "lines of base64 in json": lambda text: json.dumps(base64.encodebytes(text.encode()).decode()),
    "base64 in url": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "json in base64": lambda text: base64.b64encode(json.dumps(text).encode()).decode(),
    "broken lines": lambda text: "\r\n".join(text[at : at + 7] for at in range(0, len(text), 7)),
}
ENCODER = st.sampled_from(sorted(ENCODERS)).map(ENCODERS.__getitem__)


@pytest.mark.slow
@given(seed=st.integers(0, 50), label=LABELS, before=AROUND, after=AROUND, encode=ENCODER)
def test_a_secret_is_found_in_every_encoding_wherever_it_stands(seed, label, before, after, encode):
    """Base64 shifts with what stands before it; the secret is found all the same."""
    canaries = Canaries(seed)
    text = encode(before + canaries.make(label) + after)
    assert label in [sighting.label for sighting in canaries.find(text)]


@pytest.mark.slow
@given(
    seed=st.integers(0, 50),
    labels=st.lists(LABELS, min_size=1, max_size=4, unique=True),
    pieces=st.lists(st.tuples(AROUND, st.integers(0, 3), ENCODER), max_size=5),
)
def test_redaction_leaves_no_secret(seed, labels, pieces):
    """However many there are, in whatever encodings; doing it twice changes nothing more."""
    canaries = Canaries(seed)
    secrets = [canaries.make(label) for label in labels]
    text = "".join(f"{around}{encode(secrets[n % len(secrets)])}" for around, n, encode in pieces)
    redacted = canaries.redact(text)
    assert canaries.find(redacted) == []
    assert redacted == canaries.redact(redacted)
    assert set(labels_in(redacted)) >= {labels[n % len(labels)] for _, n, _ in pieces}


@given(seed=st.integers(0, 50), text=st.text(max_size=200))
def test_no_secret_is_found_where_there_is_none(seed, text):
    """Random text does not contain forty random characters."""
    canaries = Canaries(seed)
    canaries.make("x")
    assert canaries.find(text) == []
    assert text == canaries.redact(text)
