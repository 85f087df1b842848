"""What proves that a value beside a telling name is a credential, and what does not."""

import pathlib
import random
import re
import string
import sysconfig

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_values import CHOSEN, MADE, NOTHING, NUMBERED, WORDS, strength

SCRUBBER = Scrubber()
TELLING = re.compile(r"passw|pwd|token|secret|api_?key|bearer|credential|cookie", re.IGNORECASE)
WORD = st.sampled_from(
    [
        "about",
        "account",
        "action",
        "answer",
        "balance",
        "before",
        "bridge",
        "button",
        "castle",
        "change",
        "client",
        "colour",
        "corner",
        "country",
        "damage",
        "desert",
        "editor",
        "enough",
        "errors",
        "family",
        "folder",
        "garden",
        "getter",
        "handle",
        "harbour",
        "identity",
        "index",
        "inside",
        "island",
        "kettle",
        "ladder",
        "letter",
        "library",
        "loader",
        "manager",
        "market",
        "method",
        "mirror",
        "module",
        "monitor",
        "mountain",
        "network",
        "number",
        "object",
        "option",
        "orange",
        "parser",
        "pepper",
        "planet",
        "player",
        "pocket",
        "policy",
        "profile",
        "reader",
        "record",
        "region",
        "result",
        "river",
        "saddle",
        "search",
        "sender",
        "server",
        "shadow",
        "silver",
        "simple",
        "source",
        "spring",
        "station",
        "stream",
        "summer",
        "system",
        "target",
        "thunder",
        "timber",
        "update",
        "value",
        "vector",
        "velvet",
        "version",
        "village",
        "walnut",
        "window",
        "winter",
        "worker",
        "writer",
        "yellow",
    ]
)
IDENTIFIER = st.lists(WORD, min_size=1, max_size=4).flatmap(
    lambda words: st.sampled_from(
        [
            "_".join(words),
            "-".join(words),
            ".".join(words),
            "".join(map(str.title, words)),
            words[0] + "".join(map(str.title, words[1:])),
            "_".join(words).upper(),
        ]
    )
)
OTHER = st.sampled_from(
    ["token", "secret", "api_key", "accessToken", "SECRET_KEY", "client_secret"]
)
NOTATIONS = [
    "{n} = {v}",
    "{n}={v}",
    "{n}: {v}",
    "{n}: {v},",
    '{n} = "{v}"',
    "{n} == '{v}'",
    "f({n}={v}, x=1)",
    "{n}({v})",
    "{n}.{v}()",
    "{n} -> {v}",
    "tool --{n} {v} --x",
    "--{n}={v}",
    "the {n} is {v}",
    "the {n} {v} was sent",
    'error: "{n}" ("{v}")',
    "('{n}', '{v}')",
    "{n}, {v}, x",
    "| {n} | {v} | x |",
    '"{n}": "{v}", then',
    "<{n}>{v}</{n}>",
]


UNASSIGNED = ["{n}({v})", "{n}.{v}()", "{n}, {v}, x", 'error: "{n}" ("{v}")']


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", NOTHING), ("<key>", NOTHING), ("${PASS:-x}", NOTHING), ("****", NOTHING),
        ("your-api-key", NOTHING), ("YOUR_KEY", NOTHING), ("https://x.example/a", NOTHING),
        ("/run/secrets/db", NOTHING), ("bob@example.org", NOTHING), ("3.36", NOTHING),
        ("^5.0.0 || ^6.0.2", NOTHING), ("2026-11-27", NOTHING), ("sha256", NOTHING),
        ("string", NOTHING), ("expired", NOTHING), ("#ffaa00", NOTHING), ("[Filtered]", NOTHING),
        ("sunshine", WORDS), ("getPassword", WORDS), ("access_token", WORDS), ("Mot de passe", WORDS),
        ("长度至少为", WORDS), ("eu-west-1", NUMBERED), ("gpt-4o-mini", NUMBERED), ("123456", NUMBERED),
        ("hunter2", CHOSEN), ("Tr0ub4dor&3", CHOSEN), ("abc123def", CHOSEN), ("qxzvkwpt", CHOSEN),
    ],
)  # fmt: skip
def test_the_shape_of_a_value_has_a_strength(value, expected):
    """From what can be no credential to what people choose."""
    assert expected == strength(value)


