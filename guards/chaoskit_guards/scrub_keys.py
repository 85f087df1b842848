"""Which names stand beside a secret, judged word by word.

`apiKey`, `db_password` and `X-Auth-Token` name a secret; `max_tokens`, `tokenizer`, `author` and
`password_policy` do not; under `auth` or `partner_key` the value has to look like one.
"""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["MAYBE", "NO", "YES", "KeyJudge", "is_human", "is_pin", "split_words"]

NO, MAYBE, YES = 0, 1, 2

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")

_PLACE = re.compile(r"[@\w.-]*/[\w./-]+|(?:[A-Z]\w*\.){2,}[A-Z]\w*")
"""A path or a name of a package: it may end in any word."""

_ALONE = frozenset(
    """apikey apisecret apitoken accesskey accesstoken appsecret authtoken authkey bearer
    clientsecret cookie cookies credential credentials creds encryptionkey jwt otp passcode
    passphrase passwd password passwords passwort privatekey pwd refreshtoken secret secretkey
    secrets sessiontoken setcookie sharedkey token webhooksecret connectionstring
    authorization pat dbpass userpass pgpassword rootpassword dbpassword idtoken csrf xsrf sid
    totp passkey passw apitokens apikeys secretkeys signingkey signingsecret masterkey bottoken
    csrftoken xsrftoken jwtsecret sastoken accountkey mnemonic passe senha kennwort wachtwoord
    heslo contrasena motdepasse pw psw pswd""".split()
)
"""Words that name a secret when they end a name."""

_KEY_OF = frozenset(
    """access account admin api app auth client consumer crypto db deploy encryption hmac host
    ingest licence license master private root secret secrets security service session shared
    signing ssh storage subscription token webhook write encrypt decrypt cipher wrapping seed vault
    integration management server backend gateway merchant role aes rsa jwt kms sas tls ssl
    openai anthropic azure aws google stripe gemini mistral cohere groq deepseek openrouter
    pinecone huggingface replicate perplexity elevenlabs tavily serpapi langsmith wandb sendgrid
    twilio mailgun datadog pagerduty mapbox algolia heroku cloudflare github gitlab slack discord
    firebase supabase newrelic honeycomb okta paypal plaid shopify hubspot zendesk airtable notion
    smtp""".split()
)
"""Words that make a following `key` a secret."""

_NO_KEY_OF = frozenset(
    """public pub primary foreign cache sort partition idempotency object routing dedupe dedup
    dedupl group row hash range index unique natural composite surrogate s3 file map dict json hot
    short arrow home enter tab shift ctrl alt command control escape return space function issue
    project translation i18n locale config setting settings property attribute column field data
    event message metric tag label sorting grouping join lookup search query blob storage_path path
    answer legend color next last first start end prev previous any each new old by per in on no
    of press pressed this that right wrong entity record parent child state dimension feature
    react widget shard bucket node""".split()
)
"""Words that make a following `key` a mere identifier."""

_ENDS = tuple(
    """accesskey accesstoken accountkey apikey authtoken clientsecret passphrase passwd password
    passwort pwd privatekey refreshtoken secretkey secret apitoken bottoken sessiontoken
    csrftoken encryptionkey signingkey masterkey subscriptionkey""".split()
)
"""Ends of words that were written without any boundary, such as `smtppassword`."""

_PAIRS = frozenset(
    tuple(run.split())
    for run in """set cookie, connection string, conn str, conn string, one time code, pass word,
    pass phrase, pass key, recovery codes, recovery code, recovery phrase, seed phrase,
    backup codes, backup code, x amz signature, sas signature, access signature, goog
    signature, pin code, pass code, proxy authorization, mfa code, verification code,
    security code, auth code, otp code, sms code, code verifier, client assertion""".split(",")
)
"""Runs of words that name a secret together."""

_FOREIGN = tuple(
    r"contrase\u00f1a contraseña пароль 密码 密碼 パスワード 비밀번호 lösenord hasło şifre".split(
        " "
    )
)
_MAYBE_PAIRS = frozenset({("session", "id"), ("secret", "id"), ("auth", "id")})
_MAYBE = frozenset("auth sessionid pass pin dsn cred".split())
"""Words under which a value counts only if it looks like a secret itself."""

