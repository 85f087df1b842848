"""Ids in the formats of the Claude API."""

from __future__ import annotations

import random

from chaoskit.dialects._random import Alphabet

__all__ = [
    "batch_id",
    "container_id",
    "file_id",
    "message_id",
    "request_id",
    "server_tool_use_id",
    "tool_use_id",
]

_BASE58 = Alphabet("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")


def message_id(ids: random.Random) -> str:
    """Return a new id of a message."""
    return f"msg_01{_BASE58.draw(ids, 22)}"


def tool_use_id(ids: random.Random) -> str:
    """Return a new id of a tool call."""
    return f"toolu_01{_BASE58.draw(ids, 22)}"


def server_tool_use_id(ids: random.Random, *, mcp: bool = False) -> str:
    """Return a new id of a call that the vendor carries out, itself or at an MCP server."""
    return f"{'mcptoolu' if mcp else 'srvtoolu'}_01{_BASE58.draw(ids, 22)}"


def container_id(ids: random.Random) -> str:
    """Return a new id of a container in which code runs."""
    return f"container_01{_BASE58.draw(ids, 22)}"


def batch_id(ids: random.Random) -> str:
    """Return a new id of a batch."""
    return f"msgbatch_01{_BASE58.draw(ids, 22)}"


def file_id(ids: random.Random) -> str:
    """Return a new id of a file."""
    return f"file_01{_BASE58.draw(ids, 22)}"


def request_id(ids: random.Random) -> str:
    """Return a new id of an HTTP request."""
    return f"req_01{_BASE58.draw(ids, 22)}"
