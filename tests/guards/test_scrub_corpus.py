"""How well the scrubber tells secrets from the rest, on a corpus made up while the test runs.

Thirty-two published formats, seven kinds that only a name tells of, seven kinds of blocks, each in
up to two dozen contexts; forty-eight kinds of harmless records. Nothing was ever issued.
"""

import base64
import hashlib
import html
import json
import random
import re
import string
import urllib.parse
import uuid

import pytest

from chaoskit_guards.scrub import Scrubber

ALNUM = string.ascii_letters + string.digits
WEB = ALNUM + "-_"
B64 = ALNUM + "+/"
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def made(rng, alphabet, length):
    return "".join(rng.choices(alphabet, k=length))


def slack_user(r):
    numbers = "-".join(made(r, string.digits, 12) for _ in range(3))
    return "xo" + f"xp-{numbers}-{made(r, HEX, 32)}"


def jwt(r):
    parts = (b'{"alg":"HS256","typ":"JWT"}', json.dumps({"sub": made(r, ALNUM, 10)}).encode())
    head = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return f"{head}.{made(r, WEB, 43)}"


def slack_hook(r):
    place = "https://hooks.slack.com" + "/services"
    return f"{place}/T{made(r, UPPER, 8)}/B{made(r, UPPER, 8)}/{made(r, ALNUM, 24)}"


FORMATS = {
    "openai project": lambda r: "sk" + "-proj-" + made(r, WEB, 120),
    "openai service": lambda r: "sk" + "-svcacct-" + made(r, WEB, 60),
    "openai legacy": lambda r: "sk" + "-" + made(r, ALNUM, 48),
    "anthropic": lambda r: "sk" + "-ant-api03-" + made(r, WEB, 93) + "AA",
    "anthropic admin": lambda r: "sk" + "-ant-admin01-" + made(r, WEB, 93) + "AA",
    "aws": lambda r: "AK" + "IA" + made(r, string.ascii_uppercase + "234567", 16),
    "github": lambda r: "gh" + "p_" + made(r, ALNUM, 36),
    "github fine": lambda r: "github" + "_pat_" + made(r, ALNUM, 22) + "_" + made(r, ALNUM, 59),
    "gitlab": lambda r: "gl" + "pat-" + made(r, WEB, 20),
    "slack bot": lambda r: "xo" + "xb-" + made(r, string.digits, 12) + "-" + made(r, ALNUM, 24),
    "slack user": slack_user,
    "slack webhook": slack_hook,
    "stripe": lambda r: "sk" + "_live_" + made(r, ALNUM, 24),
    "stripe webhook": lambda r: "whsec" + "_" + made(r, ALNUM, 32),
    "google": lambda r: "AI" + "za" + made(r, WEB, 35),
    "google oauth": lambda r: "ya" + "29." + made(r, WEB, 100),
    "hugging face": lambda r: "hf" + "_" + made(r, string.ascii_letters, 34),
    "groq": lambda r: "gsk" + "_" + made(r, ALNUM, 52),
    "xai": lambda r: "xai" + "-" + made(r, ALNUM, 80),
    "perplexity": lambda r: "pplx" + "-" + made(r, ALNUM, 48),
    "replicate": lambda r: "r8" + "_" + made(r, ALNUM, 37),
    "sendgrid": lambda r: "SG" + "." + made(r, WEB, 22) + "." + made(r, WEB, 43),
    "twilio": lambda r: "SK" + made(r, HEX, 32),
    "npm": lambda r: "npm" + "_" + made(r, ALNUM, 36),
    "pypi": lambda r: "pypi" + "-AgEIcHlwaS5vcmc" + made(r, WEB, 80),
    "databricks": lambda r: "da" + "pi" + made(r, HEX, 32),
    "digitalocean": lambda r: "do" + "p_v1_" + made(r, HEX, 64),
    "shopify": lambda r: "shp" + "at_" + made(r, HEX, 32),
    "vault": lambda r: "hv" + "s." + made(r, WEB, 90),
    "telegram": lambda r: made(r, "123456789", 10) + ":AA" + made(r, WEB, 33),
    "discord": lambda r: "M" + made(r, ALNUM, 25) + "." + made(r, WEB, 6) + "." + made(r, WEB, 38),
    "jwt": jwt,
}


def human(r):
    words = r.choice(["Summer", "Winter", "Dragon"]), r.choice(["Garden", "River", "Castle"])
    return r.choice("!@#_").join(words) + str(r.randrange(1950, 2030)) + r.choice("!?*$")


