"""The provider as a server: sessions, their isolation, scaled time, and the control API."""

import json
import os
import string
import sys

import anthropic
import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.check import Verdict
from chaoskit.clocks.real import RealClock
from chaoskit.control import answer, is_control
from chaoskit.errors import UsageError
from chaoskit.exchange import HttpRequest
from chaoskit.freely import PromiseBroken
from chaoskit.journal import Delivered, Journal, Refused, Requested, RunStarted
from chaoskit.provider.prices import _library, _looked_up
from chaoskit.provider.service import Service
from chaoskit.scenario import parse
from chaoskit.serving import Server, Session, not_in_production, serving
from chaoskit.sessions import KEY, SESSION, session_of

ASK = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Why?"}],
}
CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Why?"}]}
BEARER = {"authorization": "Bearer k"}
VERSION = {"anthropic-version": "2023-06-01"}
RATE = {"fault": "rate_limited", "when": {"calls": 1}, "retry_after": "7s"}
NAMES = st.text(string.ascii_letters + string.digits + "-_.: ()[]=", min_size=1, max_size=20)


@pytest.fixture(scope="module")
def running():
    """A server for all tests of the module: each takes a session of its own."""
    with serving() as server:
        yield server


@pytest.fixture
def priceless(monkeypatch):
    """Nothing is known of prices, and nothing can be loaded."""
    _library.cache_clear()
    _looked_up.cache_clear()
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    yield
    _library.cache_clear()
    _looked_up.cache_clear()


@pytest.fixture
def session(running, request):
    """A session that bears the name of the test."""
    yield running.session(request.node.name)
    running.reset(request.node.name)


@pytest.fixture(scope="module")
def http():
    """A client that trusts no environment."""
    with httpx2.Client(trust_env=False, timeout=10) as client:
        yield client


def test_prices_that_cannot_be_loaded_are_told_to_whoever_asks_first(running, http, priceless):
    """A session begins without them; the broken installation is no bug that somebody has to find."""
    session = running.begin("priceless")
    said = ask(http, session.url)
    assert said.status_code == 503
    assert "the prices of genai-prices cannot be loaded (ModuleNotFoundError" in said.text
    assert [judged.judgement.verdict.name for judged in session.judge()][-1] == "UNKNOWN"
    with pytest.raises(UsageError, match="install it anew"):
        Service()
    running.reset("priceless")


def test_half_of_a_surrogate_pair_is_kept_as_an_escape(http, tmp_path):
    """No UTF-8 can say it, but JSON can: it is in the answer, in the journal, and in its file."""
    path = tmp_path / "out.jsonl"
    asked = json.dumps({**ASK, "model": "\ud800"})
    with serving(journal=path) as server:
        said = http.post(
            f"{server.url}/v1/messages", content=asked, headers=VERSION | {"x-api-key": "k"}
        )
        written = http.get(f"{server.url}/_chaos/journal").text
        server.session().journal.write(tmp_path / "own.jsonl")
    assert said.status_code == 404
    assert said.json()["error"]["message"] == "model: \ud800"
    for text in (
        written,
        *(tmp_path.joinpath(name).read_text("utf-8") for name in ("out.jsonl", "own.jsonl")),
    ):
        (refused,) = Journal.loads(text).of(Refused)
        assert refused.message == "model: \ud800"


