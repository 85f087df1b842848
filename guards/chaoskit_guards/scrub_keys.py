"""Which names stand beside a secret, judged word by word.

`apiKey`, `db_password` and `X-Auth-Token` name a secret; `max_tokens`, `tokenizer`, `author` and
`password_policy` do not.
"""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["KeyJudge", "split_words"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")

_ALONE = frozenset(
    """apikey apisecret apitoken accesskey accesstoken appsecret authtoken authkey bearer
    clientsecret cookie cookies credential credentials creds encryptionkey jwt otp passcode
    passphrase passwd password passwords passwort privatekey pwd refreshtoken secret secretkey
    secrets sessionid sessiontoken setcookie sharedkey token webhooksecret connectionstring
    authorization pat dbpass userpass pgpassword rootpassword dbpassword idtoken csrf xsrf sid
    totp""".split()
)
"""Words that name a secret when they end a name."""

_KEY_OF = frozenset(
    """access account admin api app auth client consumer crypto db deploy encryption hmac host
    ingest license master private root secret secrets security service session shared signing
    ssh storage subscription token webhook write encrypt decrypt openai anthropic azure aws
    google stripe""".split()
)
"""Words that make a following `key` a secret."""

_ENDS = (
    "accesskey",
    "accesstoken",
    "accountkey",
    "apikey",
    "authtoken",
    "clientsecret",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "refreshtoken",
    "secretkey",
)
"""Ends of words that were written without any boundary, such as `smtppassword`."""

_PAIRS = frozenset(
    {
        ("set", "cookie"),
        ("connection", "string"),
        ("conn", "str"),
        ("one", "time", "code"),
        ("pass", "word"),
        ("pass", "phrase"),
        ("session", "id"),
        ("recovery", "codes"),
        ("backup", "codes"),
        ("x", "amz", "signature"),
        ("sas", "signature"),
        ("pin", "code"),
        ("pass", "code"),
        ("proxy", "authorization"),
    }
)
"""Runs of words that name a secret together."""

_SUFFIXES = frozenset(
    """value values val string str text raw plain plaintext b64 base64 encoded current old new
    previous prev primary secondary default prod production staging dev test backup main live
    confirmation confirm again header""".split()
)
"""Words that may follow without taking the meaning away."""

_COUNTS = frozenset(
    """max min num number count total input output prompt completion cached cache cost per budget
    limit limits usage used remaining estimated reasoning rate avg average mean sum text audio
    image thinking candidates context window start stop end next pad bos eos unk sep cls mask
    first last special added top accepted rejected prediction read creation write billed sampled
    allowed bad suppress forced decoder continuation page sync design tool""".split()
)
"""Words that turn `token` into a piece of text or a number of them."""


def split_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in camel, snake, kebab or any other case."""
    return tuple([word.lower() for word in _WORDS.findall(name)])


class KeyJudge:
    """Decides whether a name stands beside a secret; remembers what it decided."""

    def __init__(self, patterns: Iterable[str] = (), allow: Iterable[str] = ()) -> None:
        """Judge by the built-in words, by `patterns` too, and never for the names in `allow`."""
        self._patterns = tuple(words for pattern in patterns if (words := split_words(pattern)))
        self._joined = frozenset("".join(words) for words in self._patterns)
        self._allow = frozenset(split_words(name) for name in allow)
        self.decided: dict[str, bool] = {}

    def __call__(self, name: str) -> bool:
        """Tell whether the name is one of a secret."""
        known = self.decided.get(name)
        if known is None:
            known = len(name) <= 128 and self._judge(split_words(name))
            if len(self.decided) >= 4_096:
                self.decided.clear()
            self.decided[name] = known
        return known

    def _judge(self, words: tuple[str, ...]) -> bool:
        if not words or words in self._allow:
            return False
        while len(words) > 1 and (words[-1] in _SUFFIXES or words[-1].isdigit()):
            words = words[:-1]
        return self._by_pattern(words) or _by_default(words)

    def _by_pattern(self, words: tuple[str, ...]) -> bool:
        if words[-1] in self._joined and not _is_count(words):
            return True
        for pattern in self._patterns:
            if words[-len(pattern) :] == pattern and not _is_count(words):
                return True
        return False


def _is_count(words: tuple[str, ...]) -> bool:
    if words[-1] not in ("token", "tokens", "key", "cookie", "secret"):
        return False
    return len(words) > 1 and words[-2] in _COUNTS


def _by_default(words: tuple[str, ...]) -> bool:
    last = words[-1]
    if last in _ALONE or last.endswith(_ENDS):
        return not _is_count(words)
    if last == "tokens":
        return len(words) > 1 and words[-2] in ("access", "refresh", "auth", "api", "bearer", "id")
    if last in ("key", "keys"):
        return len(words) > 1 and words[-2] in _KEY_OF
    if last in ("auth", "pass", "signature", "sig"):
        return last == "auth" or (last == "pass" and len(words) > 1) or words[-2:] in _PAIRS
    if last == "pin":
        return True
    return words[-2:] in _PAIRS or words[-3:] in _PAIRS
