"""Where in a model's answer the JSON stands, and what has to be undone to read it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from chaoskit_guards.argjson import Ambiguous, loads
from chaoskit_guards.loose_json import NotJson, read

__all__ = ["Candidate", "candidates"]

_FENCE = re.compile(r"```[ \t]*[\w+-]*[ \t]*\r?\n(.*?)(?:\r?\n[ \t]*```|\Z)", re.DOTALL)
_OPENING = re.compile(r"[{\[]")
_BRACKET = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"', re.DOTALL)
_MOST = 16
"""Places in a text at which a value is looked for."""


@dataclass(slots=True, kw_only=True)
class Candidate:
    """Something in an answer that may be the value.

    Attributes:
        value: the value; of an incomplete one what is complete.
        repairs: what was undone to read it.
        cut: the text ends within it.
        closed: how many brackets were missing at its end, where all values in it are complete.
    """

    value: Any
    repairs: list[str] = field(default_factory=list)
    cut: bool = False
    closed: int = 0


def candidates(text: str, *, repair: bool) -> list[Candidate]:
    """Return what may be the value, in order; several where the text does not say which.

    Raises:
        NotJson: there is nothing that looks like it, or what does is broken.
    """
    try:
        return [Candidate(value=loads(text.strip()))]
    except Ambiguous as error:
        raise NotJson(str(error), 0) from None
    except RecursionError:
        raise NotJson("is nested too deeply", 0) from None
    except ValueError as error:
        if not repair:
            raise NotJson("is no JSON, or holds more than that", getattr(error, "pos", 0)) from None
    fences = [(match.start(1), match.group(1)) for match in _FENCE.finditer(text)]
    found: list[Candidate] = []
    broken: NotJson | None = None
    for at, body in fences[:_MOST]:
        try:
            found += _within(body, at, "a code fence")
        except NotJson as error:
            broken = broken or error
    if not found and broken is not None:
        raise broken
    if not found:
        found = _within(text, 0, "text around it")
    if not found:
        raise NotJson("holds no JSON", 0)
    return found


def _end(text: str, at: int) -> int:
    """Return where the bracket at `at` is closed; the end of the text where it is not."""
    depth = 0
    for match in _BRACKET.finditer(text, at):
        if match.group() in ("{", "["):
            depth += 1
        elif match.group() in ("}", "]"):
            depth -= 1
            if depth == 0:
                return match.end()
    return len(text)


def _within(text: str, offset: int, around: str) -> list[Candidate]:
    found: list[Candidate] = []
    first: NotJson | None = None
    at = 0
    for _ in range(_MOST):
        opening = _OPENING.search(text, at)
        if opening is None:
            break
        try:
            loose = read(text, opening.start())
        except NotJson as error:
            # A part of broken JSON must not pass for the whole: what is within is passed over.
            at = _end(text, opening.start())
            if first is None and (error.within or not text[: opening.start()].strip()):
                first = NotJson(str(error), offset + error.at)
            continue
        rest = text[: opening.start()].strip() or text[loose.end :].strip()
        repairs = [*loose.repairs]
        if rest or around != "text around it":
            repairs.append(around)
        made = Candidate(value=loose.value, repairs=repairs, cut=loose.incomplete)
        made.closed = 0 if loose.incomplete else loose.closed
        found.append(made)
        at = loose.end
    if not found and first is not None:
        raise first
    return found