def ask(http, url, **headers):
    """Ask Claude once, and return the response."""
    sent = VERSION | {"x-api-key": "k"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return http.post(f"{url}/v1/messages", json=ASK, headers=sent)


def asked(method="POST", path="/_chaos/faults", body=b"", headers=None):
    """A request as the server hands it over."""
    return HttpRequest(
        method=method, host="x", path=path, query="", headers=headers or {}, body=body
    )


class Alone:
    """Sessions without a server in front of them."""

    def __init__(self):
        self.sessions = {}

    def session(self, name=""):
        return self.sessions.setdefault(name, Session(BLANK, name=name))

    def reset(self, name=""):
        self.sessions.pop(name, None)

    def known(self, name):
        return not name or name in self.sessions

    def names(self):
        return sorted(filter(None, self.sessions))


BLANK = parse(
    'title = "Blank"\nworkload.prompt = "?"\npromises = [{ check = "no_crash" }]\n', "x.chaos.toml"
)


# To whom a request belongs.


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/messages", {SESSION: "one"}),
        ("/v1/messages", {"x-api-key": "chaos-one"}),
        ("/v1/chat/completions", {"authorization": "Bearer chaos-one"}),
        ("/v1/chat/completions", {"authorization": "bearer  chaos-one"}),
        ("/~one/v1/messages", {}),
        ("/~one/v1/messages", {"x-api-key": "chaos-two"}),
        ("/~two/v1/messages", {SESSION: "one", "x-api-key": "chaos-two"}),
        ("/~one/_chaos/verdict", {}),
    ],
)
def test_session_is_named_in_three_ways(path, headers):
    """By a header, by the path, by the key, in this order."""
    assert session_of(asked(path=path, headers=headers)) == "one"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/messages", {}),
        ("/v1/messages", {"x-api-key": "dummy-key-of-a-chaos-run"}),
        ("/v1/messages", {"authorization": "Basic chaos-one"}),
        ("/proxy/~one/v1/messages", {}),
        ("/~/v1/messages", {"x-api-key": "chaos-"}),
    ],
)
def test_request_that_names_none_belongs_to_the_nameless(path, headers):
    """There is always one."""
    assert session_of(asked(path=path, headers=headers)) == ""


def test_every_way_leads_to_the_same_session(running, http, session):
    """Whichever of them a client can use."""
    ask(http, running.url, **{SESSION: session.name})
    ask(http, running.url, x_api_key=f"{KEY}{session.name}")
    ask(http, session.url)
    ask(http, f"{running.url}/any/prefix", **{SESSION: session.name})
    assert len(session.calls) == 4
    assert running.session("another").calls == ()


def test_sessions_do_not_disturb_each_other(running, http, session):
    """Faults, limits and journals are of one session."""
    other = running.session("undisturbed")
    session.fail(503, calls=1)
    assert [ask(http, one.url).status_code for one in (session, other, session)] == [503, 200, 200]
    assert (len(session.calls), len(other.calls)) == (2, 1)
    assert session.journal.of(Refused)
    assert not other.journal.of(Refused)


def test_run_that_exceeds_its_bounds_ends_no_other(http):
    """Each has a clock of its own."""
    small = parse(
        'title = "Small"\nworkload.prompt = "?"\nbounds.calls = 1\n'
        'promises = [{ check = "no_crash" }]\n',
        "small.chaos.toml",
    )
    with serving(small) as server:
        one, two = server.session("one"), server.session("two")
        assert [ask(http, one.url).status_code for _ in range(2)] == [200, 503]
        assert ask(http, two.url).status_code == 200
        assert one.clock.stopped
        with pytest.raises(PromiseBroken, match="the session was ended: calls: more than 1"):
            one.verify()
        assert not two.clock.stopped


def test_environment_leads_the_sdks_there(running, session, monkeypatch):
    """Both vendors' clients are built from nothing else."""
    for name, value in session.environment().items():
        monkeypatch.setenv(name, value)
    session.reply("one", "two")
    with anthropic.Anthropic() as claude, openai.OpenAI() as gpt:
        told = [
            claude.messages.create(**ASK).content[0].text,
            gpt.chat.completions.create(**CHAT).choices[0].message.content,
        ]
    assert told == ["one", "two"]
    assert [call.provider for call in session.calls] == ["anthropic", "openai"]


