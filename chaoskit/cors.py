"""What the vendors let the pages of other sites do: browsers ask before they send.

A browser sends `OPTIONS` before a request that is not simple. The vendors' edges answer that; no
call reaches the API, so none is counted, limited or damaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.steps import Head, Step

__all__ = ["DIRECT", "answer", "asks", "readable"]

DIRECT = "anthropic-dangerous-direct-browser-access"
"""The header by which a page tells the Claude API that it means it."""

_METHOD = "access-control-request-method"
_HEADERS = "access-control-request-headers"
_ANYBODY = {"access-control-allow-origin": "*"}
_EXPOSED = {"openai": "X-Request-ID", "anthropic": "*"}


def asks(request: HttpRequest) -> bool:
    """Tell whether a browser asks what it may send."""
    headers = request.headers
    return request.method == "OPTIONS" and "origin" in headers and _METHOD in headers


def answer(request: HttpRequest) -> HttpReply:
    """Let a browser send what it asks for."""
    headers = _ANYBODY | {"access-control-allow-methods": request.headers[_METHOD]}
    if wanted := request.headers.get(_HEADERS):
        headers["access-control-allow-headers"] = wanted
    return HttpReply.whole(200, headers)


def readable(
    steps: tuple[Step, ...], request: Mapping[str, str], provider: str
) -> tuple[Step, ...]:
    """Return the steps of an answer with the headers by which a page may read it.

    Args:
        request: headers of what is answered, which names its origin.
    """
    if provider == "anthropic" and DIRECT not in request:
        return steps
    more = _ANYBODY | {"access-control-expose-headers": _EXPOSED.get(provider, "*")}
    return tuple(
        [
            replace(step, headers={**step.headers, **more})
            if isinstance(step, Head) and step.status
            else step
            for step in steps
        ]
    )