NAMED = {
    "aws secret": (
        ("aws_secret_access_key", "SecretAccessKey", "secretAccessKey"),
        lambda r: made(r, B64, 40),
    ),
    "azure": (
        ("AZURE_OPENAI_API_KEY", "accountKey", "subscription_key"),
        lambda r: base64.b64encode(r.randbytes(64)).decode(),
    ),
    "hex": (
        ("api_key", "apiKey", "auth_token", "X-Api-Key", "client_secret"),
        lambda r: made(r, HEX, 32),
    ),
    "base64": (
        ("signing_key", "encryption_key", "SESSION_SECRET"),
        lambda r: base64.b64encode(r.randbytes(32)).decode(),
    ),
    "opaque": (
        ("access_token", "refreshToken", "service_token", "token", "bearer"),
        lambda r: made(r, ALNUM, r.randrange(24, 44)),
    ),
    "random password": (
        ("password", "db_password", "DB_PASSWORD", "passwd", "smtpPassword"),
        lambda r: made(r, ALNUM, 4) + r.choice("!#%*") + made(r, ALNUM + "!#*_-", 10),
    ),
    "human password": (("password", "passphrase", "user_password", "pwd"), human),
}


def pem(r):
    body = "\n".join(made(r, B64, 64) for _ in range(12))
    text = "-----BEGIN RSA PRIVATE" + f" KEY-----\n{body}\n-----END RSA PRIVATE" + " KEY-----"
    return text, text


def around(template, make):
    def block(r):
        secret = make(r)
        return template.replace("@", secret), secret

    return block


def connection(r):
    secret = made(r, ALNUM, 16)
    return f"postgres://app:{secret}@db.internal/main", secret


BLOCKS = {
    "pem": pem,
    "connection": connection,
    "odbc": around("Driver={SQL Server};Uid=sa;Pwd=@;", lambda r: made(r, ALNUM, 16)),
    "azure": around(
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=@;EndpointSuffix=core.windows.net",
        lambda r: base64.b64encode(r.randbytes(64)).decode(),
    ),
    "basic": around(
        "Authorization: Basic @",
        lambda r: base64.b64encode(f"user:{made(r, ALNUM, 14)}".encode()).decode(),
    ),
    "bearer": around("Authorization: Bearer @", lambda r: made(r, ALNUM, 40)),
    "cookie": around("Cookie: theme=dark; sessionid=@; lang=en", lambda r: made(r, ALNUM, 32)),
}


def quoted(text):
    return urllib.parse.quote(text, safe="")


BARE = {
    "alone": lambda s: s,
    "value": lambda s: {"data": s, "n": 3},
    "list": lambda s: ["a", s, "b"],
    "nested": lambda s: {"a": {"b": [{"c": s}]}},
    "sentence": lambda s: f"I used {s} to call the service and it worked fine.",
    "trace": lambda s: f"ValueError: bad credential {s} at line 3",
    "argument": lambda s: f"run({s!r}, 3)",
    "lines": lambda s: f"first\n{s}\nlast",
    "hard: json in json": lambda s: json.dumps({"body": json.dumps({"v": s, "n": 1})}),
    "hard: query": lambda s: f"https://x.example/cb?state=1&v={quoted(s)}&y=2",
    "hard: comma": lambda s: f"id,{s},ok",
    "hard: tag": lambda s: f"<v>{s}</v>",
    "hard: key": lambda s: {s: 1},
    "hard: escaped line": lambda s: f"line one\\n{s}\\nline three",
    "hard: base64": lambda s: base64.b64encode(json.dumps({"v": s}).encode()).decode(),
    "hard: attribute": lambda s: f'<a data-x="{html.escape(s)}">',
    "hard: colour": lambda s: f"\x1b[31m{s}\x1b[0m",
    "hard: path": lambda s: f"https://x.example/hook/{quoted(s)}/run",
}
BESIDE = {
    "value": lambda n, s: {n: s, "user": "bob"},
    "deep": lambda n, s: {"args": [{"conf": {n: s}}]},
    "json": lambda n, s: json.dumps({n: s, "limit": 3}),
    "environment": lambda n, s: f"export {n}={s}\nDEBUG=1",
    "yaml": lambda n, s: f"host: db\n{n}: {s}\nport: 5",
    "keyword": lambda n, s: f"connect(host='db', {n}='{s}', retries=3)",
    "log": lambda n, s: f"2026-01-01 INFO calling with {n}={s} user=bob",
    "hard: json in json": lambda n, s: json.dumps({"body": json.dumps({n: s, "n": 1})}),
    "hard: query": lambda n, s: f"https://x.example/cb?state=1&{n}={quoted(s)}&y=2",
    "hard: flag": lambda n, s: f"mycli --{n.lower().replace('_', '-')} {s} --verbose",
    "hard: escaped line": lambda n, s: f"line one\\n{n}={s}\\nline three",
    "hard: three deep": lambda n, s: json.dumps({"a": json.dumps({"b": json.dumps({n: s})})}),
    "hard: base64": lambda n, s: base64.b64encode(json.dumps({n: s}).encode()).decode(),
    "hard: input": lambda n, s: f'<input name="{n}" value="{html.escape(s)}">',
    "hard: escaped json": lambda n, s: f"<p data-x='{html.escape(json.dumps({n: s}))}'>",
    "hard: entry": lambda n, s: f"- name: {n}\n  value: {s}\n",
    "hard: row": lambda n, s: f"name,value\nuser,bob\n{n},{s}\n",
    "hard: cell": lambda n, s: f"| user | bob |\n| {n} | `{s}` |\n",
    "hard: colour": lambda n, s: f"\x1b[36m{n}\x1b[0m=\x1b[35m{s}\x1b[0m done",
    "hard: typed": lambda n, s: f'const {n.replace("-", "_")}: string = "{s}";',
    "hard: arguments": lambda n, s: {"argv": ["run", f"--{n.lower()}", s, "--verbose"]},
    "hard: pairs": lambda n, s: {"headers": [["accept", "*/*"], [n, s], ["host", "x"]]},
    "hard: arrow": lambda n, s: f"'{n}' => '{s}'",
    "hard: bytes": lambda n, s: json.dumps({n: s}).encode(),
}
WORDS = [
    "the",
    "service",
    "answered",
    "with",
    "a",
    "timeout",
    "while",
    "we",
    "deployed",
    "the",
    "release",
    "and",
    "nobody",
    "noticed",
]

