"""The notations in which a name and its secret reach a log, and what only resembles them."""

import pytest

from chaoskit_guards.scrub import Scrubber
from chaoskit_guards.scrub_keys import MAYBE, NO, YES, KeyJudge

TOKEN = "Zq8" + "vK2mXw9" * 4


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("| name | value |\n| api_key | `@@` |", None),
        ("**Password:** hunter2", "**Password:** @"),
        ("<key>password</key>\n<string>hunter2</string>", "<key>password</key>\n<string>@</string>"),
        ('<add key="pwd" value="hunter2"/>', '<add key="pwd" value="@"/>'),
        ('<input type="hidden" name="token" value="@@">', None),
        ("<password><![CDATA[hunter2]]></password>", "<password><![CDATA[@]]></password>"),
        ('<p data-x="{&quot;password&quot;: &quot;hunter2&quot;}">', None),
        ("- name: DB_PASSWORD\n  value: hunter2", "- name: DB_PASSWORD\n  value: @"),
        ("password: |\n    hunter2\n", "password: |\n    @\n"),
        ("client_secret:\n    @@\n", None),
        ("name,value\r\ndb_password,hunter2\r\nport,5", "name,value\r\ndb_password,@\r\nport,5"),
        ('1,"{""token"": ""@@""}",2', None),
        ("\x1b[36mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m x", "\x1b[36mpassword\x1b[0m=\x1b[35m@\x1b[0m x"),
        ('const API_KEY: string = "@@";', None),
        ("cfg['password'] = 'hunter2'", "cfg['password'] = '@'"),
        ("Config(user='bob', password=SecretStr('hunter2'))", "Config(user='bob', password=SecretStr('@'))"),
        ('"password": {"value": "hunter2"}, then', '"password": {"value": "@"}, then'),
        ("CREATE USER 'a'@'b' IDENTIFIED BY 'hunter2'", "CREATE USER 'a'@'b' IDENTIFIED BY '@'"),
        ("ALTER USER bob WITH PASSWORD 'hunter2'", "ALTER USER bob WITH PASSWORD '@'"),
        ("machine x login bob password Hu&nt=er2", "machine x login bob password @"),
        ("ENV API_TOKEN @@\nRUN y", None),
        ("tool --token \\\n  @@ --verbose", None),
        ("docker login -u bob -p hunter2 x", "docker login -u bob -p @ x"),
        ("mysqldump -u root -phunter2 db", "mysqldump -u root -p@ db"),
        ("bob:hunter2@tcp(db:3306)/main", "bob:@@tcp(db:3306)/main"),
        ("https://x-token-auth:hunter22@git.example.org/x", "https://x-token-auth:@@git.example.org/x"),
        ("a(api_key=@@)b", "a(api_key=@)b"),
        ("401: Incorrect API key provided: @@.", None),
        ("requests.get(url, auth=('bob', 'hunter2'))", "requests.get(url, auth=('bob', '@'))"),
        ('array(1) { ["password"]=> string(7) "hunter2" }', 'array(1) { ["password"]=> string(7) "@" }'),
        ('<setting name="ApiKey"><value>@@</value></setting>', None),
        ("<td>API key</td><td>@@</td>", None),
        ('password <- "hunter2"', 'password <- "@"'),
        (r"password\u003dhunter2", r"password\u003d@"),
        ('window.__TOKEN__="@@"', None),
        ("map[password:hunter2 user:bob]", "map[password:@ user:bob]"),
        ("my db password is: hunter2 (for b)", "my db password is: @ (for b)"),
        ("using api key @@ now", None),
        ("contraseña=hunter2 y", "contraseña=@ y"),
        ("Kennwort: hunter2, dann", "Kennwort: @, dann"),
        ("密码：hunter2", "密码：@"),
        ("passphrase: horse.battery.staple", "passphrase: @"),
        ('"seed_phrase": "horse battery staple ladder"', '"seed_phrase": "@"'),
        ("DB_PASSWORD=Tr0ub4dor&3,x;y\nDEBUG=1", "DB_PASSWORD=@\nDEBUG=1"),
        ("x.blob.example/a?sv=1&sig=@@&x=1", None),
        ("https://x/cb?next=https%3A%2F%2Fy%2F%3Ftoken%3D@@", None),
        (r'{"a": "{\"b\": \"{\\\"password\\\": \\\"hunter2\\\"}\"}"}', None),
        ('form-data; name="password"\r\n\r\nhunter2\r\n--x--', 'form-data; name="password"\r\n\r\n@\r\n--x--'),
        (r"\u0022password\u0022:\u0022hunter2\u0022", r"\u0022password\u0022:\u0022@\u0022"),
    ],
)  # fmt: skip
def test_a_secret_is_found_in_every_notation(before, after):
    """And nothing else goes."""
    before = before.replace("@@", TOKEN)
    cleaned = Scrubber(redact_with="@").scrub_text(before)
    assert TOKEN not in cleaned
    assert "hunter2" not in cleaned
    if after is not None:
        assert after == cleaned
    elif TOKEN in before and "%" not in before:
        assert before.replace(TOKEN, "@") == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "password = input('Password: ')",
        "| api_key | string | Your API key |",
        'data: {"type":"token","content":"Hello"}',
        "{'token': 'paddock', 'logprob': -0.9}",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
        "sed -E 's/password=[^&]+/password=X/'",
        "ANTHROPIC_API_KEY=sk-ant-...",
        "postgres://user:password@localhost:5432/db",
        "docker pull nginx:1.25@sha256:0123",
        "fetch(url, { credentials: 'same-origin' })",
        "string password = 1;",
        "let token: String = String::new();",
        "auth: oauth2, algorithm: HS256",
        "WWW-Authenticate: Bearer realm='x', error='invalid_token'",
        "PWD=/home/bob/project1",
        "signature: sha256=0123456789abcdef0123456789abcdef",
        "pass: 12, fail: 3; bypass=cache1",
        "密码:必须包含大写字母和数字。",
        "Failed password for invalid user admin from 10.0.0.1 port 51234 ssh2",
        "secretKeyRef:\n  name: db\n  key: password",
        "--password TEXT  The password.  [required]",
        "mkdir -p /srv/mysql/data && docker run -p 8080:80 mysql",
        "Unexpected token: punc (})",
    ],
)
def test_what_only_resembles_a_secret_stays(text):
    """In code, schemas, logs and manuals."""
    assert text == Scrubber().scrub_text(text)


