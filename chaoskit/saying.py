"""What a tool result says to a model: whether it is an error."""

from __future__ import annotations

import json
import re

from chaoskit.journal import GotResult

__all__ = ["says_error"]

_SAYS_ERROR = re.compile(
    r"\b(errors?|exception|traceback|invalid|malformed|missing|required|unexpected|expected|"
    r"must be|not a valid|not allowed|unknown (tool|function|argument)|no such tool|"
    r"does not exist|not found|bad arguments?|wrong type|reject\w*|refused|cannot|could not)\b",
    re.IGNORECASE,
)
_BAD_IF_TRUE = frozenset({"error", "errors", "is_error", "iserror", "exception", "problems"})
_BAD_IF_FALSE = frozenset({"ok", "success", "valid"})
_BAD_IF_ERROR = frozenset({"status", "type", "result", "code"})
_TEXTS = frozenset({"message", "detail", "reason", "content"})
_HEAD = 200


def says_error(result: GotResult) -> bool:
    """Tell whether a result is an error: by its flag, a key that says so, or how it begins."""
    if result.is_error:
        return True
    try:
        value = json.loads(result.text)
    except ValueError:
        return _SAYS_ERROR.search(result.text[:_HEAD]) is not None
    if isinstance(value, str):
        return _SAYS_ERROR.search(value[:_HEAD]) is not None
    return isinstance(value, dict) and any(_bad(str(key), item) for key, item in value.items())


def _bad(key: str, value: object) -> bool:
    name = key.lower()
    if name in _BAD_IF_TRUE:
        return bool(value)
    if name in _BAD_IF_FALSE:
        return value is False
    if name in _BAD_IF_ERROR:
        return isinstance(value, str) and "error" in value.lower()
    if name in _TEXTS:
        return isinstance(value, str) and _SAYS_ERROR.search(value[:_HEAD]) is not None
    return False
