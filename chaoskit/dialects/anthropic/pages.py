"""Lists in pages, as the SDK walks through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import invalid

__all__ = ["bounds", "page"]

_LIMIT = 20
_MOST = 1000


def bounds(query: Mapping[str, str]) -> dict[str, object]:
    """Return which page a query asks for.

    Raises:
        RefusedError: its `limit` is no number, or not among the allowed ones.
    """
    limit = query.get("limit", str(_LIMIT))
    if not limit.isascii() or not limit.isdigit():
        raise invalid(
            "limit: Input should be a valid integer, unable to parse string as an integer"
        )
    if int(limit) < 1:
        raise invalid("limit: Input should be greater than or equal to 1")
    if int(limit) > _MOST:
        raise invalid(f"limit: Input should be less than or equal to {_MOST}")
    found: dict[str, object] = {"limit": int(limit)}
    return found | {name: query[name] for name in ("after_id", "before_id") if name in query}


def page(things: Sequence[Json], wanted: Mapping[str, object]) -> Json:
    """Return one page of things, which are in the order of the list."""
    names = [thing["id"] for thing in things]
    limit = wanted.get("limit", _LIMIT)
    size = limit if isinstance(limit, int) else _LIMIT
    after, before = wanted.get("after_id"), wanted.get("before_id")
    if before in names:
        end = names.index(before)
        start = max(0, end - size)
        more = start > 0
    else:
        start = names.index(after) + 1 if after in names else 0
        end = start + size
        more = end < len(names)
    found = list(things[start:end])
    return {
        "data": found,
        "has_more": more,
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
    }