_SUFFIXES = frozenset(
    """value values val string str text raw plain plaintext b64 base64 encoded current old new
    previous prev primary secondary default prod production staging dev test backup main live
    confirmation confirm again header env var bytes hex data pem v binary base""".split()
)
"""Words that may follow without taking the meaning away."""

_COUNTS = frozenset(
    """max min num number count total input output prompt completion cached cache cost per budget
    limit limits usage used remaining estimated reasoning rate avg average mean sum text audio
    image thinking candidates context start stop end next pad bos eos unk sep cls mask first
    last special added top prediction read creation write billed sampled suppress forced decoder
    continuation page sync design tool vocab word sub every each""".split()
)
"""Words that turn `token` into a piece of text or a number of them."""

_NO_PASS = frozenset("compass bypass trespass encompass surpass overpass underpass".split())

_HUMAN = re.compile(
    "|".join("pass pwd? phrase contrase senha kennwort wachtwoord heslo mnemonic".split())
    + "".join(f"|{word}" for word in _FOREIGN[2:]),
    re.IGNORECASE,
)
_PIN = re.compile(r"(?:.*[^a-zA-Z]|.*[a-z](?=P))?(?:pin|PIN|Pin)(?:[-_ ]?[Cc]ode|_CODE)?")


def is_human(name: str) -> bool:
    """Tell whether people choose what stands under this name: any word will do."""
    return _HUMAN.search(name) is not None or is_pin(name)


def is_pin(name: str) -> bool:
    """Tell whether only digits stand under this name; on a circuit board a pin has letters."""
    return _PIN.fullmatch(name) is not None


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
        self._kinds: dict[str, tuple[int, bool, bool]] = {}
        self.allows_phrases = any(len(words) > 1 for words in self._allow)

    def __call__(self, name: str) -> int:
        """Tell whether the name is one of a secret: `YES`, `NO`, or `MAYBE` if the value agrees."""
        return self.kind(name)[0]

    def kind(self, name: str) -> tuple[int, bool, bool]:
        """Return what a name tells, whether people choose its value, and if that is a cookie."""
        known = self._kinds.get(name)
        if known is None:
            cookies = name.lower().endswith(("cookie", "cookies"))
            known = self.judge(name), is_human(name), cookies
            if len(self._kinds) >= 4_096:
                self._kinds.clear()
            self._kinds[name] = known
        return known

    def names(self, value: str) -> bool:
        """Tell whether a value is itself such a name, without remembering it."""
        known = self._kinds.get(value)
        return (self.judge(value) if known is None else known[0]) != NO

    def judge(self, name: str) -> int:
        """Tell the same without remembering, for texts that might be a secret themselves."""
        if len(name) > 128:
            return NO
        words = split_words(name)
        if not words or words in self._allow:
            return NO
        if (not name.isascii() or "\\u" in name) and name.lower().endswith(_FOREIGN):
            return YES
        while len(words) > 1 and (words[-1] in _SUFFIXES or words[-1].isdigit()):
            words = words[:-1]
        if self._by_pattern(words):
            return YES
        level = _by_default(words)
        return MAYBE if level == YES and _PLACE.fullmatch(name) else level

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


def _by_default(words: tuple[str, ...]) -> int:
    last = words[-1]
    before = words[-2] if len(words) > 1 else ""
    if last in _ALONE or last.endswith(_ENDS):
        return NO if _is_count(words) else YES
    if words[-2:] in _PAIRS or words[-3:] in _PAIRS:
        return YES
    if last == "tokens":
        return YES if before in ("access", "refresh", "auth", "api", "bearer", "id") else NO
    if last in ("key", "keys"):
        if before in _KEY_OF:
            return YES
        return MAYBE if before and before not in _NO_KEY_OF and not before.isdigit() else NO
    if last == "pin" or (last == "pass" and before):
        return YES
    if len(last) > 5 and last.endswith("pass") and last not in _NO_PASS:
        return YES
    return MAYBE if last in _MAYBE or words[-2:] in _MAYBE_PAIRS else NO
