"""Laws of scrubbing."""

import json
import random
import re
import string

from hypothesis import assume, given
from hypothesis import strategies as st

from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_issuers import FORMATS
from chaoskit_guards.scrub_stream import ScrubbingStream
from chaoskit_guards.scrub_values import is_dummy

SCRUBBER = Scrubber()
TELLING = st.sampled_from(
    ["password", "api_key", "token", "Authorization: ", "secret=", "bearer ", "://u:", "@h", "=", ": ",
     '"', "'", "\\", "%3D", "&", " is ", "--", "[REDACTED]", "[REDACTED", "]", "{", "}", ",", "\n", "key",
     "max ", "token: ", "Abcd1234efgh", "==", " = ", "(", ")", "cookie: a=", "eyJ", "sk-", "hunter2", "Zx9-kq7", "<", ">"]
)  # fmt: skip
TEXT = st.lists(TELLING | st.text(max_size=6), max_size=20).map("".join)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["password", "apiKey", "note", "max_tokens"]) | TEXT, inner
        )
    ),
    max_leaves=12,
)


@st.composite
def secrets(draw):
    """A key of a known format, made here."""
    rng = random.Random(draw(st.integers(0, 10**6)))
    letters = "".join(rng.choices(string.ascii_letters + string.digits, k=40))
    return draw(st.sampled_from(["sk" + "-ant-", "gh" + "p_", "hf" + "_", "gsk" + "_"])) + letters


@given(TEXT)
def test_scrubbing_text_twice_is_scrubbing_it_once(text):
    """Markers are not secrets."""
    once = SCRUBBER.scrub_text(text)
    assert once == SCRUBBER.scrub_text(once)


@given(DATA)
def test_scrubbing_data_twice_is_scrubbing_it_once(data):
    """In any shape."""
    once = SCRUBBER.scrub(data)
    assert once == SCRUBBER.scrub(once)


@given(st.lists(TEXT, max_size=8))
def test_many_texts_are_scrubbed_like_each_alone(texts):
    """The common look at all of them passes over none."""
    alone = [SCRUBBER.scrub_text(text) for text in texts]
    rows = {f"row {number}": text for number, text in enumerate(texts)}
    assert alone == list(SCRUBBER.scrub({**rows, "a": "-", "b": "c"}).values())[: len(texts)]
    assert alone == [row[0] for row in SCRUBBER.scrub([(text,) for text in texts])]


@given(TEXT)
def test_the_first_look_hides_nothing(text):
    """Where a secret is found, the text is changed; `{` and `[` are looked at as JSON."""
    text = f": {text}"
    assert bool(SCRUBBER.spans(text)) == (SCRUBBER.scrub_text(text) != text)


@given(DATA)
def test_the_original_is_not_touched(data):
    """The tool still gets the real value."""
    before = json.dumps(data)
    SCRUBBER.scrub(data)
    assert before == json.dumps(data)


WORDS = st.text("abc xyz,.\n{}()", max_size=30)


@given(WORDS, secrets(), WORDS)
def test_no_planted_key_survives(before, key, after):
    """Whatever stands around it, if it is a word of its own."""
    assert key[8:20] not in SCRUBBER.scrub_text(f"{before} {key} {after}")


WHOLE = [re.compile(re.escape(head) + body, re.ASCII) for _, head, body in FORMATS]
KEYS = st.sampled_from([full for full in WHOLE if "(?=" not in full.pattern]).flatmap(
    lambda full: st.from_regex(full, fullmatch=True)
)


@given(KEYS)
def test_every_published_format_is_found_by_itself(key):
    """No name is needed; what only shows the format, or is a digest, is none."""
    assume(len(key) >= 24 and not is_dummy(key))
    run = max(re.findall(r"[A-Za-z0-9_-]+", key), key=len)
    assume(len(run) >= 16 and re.search(r"[g-zG-Z]", run[8:]) and re.search(r"\d", run))
    assert key not in SCRUBBER.scrub_text(f"a {key}, b")


@given(
    st.lists(st.sampled_from(["password", "db_password", "apiKey", "auth-token"]), min_size=1),
    secrets(),
)
def test_no_value_under_a_telling_key_survives(path, key):
    """However deep it is."""
    data = key
    for name in path:
        data = {name: [data]}
    assert key not in repr(SCRUBBER.scrub(data))


@given(TEXT, secrets(), TEXT, st.lists(st.integers(1, 40), max_size=40))
def test_a_stream_leaks_no_key_wherever_it_is_cut(before, key, after, sizes):
    """Pieces of any size."""
    text, stream, out = f"{before} {key} {after}" + " and so on" * 60, ScrubbingStream(SCRUBBER), ""
    for size in sizes:
        out += stream.feed(text[:size])
        text = text[size:]
    out += stream.feed(text) + stream.flush()
    assert key[8:20] not in out


FILLER = st.sampled_from(["and so on and on ", "went\nwell, ", "a b c d e f g ", "(see below) "])
LONG = st.lists(
    TEXT | st.tuples(FILLER, st.integers(1, 40)).map(lambda p: p[0] * p[1]), max_size=12
)


@given(LONG.map("".join), st.lists(st.integers(1, 200), max_size=60))
def test_a_stream_says_what_the_whole_text_says(text, sizes):
    """Wherever it is cut; the words before a piece count for what follows."""
    text, stream, out, at = f"Well: {text}", ScrubbingStream(SCRUBBER), "", 0
    for size in sizes:
        out += stream.feed(text[at : at + size])
        at += size
    assert out + stream.feed(text[at:]) + stream.flush() == SCRUBBER.scrub_text(text)


@given(st.text(max_size=200), st.text("abcdefghij -é✓", min_size=6, max_size=20).filter(str.strip))
def test_registered_secrets_never_survive(text, secret):
    """They need no format and no name."""
    scrubber = Scrubber(secrets=[secret], redact_with="#")
    assert secret not in scrubber.scrub_text(f"{text}{secret}{text}")