@pytest.mark.parametrize(
    "data",
    [
        {"password": "${DB_PASSWORD_1}", "api_key": "env:OPENAI_API_KEY", "token": "{{ token1 }}"},
        {"errors": {"password": ["This field is required.", "Too short."]}},
        {"secrets": 3, "passwords": 0, "credentials": []},
        {"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        {"type": "thinking", "signature": "EqoB" + TOKEN},
        {"auth": {"type": "oauth2", "scopes": ["read"]}, "cache_key": TOKEN},
        {"session_id": "3f2b8c1e-5a7d-4e9f-8b6c-1d2e3f4a5b6c"},
        [["password", "user"], ["Bob", "token"]],
        ["tool", "--token", "--password", "--help"],
    ],
)
def test_data_about_secrets_stays(data):
    """References, counts, schemas, messages and identifiers."""
    assert data == Scrubber().scrub(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"argv": ["x", "--password", "hunter2", "-v"]}, {"argv": ["x", "--password", "@", "-v"]}),
        ([["accept", "*/*"], ["X-Api-Key", "hunter2"]], [["accept", "*/*"], ["X-Api-Key", "@"]]),
        ({"session_id": TOKEN}, {"session_id": "@"}),
        ({"partner_key": TOKEN, "n": 1}, {"partner_key": "@", "n": 1}),
        ({"auth": "abc123def", "n": 1}, {"auth": "@", "n": 1}),
        ({"secret": {"value": "Opaque", "n": ["a"]}}, {"secret": {"value": "@", "n": ["@"]}}),
        (
            {"token": {"symbol": "UNI", "decimals": 6, "current": "hunter2"}},
            {"token": {"symbol": "UNI", "decimals": 6, "current": "@"}},
        ),
        (
            {"secrets": [{"name": "SLACK", "visibility": "all"}, {"data": "hunter2"}]},
            {"secrets": [{"name": "SLACK", "visibility": "all"}, {"data": "@"}]},
        ),
        ({"Cookie": f"theme=dark; sid={TOKEN}"}, {"Cookie": "theme=dark; sid=@"}),
        ({"connectionString": "Uid=a;Pwd=hunter2"}, {"connectionString": "Uid=a;Pwd=@"}),
        ({"Authorization": "Bearer hunter2"}, {"Authorization": "Bearer @"}),
        ({"client-key-data": f"LS0tLS1CRUdJTg=={TOKEN}"}, {"client-key-data": "@"}),
        ({"env": [{"name": "sessionid", "value": TOKEN}]}, {"env": [{"name": "sessionid", "value": "@"}]}),
    ],
)  # fmt: skip
def test_data_with_a_secret_loses_only_that(data, expected):
    """The rest keeps its place."""
    assert expected == Scrubber(redact_with="@").scrub(data)


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("client-key-data", YES), ("walletPassphrase", YES), ("seed_phrase", YES), ("dbpwd", YES),
        ("mot_de_passe", YES), ("contraseña", YES), ("SecretString", YES), ("hmacsecret", YES),
        ("refresh_token_v2", YES), ("sendgrid_key", YES), ("partner_key", MAYBE), ("auth", MAYBE),
        ("session_id", MAYBE), ("secret_id", MAYBE), ("pass", MAYBE), ("signature", NO),
        ("compass", NO), ("public_key", NO), ("idempotency_key", NO), ("page_token", NO),
        ("token_hash", NO), ("secret_arn", NO),
    ],
)  # fmt: skip
def test_names_are_judged_by_their_words(name, level):
    """Some tell of a secret only if the value looks like one."""
    assert KeyJudge().judge(name) == level


