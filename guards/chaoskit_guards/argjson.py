"""JSON as a model writes it, read more strictly than Python does.

Of two members with one name Python keeps the last, and it takes NaN for a number; a tool must not
run with an argument that the model may not have meant.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["Ambiguous", "loads"]


class Ambiguous(ValueError):  # noqa: N818 - what the text is
    """The text names a member twice, or has a number that JSON does not know."""


def loads(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is none; `Ambiguous` where Python would take it all the same.
    """
    return json.loads(text, object_pairs_hook=_members, parse_constant=_constant)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise Ambiguous("the arguments give one name twice in the same object")
    return made


def _constant(name: str) -> NoReturn:
    raise Ambiguous(f"the arguments hold {name}, which JSON does not know")
