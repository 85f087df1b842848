"""The routing headers of the stateless era, which must say what the body says."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["mismatch"]

_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ENCODED = re.compile(r"=\?base64\?(.*)\?=")


def mismatch(message: dict[str, Any], version: object, headers: Mapping[str, str]) -> str:
    """Return how the headers contradict the body; empty where they do not."""
    told = headers.get("mcp-protocol-version")
    if told is None or told != version:
        return "mcp-protocol-version header does not match the request envelope's protocol version"
    method = message["method"]
    if headers.get("mcp-method") != method:
        return "mcp-method header does not match the request body's method"
    key = _NAMED.get(method)
    named = message["params"].get(key) if key is not None else None
    if named is not None and _decoded(headers.get("mcp-name")) != named:
        return f"mcp-name header does not match the request body's {key!r} parameter"
    return ""


def _decoded(value: str | None) -> str | None:
    found = _ENCODED.fullmatch(value) if value is not None else None
    if found is None:
        return value
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