def test_environment_leads_past_a_proxy(session, monkeypatch):
    """What asks for it reaches the server, and the hosts that needed no proxy still need none."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "10.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)
    with httpx2.Client() as stuck, pytest.raises(httpx2.ConnectError):
        stuck.get(session.url)
    for name, value in session.environment().items():
        monkeypatch.setenv(name, value)
    assert os.environ["NO_PROXY"] == "10.0.0.1,127.0.0.1"
    with anthropic.Anthropic(max_retries=0) as claude:
        assert claude.messages.create(**ASK).content


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_environment_speaks_of_proxies_only_where_there_is_one(session, monkeypatch, name):
    """It is printed to be copied."""
    for other in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(other, raising=False)
    assert not {"NO_PROXY", "no_proxy"} & set(session.environment())
    monkeypatch.setenv(name, "http://proxy")
    assert {"NO_PROXY", "no_proxy"} <= set(session.environment())


@pytest.mark.parametrize("prefix", ["", "/", "/proxy", "/a/b/", "/v1"])
def test_prefixes_in_front_of_the_path_change_nothing(running, http, session, prefix):
    """A base URL with a path, with and without a slash at its end."""
    url = f"{running.url}{prefix}".rstrip("/")
    headers = {SESSION: session.name, **VERSION}
    said = http.post(f"{url}/v1/messages", json=ASK, headers={**headers, "x-api-key": "k"})
    chat = http.post(
        f"{url}/v1/chat/completions",
        json=CHAT,
        headers={SESSION: session.name, "authorization": "Bearer k"},
    )
    assert (said.json()["type"], chat.json()["object"]) == ("message", "chat.completion")


@given(NAMES)
def test_url_of_a_session_names_it(name):
    """As the connection hands the path over, which is unquoted."""
    from urllib.parse import unquote

    path = unquote(Session(BLANK, name=name).url)
    assert session_of(asked(path=f"{path}/v1/messages")) == name


def test_name_that_no_path_can_carry_is_told():
    """The other two ways remain."""
    with pytest.raises(UsageError, match="no path can carry 'a/b'"):
        _ = Session(BLANK, name="a/b").url


# How a session is judged.


def test_session_is_judged_by_what_the_provider_saw(session, http):
    """An agent that comes back at once breaks the promise that every agent should keep."""
    session.rate_limit(calls="1-9", retry_after=7)
    for _ in range(3):
        ask(http, session.url)
    with pytest.raises(PromiseBroken, match="Retry-After"):
        session.verify()


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda one: one, "no request reached a simulated provider; session.allow"),
        (lambda one: one.hang(turn=5), "never struck: Hang"),
    ],
)
def test_silence_and_idle_faults_are_no_pass(session, prepare, reason):
    """Nothing is known then, and it can be opted out of."""
    prepare(session)
    with pytest.raises(PromiseBroken, match=reason):
        session.verify()
    session.allow(unstruck=True, silence=True).verify()


def test_server_verifies_the_session_without_a_name(http):
    """What is asked without any ceremony."""
    with serving() as server:
        assert ask(http, server.url).status_code == 200
        server.verify()


def test_faults_of_tools_are_refused(session):
    """No server reaches the tools of its clients; those of a scenario are optional."""
    with pytest.raises(UsageError, match="no server reaches the tools"):
        session.find_nothing("search")
    session.scenario("day4")
    assert all(rule.optional for rule in session.world.plan.plan.rules if rule.stage == "result")


def test_client_that_gave_up_is_known_at_once(session):
    """What it has closed is dealt with before anything is judged."""
    session.hang()
    with httpx2.Client(trust_env=False, timeout=0.05) as impatient:
        for _ in range(5):
            with pytest.raises(httpx2.ReadTimeout):
                ask(impatient, session.url)
    assert [event.how for event in session.journal.of(Delivered)] == ["abandoned"] * 5


# The control API.


def test_control_api_drives_a_session(running, session, http):
    """Faults, verdict in both forms, journal, reset: from any language."""
    base, headers = f"{running.url}/_chaos", {SESSION: session.name}
    added = http.post(f"{base}/faults", json=RATE, headers=headers)
    assert added.json()["rule"].startswith("RateLimited(")
    for _ in range(2):
        ask(http, session.url)
    verdict = http.get(f"{base}/verdict", headers=headers).json()
    assert verdict["verdict"] == "FAIL"
    broken = [one for one in verdict["promises"] if one["verdict"] == "FAIL"]
    assert [one["name"] for one in broken] == ["retry_after_honoured"]
    assert broken[0]["findings"][0]["advice"]
    text = http.get(f"{base}/verdict", headers={**headers, "accept": "text/plain"}).text
    assert text.splitlines()[0] == "FAIL"
    assert "retry_after_honoured" in text
    journal = Journal.loads(http.get(f"{base}/journal", headers=headers).text)
    assert len(list(journal.of(Requested))) == 2
    assert http.post(f"{base}/reset", headers=headers).json() == {"session": session.name}
    assert running.session(session.name) is not session


def test_verdict_in_words_names_the_first_findings_alone(session, http):
    """A client that failed a thousand times would fill the terminal; JSON has them all."""
    for _ in range(7):
        http.post(
            f"{session.url}/v1/messages", json=ASK | {"messages": []}, headers=VERSION | BEARER
        )
    url = f"{session.url}/_chaos/verdict"
    (said,) = (
        line
        for line in http.get(url, headers={"accept": "text/plain"}).text.splitlines()
        if "(valid_requests)" in line
    )
    assert (said.count(" was invalid: "), said.endswith("; … and 2 more")) == (5, True)
    (whole,) = (one for one in http.get(url).json()["promises"] if one["name"] == "valid_requests")
    assert len(whole["findings"]) == 7


@pytest.mark.parametrize("prefix", ["", "/~it", "/~it/v1", "/proxy"])
@pytest.mark.parametrize("headers", [{}, VERSION, {"host": "api.anthropic.com"}])
def test_control_api_is_found_behind_any_base_url(running, http, prefix, headers):
    """And whatever a client of a vendor sends with it."""
    running.session("it")
    reply = http.get(f"{running.url}{prefix}/_chaos/verdict", headers=headers)
    assert reply.json()["verdict"] == "UNKNOWN"


@pytest.mark.parametrize("what", ["verdict", "journal"])
def test_who_looks_at_a_session_that_nobody_began_begins_none(http, what):
    """A name that is mistyped is told with those that there are, in both forms."""
    with serving() as server:
        ask(http, f"{server.url}/~checkout")
        told = (
            "there is no session 'chekout': nothing was sent to it; there are 'checkout'",
            "there is no session 'chekout': nothing was sent to it; there are none with a name",
        )
        url = f"{server.url}/~chekout/_chaos/{what}"
        reply = http.get(url)
        assert (reply.status_code, reply.json()["error"]["message"]) == (404, told[0])
        reply = http.get(url, headers={"accept": "text/plain"})
        assert (reply.status_code, reply.text) == (404, f"{told[0]}\n")
        server.reset("checkout")
        assert http.get(url).json()["error"]["message"] == told[1]
        assert list(server.sessions) == []


@pytest.mark.parametrize("what", ["verdict", "journal"])
def test_sessions_that_were_begun_or_need_no_name_can_be_looked_at(http, what):
    """By a request, by what was posted, even by a reset; nothing is known of them then."""
    with serving() as server:
        http.post(f"{server.url}/~told/_chaos/faults", json=RATE)
        http.post(f"{server.url}/~anew/_chaos/reset")
        for base in (server.url, f"{server.url}/~told", f"{server.url}/~anew"):
            assert http.get(f"{base}/_chaos/{what}").status_code == 200


def test_of_many_sessions_some_are_named(http):
    """A clear line is a short one."""
    with serving() as server:
        for number in range(30):
            server.begin(f"s{number:02}")
        told = http.get(f"{server.url}/~x/_chaos/verdict").json()["error"]["message"]
    assert told.endswith("'s18', 's19', 10 more")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is no JSON"),
        (b"\xff\xfe{", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"[]", 'the body is no fault; write {"fault": "rate_limited"'),
        (b"{}", "fault: "),
        (b'{"fault": "rate_limitd"}', "did you mean 'rate_limited'?"),
        (b'{"fault": "rate_limited", "retry_aftr": 7}', "did you mean 'retry_after'?"),
        (b'{"fault": "rate_limited", "retry_after": "soon"}', "'soon' is not a duration"),
        (b'{"fault": "rate_limited", "when": {"calls": "some"}}', "when.calls: 'some'"),
        (b'{"fault": "empty_result"}', "no server reaches the tools"),
        (b'{"fault": "\\ud800"}', "there is no fault called"),
    ],
)
def test_bad_faults_are_told_with_what_to_write(body, told):
    """In one sentence, as everywhere."""
    reply = answer(Alone(), asked(body=body))
    assert reply.status == 400
    assert told in json.loads(reply.body)["error"]["message"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["/_chaos", "/_chaos/", "/_chaos/faulst", "/~x/_chaos/a/b"])
def test_unknown_operations_are_told_the_known_ones(method, path):
    """All four of them."""
    reply = answer(Alone(), asked(method=method, path=path))
    assert reply.status == 404
    assert "POST /_chaos/faults" in json.loads(reply.body)["error"]["message"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
FAULTY = st.dictionaries(
    st.sampled_from(["fault", "when", "retry_after", "optional", "calls", "turn"]) | st.text(),
    st.sampled_from(["rate_limited", "outage", "cut_stream", "7s", "1-3"]) | JSON,
)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    path=st.sampled_from(["faults", "verdict", "journal", "reset"]) | st.text(),
    body=st.binary() | (FAULTY | JSON).map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from([SESSION, "x-api-key", "authorization", "accept", "host"]), st.text()
    ),
)
def test_whatever_is_sent_gets_an_answer_that_can_be_read(method, path, body, headers):
    """Nothing raises, and every error says what is wrong."""
    request = asked(method, f"/_chaos/{path}", body, headers)
    assert is_control(request)
    reply = answer(Alone(), request)
    assert int(reply.headers["content-length"]) == len(reply.body)
    if reply.status != 200:
        assert json.loads(reply.body)["error"]["message"]


# Time.


@given(
    wait=st.floats(0.001, 10_000),
    scale=st.sampled_from([0.5, 1, 7, 60, 3600]) | st.floats(0.1, 10_000),
)
def test_scaled_retry_after_is_never_earlier_than_told(wait, scale):
    """Who waits for as long as the header says, on its own clock, comes back in time."""
    given_ = parse(
        'title = "Rate"\nworkload.prompt = "?"\npromises = [{ check = "no_crash" }]\n'
        f'[[faults]]\nfault = "rate_limited"\nwhen = {{ calls = 1 }}\nretry_after = {wait!r}\n',
        "rate.chaos.toml",
    )
    session = Session(given_, scale=scale)
    body = json.dumps(ASK).encode()
    headers = {"x-api-key": "k", **VERSION, "content-type": "application/json"}
    exchange = session.world.exchange(asked(path="/v1/messages", body=body, headers=headers))
    (refused,) = session.journal.of(Refused)
    (head,) = (step for step in exchange.steps if hasattr(step, "headers"))
    told = [
        int(head.headers["retry-after-ms"]) / 1000 if "retry-after-ms" in head.headers else None,
        float(head.headers["retry-after"]) if "retry-after" in head.headers else None,
    ]
    assert refused.retry_after == wait
    for seconds in filter(None, told):
        assert seconds * scale >= wait * (1 - 1e-9)
    assert any(told)


def test_scale_must_be_a_positive_number():
    """Time neither stands still nor runs backwards."""
    for scale in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="positive number"):
            RealClock(scale=scale)


def test_scaled_outage_ends_sooner(http):
    """45 minutes are over in less than a second, for those who come back as told."""
    with serving(scale=3600) as server:
        session = server.session()
        session.rate_limit(calls=1, retry_after="30m")
        first = ask(http, server.url)
        assert first.status_code == 429
        assert int(first.headers["retry-after-ms"]) == 500
        (started,) = session.journal.of(RunStarted)
        assert started.clock == "scaled ×3600"


# Where it runs.


def test_journal_is_kept_in_files_as_it_happens(tmp_path, http):
    """One for each session; a session that begins anew begins its file anew."""
    path = tmp_path / "out.jsonl"
    with serving(journal=path) as server:
        ask(http, server.url)
        ask(http, server.url, **{SESSION: "a b/c"})
        own = Journal.loads((tmp_path / "out.a-b-c.jsonl").read_text(encoding="utf-8"))
        assert len(list(own.of(Requested))) == 1
        server.reset("a b/c")
        server.session("a b/c")
    assert (
        Journal.loads(path.read_text(encoding="utf-8")).dumps() == server.session().journal.dumps()
    )
    again = Journal.loads((tmp_path / "out.a-b-c.jsonl").read_text(encoding="utf-8"))
    assert not list(again.of(Requested))


def test_journal_that_cannot_be_written_is_told(tmp_path):
    """Before the server starts."""
    with (
        pytest.raises(UsageError, match="cannot be written"),
        serving(journal=tmp_path / "no" / "x"),
    ):
        pass


@pytest.mark.parametrize("name", ["ENV", "NODE_ENV", "RAILS_ENV"])
@pytest.mark.parametrize("value", ["production", "PROD", "live"])
def test_production_is_refused(name, value):
    """And the text says what to do."""
    with pytest.raises(UsageError, match=f"{name}={value}: .*unset it"):
        not_in_production({name: value})


def test_other_stages_are_not_refused():
    """Most have one."""
    not_in_production({"ENV": "staging", "NODE_ENV": "test", "APP_ENV": ""})


def test_port_that_is_taken_is_told(running):
    """In one sentence, with the port."""
    port = running.loopback.port
    with pytest.raises(UsageError, match=f"127.0.0.1:{port}"), serving(port=port):
        pass


def test_a_session_begins_once(running):
    """However many threads ask for it at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    made = []
    server = Server(
        lambda name: made.append(name) or Session(BLANK, name=name),
        scale=1,
        port=0,
        address="127.0.0.1",
    )
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(server.session, ["x"] * 64))
    assert made == ["x"]
    assert len(set(map(id, found))) == 1


