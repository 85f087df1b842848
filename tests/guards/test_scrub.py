"""The scrubber: what goes, what stays, in any shape. All secrets are made up while the tests run."""

import base64
import collections
import dataclasses
import html
import json
import os
import pathlib
import random
import string
import typing
import urllib.parse

import pytest

from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_keys import KeyJudge

MARK = "[REDACTED]"
PLAYBOOK = ["api_key", "token", "secret", "password", "bearer"]
HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
WEB = ALNUM + "-_"


def made(alphabet, length, seed=1):
    return "".join(random.Random(seed).choices(alphabet, k=length))


def test_the_playbook_scrubber_hides_values_of_telling_keys():
    """Real arguments stay untouched, the copy is safe."""
    args = {"api_key": "abc", "query": "x", "db_password": 123, "nested": [{"apiKey": "y"}]}
    safe = Scrubber(patterns=PLAYBOOK, redact_with=MARK).scrub_dict(args)
    expected = {"api_key": MARK, "query": "x", "db_password": MARK, "nested": [{"apiKey": MARK}]}
    assert expected == safe
    assert (args["api_key"], args["db_password"]) == ("abc", 123)


@pytest.mark.parametrize(
    "name",
    [
        "token", "authToken", "X-Auth-Token", "refresh_token", "apiKey", "API_KEY", "x-api-key",
        "OPENAI_API_KEY", "db_password", "userPassword", "smtppassword", "client_secret", "secret",
        "secretAccessKey", "AccountKey", "Authorization", "private_key", "passphrase", "session_id",
        "password2", "api_key_prod", "credentials", "Set-Cookie", "bearer", "DB_PASS", "id_token",
    ],
)  # fmt: skip
def test_names_of_secrets_are_known_in_any_case(name):
    """Camel, snake, kebab, shouted and glued."""
    assert KeyJudge()(name)


@pytest.mark.parametrize(
    "name",
    [
        "max_tokens", "input_tokens", "maxToken", "tokenizer", "token_count", "tokens", "author",
        "authority", "secretary", "monkey", "keyboard", "key", "primary_key", "sort_key",
        "cache_key", "password_policy", "password_changed_at", "token_type", "auth_type",
        "next_page_token", "pad_token", "keywords", "compass", "passenger", "bypass", "session",
        "tokens_per_minute", "cache_read_input_tokens", "spin", "basic", "description",
    ],
)  # fmt: skip
def test_names_that_only_sound_like_it_are_left_alone(name):
    """Whole words decide, not substrings."""
    assert not KeyJudge(PLAYBOOK)(name)


def test_names_can_be_added_and_allowed():
    """Words of the caller, and exceptions of the caller."""
    scrubber = Scrubber(["license_plate"], allow=["session_token"])
    data = {"licensePlate": "B-AB 123", "session_token": "abcabc1", "license": "MIT"}
    assert {**data, "licensePlate": MARK} == scrubber.scrub_dict(data)


def test_everything_under_a_telling_key_goes():
    """Whole subtrees, numbers and lists; only nothing stays nothing."""
    data = {"secret": {"a": ["x", {"b": 7}]}, "password": None, "token": True, "pin": 1234}
    expected = {"secret": {"a": [MARK, {"b": MARK}]}, "password": None, "token": True, "pin": MARK}
    assert expected == Scrubber().scrub_dict(data)


def test_a_schema_with_a_password_property_is_no_secret():
    """Tool definitions pass through."""
    schema = {
        "type": "object",
        "properties": {"password": {"type": "string", "description": "The password"}},
        "required": ["password", "user"],
    }
    assert schema == Scrubber().scrub(schema)


def test_pairs_of_name_and_value_are_understood():
    """Environment entries and headers."""
    data = {
        "env": [{"name": "API_KEY", "value": "abc"}, {"name": "PORT", "value": "80"}],
        "headers": [("Authorization", "abc"), ("Accept", "*/*")],
    }
    safe = Scrubber().scrub(data)
    assert [entry["value"] for entry in safe["env"]] == [MARK, "80"]
    assert safe["headers"] == [("Authorization", MARK), ("Accept", "*/*")]


def test_log_probabilities_are_no_tokens():
    """The vendors' `token` beside a `logprob` is a piece of text."""
    data = {"logprobs": [{"token": " hello", "logprob": -0.1}]}
    assert data == Scrubber().scrub(data)


@dataclasses.dataclass
class Login:
    user: str
    password: str


class Point(typing.NamedTuple):
    x: int
    token: str