@pytest.mark.parametrize(
    ("letters", "length"),
    [
        ("0123456789abcdef", 32),
        (string.ascii_letters + string.digits, 24),
        (string.ascii_letters, 34),
    ],
)
def test_what_a_machine_made_is_strong(letters, length):
    """Of a thousand such values all but a handful."""
    rng = random.Random(7)
    found = [strength("".join(rng.choices(letters, k=length))) for _ in range(1_000)]
    assert found.count(MADE) >= 985


@given(OTHER, IDENTIFIER, st.sampled_from(NOTATIONS))
def test_words_beside_a_token_or_a_key_prove_nothing(name, value, notation):
    """Identifiers of code, words of a language: in no notation of a text."""
    text = notation.format(n=name, v=value)
    assert text == SCRUBBER.scrub_text(text)


@given(
    OTHER,
    st.integers(0, 10**6),
    st.sampled_from([notation for notation in NOTATIONS if notation not in UNASSIGNED]),
)
def test_a_long_random_value_beside_a_name_is_hidden(name, seed, notation):
    """In each of the notations that assign it, or set it beside the name."""
    rng = random.Random(seed)
    value = "".join(f"{rng.choice(string.ascii_letters)}{rng.randrange(10)}" for _ in range(12))
    assert value not in SCRUBBER.scrub_text(notation.format(n=name, v=value))


@given(st.text(string.ascii_letters + string.digits + "!#_-", min_size=4, max_size=20))
def test_a_setting_demands_no_more_than_prose(value):
    """What is a password where people talk is one in a file of settings, too."""
    talk = f"the password is {value}"
    if talk != SCRUBBER.scrub_text(talk):
        setting = f'{{"password": "{value.rstrip("!")}", "n": 1}}'
        assert setting != SCRUBBER.scrub_text(setting)


def test_a_label_is_no_password():
    """Nor is the name of another value."""
    for data in (
        {"password": "Passwort", "token": "ACCESS_TOKEN", "secret": "prod-db-credentials"},
        {"password": "Enter your password", "api_key": "OPENAI_API_KEY"},
        {"dependencies": {"Microsoft.Identity.UserSecrets": "10.0.8", "a/cookie": "^0.7.2"}},
        {"token": {"type": "identifier", "start": 3}, "pin": "GPIO17"},
    ):
        assert data == SCRUBBER.scrub_dict(data)
    assert SCRUBBER.scrub_dict({"password": "letmein"}) != {"password": "letmein"}


def test_what_only_speaks_of_a_secret_is_still_a_text():
    """A place under a telling key may hold a password of its own."""
    password = "hunter" + "2hunter2"
    for value in (f"https://bob:{password}@x.example/a", f"see /etc/x and use password={password}"):
        for name in ("token", "connection_string", "password"):
            assert password not in str(SCRUBBER.scrub_dict({name: value}))


@pytest.mark.slow
def test_the_standard_library_speaks_of_passwords_and_tokens_all_the_time():
    """Of its own lines with a telling word at most one in two hundred changes."""
    told = changed = 0
    for path in sorted(pathlib.Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if {"test", "tests", "idle_test", "site-packages"} & set(path.parts):
            continue
        for line in path.read_text("utf-8", "replace").splitlines():
            if TELLING.search(line):
                told += 1
                changed += SCRUBBER.scrub_text(line) != line
    assert told > 1_000
    assert changed <= 0.005 * told


@pytest.mark.parametrize(
    "text",
    [
        "'password' => 'Das eingegebene Passwort ist falsch.',",
        "'password' => 'Le mot de passe fourni est incorrect.',",
        '{"password": "Contraseña incorrecta, intente otra vez."}',
    ],
)
def test_a_sentence_of_any_language_is_no_password(text):
    """Texts for people stand under such names in every file of translations."""
    assert Scrubber().scrub_text(text) == text


def test_a_passphrase_is_no_sentence():
    """It ends without a full stop."""
    shown = Scrubber().scrub_dict({"password": "correct horse battery staple"})
    assert shown == {"password": "[REDACTED]"}


@pytest.mark.parametrize("key", ["workDoneToken", "authToken", "token"])
def test_a_short_number_is_no_token(key):
    """It counts something; as a password, or as a number to be typed in, it is one."""
    assert Scrubber().scrub_dict({key: "653"}) == {key: "653"}
    assert Scrubber().scrub_dict({key: "653812"}) == {key: "[REDACTED]"}
    assert Scrubber().scrub_dict({"password": "653"}) == {"password": "[REDACTED]"}
    assert Scrubber().scrub_dict({"pin": "6538"}) == {"pin": "[REDACTED]"}
