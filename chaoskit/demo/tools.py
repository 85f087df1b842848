"""The tools of the demo agents, and what the agents tell their models about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["FUNCTIONS", "SPECS", "account_status", "search_logs"]

_LOGS = (
    {"id": "dep-4711", "line": "deploy 4711 failed: migration 0042 timed out after 30 s"},
    {"id": "dep-4712", "line": "deploy 4712 rolled back: health check returned 503"},
    {"id": "err-0815", "line": "checkout error: connection pool exhausted at 18:04"},
)


def search_logs(query: str) -> dict[str, Any]:
    """Return the log lines that share a word with the query, or all if none does."""
    words = set(query.lower().split())
    hits = [entry for entry in _LOGS if words & set(entry["line"].lower().split())]
    return {"results": list(hits or _LOGS)}


def account_status(service: str, api_key: str) -> dict[str, Any]:
    """Return the state of the account of a service, which answers only to its key."""
    return {"service": service.lower(), "active": bool(api_key.strip()), "plan": "team-annual"}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "search_logs": search_logs,
    "account_status": account_status,
}

SPECS: tuple[dict[str, Any], ...] = (
    {
        "name": "search_logs",
        "description": "Search the deploy and error logs. Returns matching lines.",
        "input_schema": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "words to look for, such as 'deploy'"}
            },
            "required": ["query"],
            "additionalProperties": False,
        },
    },
    {
        "name": "account_status",
        "description": "Look up the status of the account with a service, using its api key.",
        "input_schema": {
            "type": "object",
            "properties": {
                "service": {"type": "string", "description": "name of the service"},
                "api_key": {"type": "string", "description": "the key of the account"},
            },
            "required": ["service", "api_key"],
            "additionalProperties": False,
        },
    },
)