def test_any_shape_is_scrubbed_and_keeps_its_type():
    """Tuples, sets, bytes, data classes, named tuples, deques, paths, exceptions."""
    key = "gh" + "p_" + made(ALNUM, 36)
    scrubber = Scrubber()
    cleaned = scrubber.scrub(
        [
            (key, 1),
            {key},
            f"x {key}".encode(),
            Login("bob", "hunter2"),
            Point(1, "abc"),
            collections.deque([key]),
            pathlib.PurePosixPath(f"/tmp/{key}/x"),
            ValueError(f"bad {key}"),
        ]
    )
    assert key not in repr(cleaned)
    kinds = [tuple, set, bytes, Login, Point, collections.deque, pathlib.PurePosixPath, str]
    assert kinds == [type(item) for item in cleaned]
    assert Login("bob", MARK) == cleaned[3]


def test_a_structure_may_contain_itself():
    """The copy does so too."""
    loop = {"password": "x", "list": []}
    loop["self"] = loop
    loop["list"].append(("pair", loop["list"], loop))
    safe = Scrubber().scrub(loop)
    assert safe is safe["self"] is safe["list"][0][2]
    assert safe["list"][0][1] is safe["list"]
    assert safe["password"] == MARK


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [lambda x: {"a": x}, lambda x: [x], lambda x: {"secret": [x]}])
def test_no_structure_is_too_deep(wrap):
    """Deeper than any stack, and scrubbed at the bottom."""
    data = {"password": "hunter2"}
    for _ in range(100_000):
        data = wrap(data)
    bottom = Scrubber().scrub(data)
    while not isinstance(bottom, str):
        bottom = next(iter(bottom.values() if isinstance(bottom, dict) else bottom))
    assert bottom == MARK


def test_what_cannot_be_filled_later_is_cut_off_when_it_is_too_deep():
    """A hundred thousand tuples in one another; nobody can print them either."""
    data = "hunter2"
    for _ in range(100_000):
        data = (data,)
    assert "hunter2" not in repr(Scrubber().scrub(data))


def test_one_object_in_two_places_is_judged_in_each():
    """What was copied as harmless is not reused under a telling key."""
    shared = {"v": "hunter2"}
    safe = Scrubber().scrub({"note": shared, "password": shared})
    assert safe == {"note": {"v": "hunter2"}, "password": {"v": MARK}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("password=hunter2", "password=@"),
        ("DB_PASSWORD=hunter2\nDEBUG=1", "DB_PASSWORD=@\nDEBUG=1"),
        ("password: sunshine\nport: 5", "password: @\nport: 5"),
        ("{'password': 'hunter2', 'n': 1}", "{'password': '@', 'n': 1}"),
        ("the password is hunter2, ok?", "the password is @, ok?"),
        ("logged in with password hunter2 today", "logged in with password @ today"),
        ("tool --api-key abc123def --verbose", "tool --api-key @ --verbose"),
        ("curl -u bob:hunter2 http://x", "curl -u bob:@ http://x"),
        ("postgres://app:hunter2@db/main", "postgres://app:@@db/main"),
        ("https://x/cb?a=1&token=abc123def&b=2", "https://x/cb?a=1&token=@&b=2"),
        ("<password>hunter2</password>", "<password>@</password>"),
        ("Uid=sa;Pwd=hunter2;Server=db", "Uid=sa;Pwd=@;Server=db"),
        ("Cookie: theme=dark; sessionid=abc123def456ghi; lang=en", "Cookie: theme=dark; sessionid=@; lang=en"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer @"),
        ("sent header x-api-key: k123456 and left", "sent header x-api-key: @ and left"),
        (r'{"body": "{\"password\": \"hunter2\"}"}', r'{"body": "{\"password\": \"@\"}"}'),
        (r"one\npassword=hunter2\ntwo", r"one\npassword=@\ntwo"),
        ("https://x/cb?password=a%21b%40c123&y=2", "https://x/cb?password=@&y=2"),
        ("https://x/cb?q=%7B%22password%22%3A%22hunter2%22%7D", None),
    ],
)  # fmt: skip
def test_secrets_in_text_go_by_the_words_beside_them(before, after):
    """Only the secret goes; the words around it stay."""
    cleaned = Scrubber(redact_with="@").scrub_text(before)
    if after is None:
        assert "hunter2" not in urllib.parse.unquote(cleaned)
    else:
        assert after == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Your password must be at least 12 characters long.",
        "The token is expired, please log in again.",
        "Use your API key to authenticate.",
        "max_tokens=512, temperature=0.2",
        "api_key = os.environ['OPENAI_API_KEY']",
        "const token = process.env.GITHUB_TOKEN;",
        "password: ${DB_PASSWORD}",
        "api_key=YOUR_API_KEY_HERE",
        "def login(user: str, password: str) -> Token:",
        "if password == confirm_password:",
        "user.set_password(password)",
        "Bearer authentication is required",
        "SELECT password_hash FROM users WHERE token_id = 5",
        "401: Incorrect API key provided",
        "the next token: the",
        "secretary of state, passport control, keyboard",
        "git clone https://github.com/org/repo.git",
        "12:30:45 INFO [auth] token refreshed for user=42 in 13ms",
    ],
)
def test_speaking_of_secrets_is_allowed(text):
    """Prose, code, placeholders and look-ups stay as they are."""
    assert text == Scrubber(PLAYBOOK).scrub_text(text)


