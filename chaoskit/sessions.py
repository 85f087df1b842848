"""How a request to the server says whose it is: a session, or a user of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from chaoskit.agent import DUMMY_KEY, KEYS
from chaoskit.errors import UsageError
from chaoskit.exchange import HttpRequest

__all__ = ["KEY", "NOWHERE", "SESSION", "environment_of", "past_proxies", "session_of", "url_of"]

SESSION = "x-chaos-session"
"""The header by which a request names its session."""

KEY = "chaos-"
"""An API key that begins so names a session by what follows."""

NOWHERE = "there is no session "
"""How an answer begins that tells of a session that nobody began."""

_PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_BEARER = re.compile(r"bearer\s+", re.IGNORECASE)
_IN_PATH = re.compile(r"/~([^/]+)(?=/|$)")


def session_of(request: HttpRequest) -> str:
    """Return the name of the session that a request belongs to; empty where it names none.

    It is said, first come first served, by the header `x-chaos-session: NAME`, by a path that
    begins with `/~NAME/`, or by an API key `chaos-NAME`, with which every SDK is content.
    """
    headers = request.headers
    if name := headers.get(SESSION, ""):
        return name
    if found := _IN_PATH.match(request.path):
        return found[1]
    key = headers.get("x-api-key") or _BEARER.sub("", headers.get("authorization", ""), count=1)
    return key.removeprefix(KEY).strip() if key.startswith(KEY) else ""


def url_of(server: str, name: str) -> str:
    """Return the base URL of a session.

    Raises:
        UsageError: no path can carry the name.
    """
    if "/" in name:
        raise UsageError(f"no path can carry {name!r} as a session; leave out the slash")
    return f"{server}/~{quote(name, safe='')}" if name else server


def environment_of(server: str, name: str) -> dict[str, str]:
    """Return the variables by which the vendors' SDKs find a session, with dummy keys.

    `CHAOS_MCP_URL` and `CHAOS_TOOLS_URL` are for the agent itself, where its MCP server and the
    APIs that its tools call are configured.
    """
    url = url_of(server, name)
    return {
        "ANTHROPIC_BASE_URL": url,
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_BASE": f"{url}/v1",  # the older name, which frameworks prefer where it is set
        "CHAOS_MCP_URL": f"{url}/mcp",
        "CHAOS_TOOLS_URL": url,
        **dict.fromkeys(KEYS, f"{KEY}{name}" if name else DUMMY_KEY),
    }


def past_proxies(server: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which clients go past the proxy that an environment names.

    A proxy elsewhere does not reach this machine. Empty where none is named.
    """
    host = urlsplit(server).hostname or ""
    if not any(map(environment.get, _PROXIES)):
        return {}
    return {
        name: ",".join(filter(None, (environment.get(name), host)))
        for name in ("NO_PROXY", "no_proxy")
    }
