"""Pages of browsers ask before they send, and read what they may."""

import pytest

ASK = {"messages": [{"role": "user", "content": "Why?"}]}
DIRECT = {"anthropic-dangerous-direct-browser-access": "true"}
ORIGIN = {"origin": "https://app.example"}
PREFLIGHT = ORIGIN | {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
}
VENDORS = {
    "anthropic": (
        "/v1/messages",
        ASK | {"model": "claude-sonnet-4-6", "max_tokens": 50},
        {"anthropic-version": "2023-06-01", "x-api-key": "k"},
    ),
    "chat": (
        "/v1/chat/completions",
        ASK | {"model": "gpt-5-mini"},
        {"authorization": "Bearer k"},
    ),
    "responses": (
        "/v1/responses",
        {"model": "gpt-5-mini", "input": "Why?"},
        {"authorization": "Bearer k"},
    ),
}


@pytest.mark.wire("engine.browsers.preflight")
@pytest.mark.parametrize("vendor", VENDORS)
def test_preflight_is_answered_and_is_no_call(http, session, vendor):
    """No fault, no limit and no promise has to do with it."""
    path, body, headers = VENDORS[vendor]
    session.fail(503, calls=1)
    asked = http.options(session.url + path, headers=PREFLIGHT)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["access-control-allow-origin"] == "*"
    assert asked.headers["access-control-allow-methods"] == "POST"
    assert asked.headers["access-control-allow-headers"] == "authorization,content-type"
    assert [type(event).__name__ for event in session.journal] == ["RunStarted", "RuleAdded"]
    sent = [http.post(session.url + path, json=body, headers=headers) for _ in range(2)]
    assert [one.status_code for one in sent] == [503, 200]
    session.verify()


@pytest.mark.wire("engine.browsers.answers")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", VENDORS)
def test_pages_may_read_answers_and_refusals(http, session, vendor, stream):
    """Streams as well; who is no page is told nothing of it."""
    path, body, headers = VENDORS[vendor]
    for sent in (body | {"stream": stream}, {}):
        read = http.post(session.url + path, json=sent, headers=headers | ORIGIN | DIRECT)
        assert read.headers["access-control-allow-origin"] == "*"
        assert read.headers["access-control-expose-headers"] in ("*", "X-Request-ID")
        plain = http.post(session.url + path, json=sent, headers=headers)
        assert not [name for name in plain.headers if name.startswith("access-control")]


@pytest.mark.wire("engine.browsers.undeclared")
def test_page_that_does_not_say_so_is_refused_by_claude(http, session):
    """So are proxies that hand on the origin of a page."""
    path, body, headers = VENDORS["anthropic"]
    refused = http.post(session.url + path, json=body, headers=headers | ORIGIN)
    assert refused.status_code == 401
    assert refused.json()["error"] == {
        "type": "authentication_error",
        "message": "CORS requests must set 'anthropic-dangerous-direct-browser-access' header",
    }
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.wire("engine.browsers.other_options")
@pytest.mark.parametrize("vendor", VENDORS)
def test_other_options_is_a_wrong_method(http, session, vendor):
    """In the vendor's own shape; nobody knows what production says."""
    refused = http.options(session.url + VENDORS[vendor][0])
    assert refused.status_code == 405
    assert refused.json()["error"]["type"] == "invalid_request_error"
