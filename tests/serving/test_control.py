"""The control API: what test runners in any language say to the server, and what they are told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit.control import answer, is_control
from chaoskit.journal import Journal, Requested
from chaoskit.serving import Session, serving
from chaoskit.sessions import SESSION
from served_sessions import ASK, BEARER, BLANK, RATE, VERSION, ask, asked


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


# The other tables of a scenario.

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
