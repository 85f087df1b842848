"""Requests to the provider as a server, and how a client sends them."""

from chaoskit.exchange import HttpRequest
from chaoskit.scenario import parse

ASK = {
    "model": "claude-sonnet-4-6",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Why?"}],
}
CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Why?"}]}
BEARER = {"authorization": "Bearer k"}
VERSION = {"anthropic-version": "2023-06-01"}
RATE = {"fault": "rate_limited", "when": {"calls": 1}, "retry_after": "7s"}
BLANK = parse(
    'title = "Blank"\nworkload.prompt = "?"\npromises = [{ check = "no_crash" }]\n', "x.chaos.toml"
)


def ask(http, url, **headers):
    """Ask Claude once, and return the response."""
    sent = VERSION | {"x-api-key": "k"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return http.post(f"{url}/v1/messages", json=ASK, headers=sent)


def asked(method="POST", path="/_chaos/faults", body=b"", headers=None):
    """A request as the server hands it over."""
    return HttpRequest(
        method=method, host="x", path=path, query="", headers=headers or {}, body=body
    )