@pytest.mark.parametrize(
    "text",
    [
        "  ~ password = (sensitive value)\n        secret_arn = (known after apply)",
        "password: (not shown here)",
        "DB_PASSWORD=${DB_PASSWORD:?not set} docker compose up -d",
        'client = Client(api_key="sk-xxxxxxxxxxxxxxxxxxxxxxxx")',
        "password: [Filtered]",
    ],
)
def test_a_description_in_parentheses_is_no_secret(text):
    """As plans of infrastructure show what they hide."""
    assert Scrubber().scrub(text) == text


def test_a_question_of_a_user_interface_is_no_secret():
    """Nor is what stands on a label."""
    data = {"login.forgot_password": "Passwort vergessen?", "reset_password": "Forgot it?"}
    assert Scrubber().scrub_dict(data) == data


def test_a_number_under_token_is_its_place_in_a_vocabulary():
    """While people choose digits for a password or a pin."""
    data = {"tokens": ["a"], "token": 10126, "token_id": 7}
    assert Scrubber().scrub_dict(data) == data
    assert Scrubber().scrub_dict({"password": 10126, "pin": 4711}) != {
        "password": 10126,
        "pin": 4711,
    }


def test_a_base_of_keys_is_a_key():
    """Rails calls its own so."""
    value = "95" + "ab" * 31
    for text in (f"SECRET_KEY_BASE={value}", f'{{"SECRET_KEY_BASE": "{value}"}}'):
        assert value not in Scrubber().scrub(text)
    assert value not in str(Scrubber().scrub_dict({"SECRET_KEY_BASE": value}))


def test_the_whole_token_of_terraform_cloud_is_taken_out():
    """Its first part as well as what follows the mark of its kind."""
    token = "aB3dE6gH9jK2mN.atlasv1." + "x7Yz" * 17
    assert "aB3dE6gH9jK2mN" not in Scrubber().scrub(f"token is {token}, saved")
    assert "aB3dE6gH9jK2mN" not in Scrubber().scrub(f"INSERT INTO t VALUES ({token})")


def test_what_is_piped_into_a_login_is_a_password():
    """The flag tells of it, and it stands before."""
    secret = "jwi" + "%ZhHqNL"
    for quote in ("'", '"'):
        text = f"echo {quote}{secret}{quote} | docker login --username svc --password-stdin host"
        assert secret not in Scrubber().scrub(text)
