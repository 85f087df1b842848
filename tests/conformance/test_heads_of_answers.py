"""What clients of the server read in the heads of its answers."""

import pytest

from chaoskit.serving import serving

CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Why?"}]}
CLAUDE = CHAT | {"model": "claude-sonnet-4-6", "max_tokens": 50}
VERSION = {"anthropic-version": "2023-06-01"}
BEARER = {"authorization": "Bearer k"}
VENDORS = {
    "anthropic": ("/v1/messages", CLAUDE, VERSION, "anthropic-organization-id"),
    "openai": ("/v1/chat/completions", CHAT, {}, "openai-organization"),
}
LIMITS = {
    "anthropic": ("anthropic-ratelimit-requests", ("limit", "remaining", "reset")),
    "openai": ("x-ratelimit", ("limit-requests", "remaining-requests", "reset-requests")),
}


@pytest.mark.wire("engine.heads.exhausted_limit")
@pytest.mark.parametrize("vendor", VENDORS)
def test_refusal_by_a_fault_agrees_with_the_limits_beside_it(http, session, vendor):
    """On the first call, too: nothing is left of what the fault names."""
    path, body, headers, _ = VENDORS[vendor]
    session.rate_limit(calls=1, retry_after=7)
    refused = http.post(session.url + path, json=body, headers=headers | BEARER)
    head, names = LIMITS[vendor]
    told = [refused.headers[f"{head}-{name}"] for name in names]
    assert (refused.status_code, told[:2]) == (429, ["1000", "0"])
    assert "Limit 0" not in refused.text
    if vendor == "openai":
        assert told[2] == "7s"


@pytest.mark.wire("engine.heads.scaled_resets")
def test_resets_of_limits_are_told_in_the_clients_own_seconds(http):
    """As waits are: whoever sleeps until then sleeps no longer than the world takes."""
    with serving(scale=60) as server:
        reply = http.post(f"{server.url}/v1/chat/completions", json=CHAT, headers=BEARER)
    assert reply.headers["x-ratelimit-reset-requests"] == "1ms"


@pytest.mark.wire("engine.heads.organization")
@pytest.mark.parametrize("vendor", VENDORS)
def test_organization_is_named_to_whoever_has_a_key(http, session, vendor):
    """Though the request be invalid; without a key nobody is known."""
    path, body, headers, name = VENDORS[vendor]
    body = body | {"messages": []}
    with_key = http.post(session.url + path, json=body, headers=headers | BEARER)
    without = http.post(session.url + path, json=body, headers=headers)
    assert (with_key.status_code, without.status_code) == (400, 401)
    assert (name in with_key.headers, name in without.headers) == (True, False)


@pytest.mark.wire("engine.heads.end_of_a_body")
def test_events_of_a_kept_response_end_on_a_connection_that_does_not(http, session):
    """They come again to whoever lost them, and the client is told where they end."""
    asked = {"model": "gpt-5.4", "input": "Why?", "background": True}
    made = http.post(f"{session.url}/v1/responses", json=asked, headers=BEARER).json()
    url = f"{session.url}/v1/responses/{made['id']}?stream=true&starting_after=3"
    assert "event: response.completed" in http.get(url, headers=BEARER).text
