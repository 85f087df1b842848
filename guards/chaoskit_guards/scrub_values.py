"""Whether a value beside a telling name is a secret, or only speaks of one."""

# ruff: noqa: SIM905 - word lists read best as running text

from __future__ import annotations

import re

__all__ = ["is_blank", "is_random", "is_secret_value"]

_BLANK = re.compile(
    r"""(?:<[^>]*>|\$\{?\(?[A-Za-z_][\w.:-]*\)?\}?|\{\{?[^{}]*\}?\}|%\(?\w*\)?s|[xX]{3,}|[*.•_-]{2,}
    |your[-_ ].*|.*[-_ ]here|change[-_ ]?me|placeholder|example|todo|tbd|n/?a|redacted|\[[^\]]*\]
    |(?:process\.env|os\.environ|os\.getenv|env|ENV|secrets|vars|settings|config|self|args|opts
    |options|kwargs|params|request|req|ctx)[.\[(].*
    |(?:str|string|int|integer|number|float|bool|boolean|bytes|object|array|list|dict|null|none
    |nil|undefined|true|false|yes|no|on|off|any|optional|required|secretstr|char|varchar|text)
    \??(?:\s*\|.*)?)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LOOKUP = re.compile(
    r"[A-Za-z_][\w.]*[(\[]|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\Z|await\b|new\b|lambda\b"
)
_PROSE = re.compile(
    r"\b(?:the|a|an|is|are|be|to|must|your|at|of|for|not|and|or|with|in|was|has|if|that|this)\b",
    re.IGNORECASE,
)
_STATUS = frozenset(
    """accepted authentication available bad changed checked correct cancelled denied disabled empty
    enabled encrypted error expired failed field form found given hidden incorrect input invalid
    issued length locked login manager missing mismatch needed never none not ok policy present
    provided received refused rejected required reset revoked rotated sent set strength stored
    success too type unknown unset updated usage used valid validation verified weak wrong protected
    strong secure secret password token key value default unchanged""".split()
)
_DIGIT = re.compile(r"\d")
_ALPHA = re.compile(r"[^\W\d_]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_]*")


def is_blank(value: str) -> bool:
    """Tell whether a value is empty, a type, a placeholder or a look-up rather than a secret."""
    return not value.strip() or _BLANK.fullmatch(value.strip()) is not None


def is_random(value: str) -> bool:
    """Tell whether a value looks made by a machine: digits among letters, or odd case, or long."""
    if len(value) < 6:
        return False
    digits = _DIGIT.search(value) is not None
    alpha = _ALPHA.search(value) is not None
    if digits and (alpha or len(value) >= 12):
        return True
    inner = value[1:]
    mixed = inner.lower() != inner and inner.upper() != inner
    return (mixed and value.isalnum() and len(value) >= 8) or (
        alpha and not value.isalnum() and mixed
    )


def is_secret_value(value: str, *, by: str, human: bool, quoted: bool, last: bool) -> bool:
    """Tell whether the value of an assignment is a secret.

    Args:
        value: what stands there.
        by: `=`, `:`, `flag`, `is` or `pair`: how the name and the value are joined.
        human: the name is one for which people choose the value (a password).
        quoted: the value stands in quotes.
        last: nothing but an end follows: of the line, the list, the object.
    """
    value = value[:256]
    if by in ("is", "pair") and not quoted and not is_random(value):
        return False
    if is_blank(value) or (not quoted and _LOOKUP.match(value)):
        return False
    if " " in value:
        return not _PROSE.search(value) and (human or quoted)
    if by in ("is", "pair"):
        return is_random(value) or (by == "is" and quoted and value.lower() not in _STATUS)
    if is_random(value):
        return True
    if value.lower() in _STATUS and not (quoted or by == "flag"):
        return False
    if quoted or (by == "=" and human):
        return len(value) >= (1 if human else 4) and not value.startswith("--")
    if _IDENTIFIER.fullmatch(value):
        return human and len(value) >= 4 and last and value.islower() and "_" not in value
    if value.isdigit():
        return human and len(value) >= 4
    return len(value) >= 4 and last
