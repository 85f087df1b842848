"""JSON is read by a fast parser where that gives what the slow one gives."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.dialects._json import read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)  # fmt: skip
TEXTS = st.text(alphabet='{}[]",:\\u0123456789dc8eE.+- \n', max_size=24)
LATER = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])


@given(VALUES, st.booleans(), LATER)
def test_what_json_says(value, ascii_only, encoding):
    """Huge integers, halves of surrogate pairs and other encodings included."""
    data = json.dumps(value, ensure_ascii=ascii_only).encode(encoding, "surrogatepass")
    assert read(data) == json.loads(data) == value


@given(st.binary(max_size=24) | TEXTS.map(str.encode))
def test_no_json_is_none(data):
    """Whatever the bytes."""
    try:
        value = json.loads(data)
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            read(data)
    else:
        assert read(data) == value


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"temperature": -Infinity}'])
def test_what_only_python_calls_json_is_none(text):
    """As RFC 8259 has it."""
    with pytest.raises(ValueError, match="is no JSON"):
        read(text.encode())


def test_what_is_too_deep_is_none():
    """And no error of another kind."""
    with pytest.raises(ValueError, match="recursion"):
        read(b"[" * 100_000)
