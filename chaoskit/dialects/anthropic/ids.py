"""Ids in the formats of the Claude API."""

from __future__ import annotations

import random

__all__ = ["message_id", "request_id", "tool_use_id"]

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _tail(ids: random.Random) -> str:
    return "".join(ids.choices(_BASE58, k=22))


def message_id(ids: random.Random) -> str:
    """Return a new id of a message."""
    return f"msg_01{_tail(ids)}"


def tool_use_id(ids: random.Random) -> str:
    """Return a new id of a tool call."""
    return f"toolu_01{_tail(ids)}"


def request_id(ids: random.Random) -> str:
    """Return a new id of an HTTP request."""
    return f"req_01{_tail(ids)}"