# The other tables of a scenario, over HTTP.

TABLES = {
    "title": "Set by a test runner",
    "provider": {"limits": {"requests_per_minute": 1}},
    "behaviour": {"use": "scripted", "turns": [{"text": "As scripted."}]},
    "faults": [{"fault": "overloaded", "when": {"calls": 3}}],
    "promises": [{"check": "bounded_calls", "max_calls": 9}],
    "workload": {"users": 3, "prompt": "Why?"},
    "tools": [{"name": "search", "input": {"query": "string"}, "result": {"text": "none"}}],
    "network": {"allow": ["telemetry.internal"]},
}


def test_all_tables_of_a_scenario_are_said_in_json(session, http):
    """Those that no provider has a hand in are named in the answer."""
    told = http.post(f"{session.url}/_chaos/scenario", json=TABLES)
    assert (told.status_code, told.json()["left_out"]) == (200, ["workload", "tools", "network"])
    answered = ask(http, session.url)
    assert answered.json()["content"][0]["text"] == "As scripted."
    assert answered.headers["anthropic-ratelimit-requests-limit"] == "1"
    assert ask(http, session.url).status_code == 429
    judged = http.get(f"{session.url}/_chaos/verdict").json()["promises"]
    assert "bounded_calls" in {one["name"] for one in judged}


