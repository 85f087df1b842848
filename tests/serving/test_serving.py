"""The provider as a server: sessions, their isolation, how they are judged, and scaled time."""

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
from chaoskit.errors import UsageError
from chaoskit.freely import PromiseBroken
from chaoskit.journal import Delivered, Journal, Refused, Requested, RunStarted
from chaoskit.provider.prices import _library, _looked_up
from chaoskit.provider.service import Service
from chaoskit.scenario import parse
from chaoskit.serving import Server, Session, not_in_production, serving
from chaoskit.sessions import KEY, SESSION, session_of
from served_sessions import ASK, BLANK, CHAT, VERSION, ask, asked

NAMES = st.text(string.ascii_letters + string.digits + "-_.: ()[]=", min_size=1, max_size=20)


@pytest.fixture
def priceless(monkeypatch):
    """Nothing is known of prices, and nothing can be loaded."""
    _library.cache_clear()
    _looked_up.cache_clear()
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    yield
    _library.cache_clear()
    _looked_up.cache_clear()


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