def test_formats_are_found_bare():
    """No word beside them is needed."""
    keys = [
        "sk" + "-ant-" + made(WEB, 40),
        "sk" + "-proj-" + made(WEB, 60),
        "AK" + "IA" + made(string.ascii_uppercase, 16),
        "github" + "_pat_" + made(ALNUM, 60),
        "xo" + "xb-" + made(string.digits, 12) + "-" + made(ALNUM, 24),
        "AI" + "za" + made(WEB, 35),
        "hf" + "_" + made(ALNUM, 34),
        "do" + "p_v1_" + made(HEX, 64),
        made("123456789", 10) + ":AA" + made(WEB, 33),
    ]
    scrubber = Scrubber()
    assert [f"a {MARK}, b"] * len(keys) == [scrubber.scrub_text(f"a {key}, b") for key in keys]


def test_private_keys_go_and_public_ones_stay():
    """Also in JSON, where line breaks are escaped."""
    body = "\n".join(made(ALNUM, 64, n) for n in range(4))
    private = "-----BEGIN RSA PRIVATE" + f" KEY-----\n{body}\n-----END RSA PRIVATE" + " KEY-----"
    public = f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"
    assert f"a {MARK} b" == Scrubber().scrub_text(f"a {private} b")
    assert body[:64] not in Scrubber().scrub_text("x " + json.dumps({"k": private}))
    assert public == Scrubber().scrub_text(public)


def test_base64_is_looked_into_once():
    """A secret in base64 is a secret; a picture is not."""
    hidden = base64.b64encode(b'{"password": "hunter2", "user": "bob"}').decode()
    picture = base64.b64encode(random.Random(1).randbytes(300)).decode()
    assert f"data {MARK} end" == Scrubber().scrub_text(f"data {hidden} end")
    assert picture == Scrubber().scrub_text(picture)


def test_registered_secrets_go_in_every_encoding():
    """The process's own values, as text, base64, hex and in URLs."""
    secret = 'kittens\' & "rainbows"\n'
    forms = [
        secret,
        urllib.parse.quote(secret, safe=""),
        secret.encode().hex(),
        base64.b64encode(f"user:{secret}".encode()).decode(),
        json.dumps({"x": secret}),
        urllib.parse.quote_plus(secret),
        urllib.parse.quote(secret, safe="").lower(),
        secret.encode().hex().upper(),
        html.escape(secret),
        json.dumps({"x": json.dumps({"y": secret})}),
        json.dumps({"x": repr(secret)}),
    ]
    scrubber = Scrubber(secrets=[secret])
    cleaned = [scrubber.scrub_text(f"see {form} there") for form in forms]
    assert [MARK in text for text in cleaned] == [True] * len(forms)
    assert "rainbows" not in "".join(cleaned)


def test_the_environment_can_be_registered(monkeypatch):
    """Values of telling names only."""
    monkeypatch.setenv("MY_API_KEY", "correct horse battery")
    monkeypatch.setenv("MY_COLOUR", "a very dark green")
    scrubber = Scrubber()
    assert scrubber.register_environment(os.environ) >= 1
    text = "the colour is a very dark green, said correct horse battery"
    assert f"the colour is a very dark green, said {MARK}" == scrubber.scrub_text(text)


def test_short_registered_secrets_are_refused():
    """They would match ordinary text."""
    with pytest.raises(ValueError, match="six"):
        Scrubber(secrets=["abc"])


def test_fingerprints_match_lines_without_the_secret():
    """Equal secrets have equal marks under one key, and other marks under another."""
    one, two = Scrubber(fingerprint_key=b"k1"), Scrubber(fingerprint_key=b"k2")
    first, second = one.scrub({"token": "abc"}), one.scrub_text("token=abcdef1")
    assert first == one.scrub({"token": "abc"}) != two.scrub({"token": "abc"})
    assert first["token"] != second.removeprefix("token=")
    assert first == one.scrub(first)
    assert second == one.scrub_text(second)


def test_counts_tell_kinds_and_never_secrets():
    """A report of what was found."""
    scrubber = Scrubber()
    scrubber.scrub({"password": "hunter2", "x": "postgres://a:hunter2@b/c"})
    assert scrubber.counts == {"key": 1, "url_password": 1}
