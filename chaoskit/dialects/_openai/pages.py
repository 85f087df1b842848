"""Lists in pages, as the SDK walks through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaoskit.dialects._json import Json

__all__ = ["listed", "page"]

_LIMIT = 20
_MOST = 100


def page(things: Sequence[Json], query: Mapping[str, str]) -> Json:
    """Return one page of things, the newest first unless `order` says otherwise."""
    ordered = list(things) if query.get("order") == "asc" else list(reversed(things))
    after = query.get("after")
    if after:
        names = [thing["id"] for thing in ordered]
        ordered = ordered[names.index(after) + 1 :] if after in names else []
    given = query.get("limit", "")
    limit = min(int(given), _MOST) if given.isascii() and given.isdigit() and int(given) else _LIMIT
    return listed(ordered[:limit], more=len(ordered) > limit)


def listed(things: Sequence[Json], *, more: bool) -> Json:
    """Return a list with the ids of its ends."""
    return {
        "object": "list",
        "data": list(things),
        "first_id": things[0]["id"] if things else None,
        "last_id": things[-1]["id"] if things else None,
        "has_more": more,
    }
