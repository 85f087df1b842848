"""The tools of the demo agents, and what the agents tell their models about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = [
    "FUNCTIONS",
    "SPECS",
    "account_status",
    "find_refunds",
    "refund_order",
    "search_logs",
    "send_email",
]

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


def refund_order(order_id: str, amount: float) -> dict[str, Any]:
    """Pay money back; a real one would do so, and do it again when called again."""
    return {"order_id": order_id, "amount": amount, "status": "refunded"}


def find_refunds(order_id: str) -> list[dict[str, Any]]:
    """Return the refunds of an order."""
    return [{"order_id": order_id, "amount": 80.0, "status": "refunded"}]


def send_email(to: str, subject: str, body: str) -> dict[str, Any]:
    """Send a message; a real one would reach somebody."""
    return {"to": to, "subject": subject, "sent": bool(body)}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "search_logs": search_logs,
    "account_status": account_status,
    "refund_order": refund_order,
    "find_refunds": find_refunds,
    "send_email": send_email,
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
    {
        "name": "refund_order",
        "description": "Refund a purchase: pays money back to the customer.",
        "input_schema": {
            "type": "object",
            "properties": {
                "order_id": {"type": "string", "description": "number of the order"},
                "amount": {"type": "number", "description": "in USD"},
            },
            "required": ["order_id", "amount"],
            "additionalProperties": False,
        },
    },
    {
        "name": "find_refunds",
        "description": "Look up which refunds a purchase has had.",
        "input_schema": {
            "type": "object",
            "properties": {"order_id": {"type": "string", "description": "number of the order"}},
            "required": ["order_id"],
            "additionalProperties": False,
        },
    },
    {
        "name": "send_email",
        "description": "Send an email to a customer or a colleague.",
        "input_schema": {
            "type": "object",
            "properties": {
                "to": {"type": "string", "description": "address"},
                "subject": {"type": "string"},
                "body": {"type": "string"},
            },
            "required": ["to", "subject", "body"],
            "additionalProperties": False,
        },
    },
)