BENIGN = [
    lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    lambda r: made(r, HEX, 40),
    lambda r: "sha256:" + hashlib.sha256(r.randbytes(4)).hexdigest(),
    lambda r: {"commit": made(r, HEX, 40)},
    lambda r: {"image": "data:image/png;base64," + base64.b64encode(r.randbytes(300)).decode()},
    lambda r: {"embedding": base64.b64encode(r.randbytes(256)).decode()},
    lambda r: {"usage": {"input_tokens": 9, "cache_read_input_tokens": 7, "total_tokens": 11}},
    lambda r: {"id": "toolu_" + made(r, ALNUM, 24), "type": "tool_use", "input": {"q": "x"}},
    lambda r: {"id": "msg_" + made(r, ALNUM, 24)},
    lambda r: {"id": "chatcmpl-" + made(r, ALNUM, 29)},
    lambda r: {"max_tokens": 1024, "model": "claude-sonnet-4-6"},
    lambda r: "max_tokens=512, temperature=0.2",
    lambda r: "Your password must be at least 12 characters long.",
    lambda r: "The token is expired, please log in again.",
    lambda r: "Use your API key to authenticate; see the docs about secrets.",
    lambda r: {"api_key": "<your-api-key>"},
    lambda r: "api_key=YOUR_API_KEY_HERE",
    lambda r: "password: ${DB_PASSWORD}",
    lambda r: 'api_key = os.environ["OPENAI_API_KEY"]',
    lambda r: "const token = process.env.GITHUB_TOKEN;",
    lambda r: {"properties": {"password": {"type": "string"}}, "required": ["password", "user"]},
    lambda r: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" + made(r, ALNUM, 44) + " bob@host",
    lambda r: "-----BEGIN CERTIFICATE-----\n" + made(r, B64, 64) + "\n-----END CERTIFICATE-----",
    lambda r: "-----BEGIN PUBLIC KEY-----\n" + made(r, B64, 64) + "\n-----END PUBLIC KEY-----",
    lambda r: made(r, "ACGT", 200),
    lambda r: 'File "/app/auth.py", line 12, in get_token\n    token = self.refresh(token_id)\n',
    lambda r: {"author": "Jane Doe", "keyboard": "qwerty", "monkey": "d"},
    lambda r: " ".join(r.choices(WORDS, k=60)),
    lambda r: {"tokenizer": "o200k_base", "token_count": 55, "tokens_per_minute": 40_000},
    lambda r: "integrity sha512-" + base64.b64encode(r.randbytes(64)).decode(),
    lambda r: {"etag": '"' + made(r, HEX, 32) + '"', "cache_key": "users:7"},
    lambda r: {"password_policy": "min 12", "has_password": True},
    lambda r: "def login(user: str, password: str) -> Token:\n    return check(user, password)",
    lambda r: "SELECT id, password_hash FROM users WHERE token_id = 5",
    lambda r: {"primary_key": "id", "foreign_key": "user_id", "sort_key": "made", "key": "value"},
    lambda r: f"https://example.com/path?page=2&sort=name&id={r.randrange(10**6)}",
    lambda r: {"session": "morning", "auth_type": "oauth", "token_type": "Bearer"},
    lambda r: {"error": {"type": "authentication_error", "message": "invalid x-api-key"}},
    lambda r: "401 Unauthorized: Incorrect API key provided",
    lambda r: {"logprobs": [{"token": " hello", "logprob": -0.1}]},
    lambda r: "git clone https://github.com/org/repo.git && cd repo",
    lambda r: {"trace_id": made(r, HEX, 32), "span_id": made(r, HEX, 16)},
    lambda r: "Bearer authentication is required; basic auth is disabled",
    lambda r: {"system_fingerprint": "fp_" + made(r, HEX, 10)},
    lambda r: "secretary of state; tokenization of assets; passport control; keyboard shortcuts",
    lambda r: "if password == confirm_password:\n    user.set_password(password)\n",
    lambda r: "Press any key: continue. Token ring networks. The secret to success: work.",
    lambda r: '{"page_token": null, "next_page_token": "", "secret": true}',
]