def test_tables_that_are_wrong_change_nothing(session, http):
    """One mistake, and none of it is taken."""
    wrong = TABLES | {"faults": [{"fault": "overloded"}]}
    told = http.post(f"{session.url}/_chaos/scenario", json=wrong)
    assert told.status_code == 400
    assert "overloaded" in told.json()["error"]["message"]
    assert ask(http, session.url).json()["content"][0]["text"] != "As scripted."
    late = http.post(f"{session.url}/_chaos/scenario", json={"provider": {}})
    assert "before the first request" in late.json()["error"]["message"]
    assert http.post(f"{session.url}/_chaos/scenario", content=b"[]").status_code == 400


def test_replies_are_said_one_for_each_call(session, http):
    """Texts, and turns as a script has them."""
    call = {"tool": "search", "arguments": {"query": "deploy"}}
    told = http.post(f"{session.url}/_chaos/replies", json=["First.", {"call": call}])
    assert told.json()["replies"] == 2
    assert ask(http, session.url).json()["content"][0]["text"] == "First."
    (used,) = ask(http, session.url).json()["content"]
    assert (used["type"], used["name"], used["input"]) == ("tool_use", "search", call["arguments"])


@pytest.mark.parametrize("body", [b"{}", b"no", b"[3]", b'[{"txt": "?"}]'])
def test_bad_replies_are_told_with_what_to_write(session, http, body):
    """In one sentence."""
    told = http.post(f"{session.url}/_chaos/replies", content=body)
    assert told.status_code == 400
    assert 'write ["a text"' in told.json()["error"]["message"]


def test_damage_that_a_websocket_cannot_have_is_no_pass():
    """There are no headers to lie in: the rule never struck, and the report names it."""
    pytest.importorskip("websockets")
    with serving() as server:
        session = server.session("socket")
        session.fault("broken_compression", calls=1)
        client = openai.OpenAI(base_url=f"{session.url}/v1", api_key="any")
        with client, client.responses.connect() as connection:
            connection.response.create(model="gpt-5.4", input="Why did the last deploy fail?")
            assert next(e for e in connection if e.type == "response.completed")
        (idle,) = [one for one in session.judge() if one.name == "faults_struck"]
    assert idle.judgement.verdict is Verdict.UNKNOWN
    assert "BrokenCompression" in idle.judgement.reason