def planted(seed):
    """Yield whether it is a hard context, a record with a secret, the secret, and its block."""
    rng = random.Random(seed)
    for make in FORMATS.values():
        for context, wrap in BARE.items():
            secret = make(rng)
            yield context.startswith("hard"), wrap(secret), secret, None
        for context, wrap in BESIDE.items():
            secret = make(rng)
            name = rng.choice(["api_key", "token", "SERVICE_TOKEN", "apiKey", "client_secret"])
            yield context.startswith("hard"), wrap(name, secret), secret, None
    for names, make in NAMED.values():
        for name in names:
            for context, wrap in BESIDE.items():
                secret = make(rng)
                yield context.startswith("hard"), wrap(name, secret), secret, None
    for make in BLOCKS.values():
        for context, wrap in BARE.items():
            block, secret = make(rng)
            yield context.startswith("hard"), wrap(block), secret, block


def leaves(value):
    if isinstance(value, dict):
        return "\n".join(f"{leaves(key)}\n{leaves(item)}" for key, item in value.items())
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return "\n".join(map(leaves, value))
    return str(value)


def is_left(value, secret):
    """Whether any twelve characters of the secret are still there, in any way of writing them."""
    text = leaves(value)
    forms = [text, urllib.parse.unquote(text), html.unescape(text), text.replace("\\", "")]
    forms += [
        base64.b64decode(run[: len(run) // 4 * 4] + "==").decode("latin-1")
        for run in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text)
    ]
    runs = [secret[at : at + 12] for at in range(max(1, len(secret) - 11))]
    return any(run in form for run in runs for form in forms)


@pytest.fixture(scope="module", params=[7, 8])
def judged(request):
    """The corpus of one seed with what the scrubber made of it."""
    scrubber = Scrubber()
    return [(*entry, scrubber.scrub(entry[1])) for entry in planted(request.param)]


@pytest.mark.slow
@pytest.mark.parametrize(("hard", "least"), [(False, 0.98), (True, 0.90)])
def test_planted_secrets_are_removed(judged, hard, least):
    """Plain contexts nearly always, awkward ones mostly."""
    found = [not is_left(out, secret) for kind, _, secret, _, out in judged if kind == hard]
    assert len(found) > 300
    assert sum(found) / len(found) >= least


@pytest.mark.slow
def test_the_words_around_a_secret_stay(judged):
    """At most one word in a hundred is lost."""
    lost = total = 0
    for _, record, secret, block, out in judged:
        if block is not None:
            continue
        text = leaves(record)
        if secret[:12] not in urllib.parse.unquote(text):
            continue  # it is encoded as a whole
        for form in (secret, quoted(secret), json.dumps(secret)[1:-1]):
            text = text.replace(form, "\0")
        words, after = re.findall(r"[A-Za-z]+", text), leaves(out)
        total += len(words)
        lost += sum(word not in after for word in words)
    assert lost <= 0.01 * total


@pytest.mark.slow
def test_harmless_records_are_not_touched():
    """At most one in two hundred is changed at all."""
    rng, scrubber = random.Random(7), Scrubber()
    records = [make(rng) for make in BENIGN for _ in range(10)]
    touched = [record for record in records if scrubber.scrub(record) != record]
    assert len(touched) <= 0.005 * len(records), touched[:5]


@pytest.mark.slow
def test_scrubbing_twice_is_scrubbing_once(judged):
    """On the whole corpus."""
    scrubber = Scrubber()
    assert [out for *_, out in judged if scrubber.scrub(out) != out] == []
