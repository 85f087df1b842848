"""Cut a JSON value or a text to a number of characters, so that it stays one and says what is gone.

Lists keep their first and last items whole, objects their names, texts their beginning and end. In
the place of what is gone stands how much it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chaoskit_guards.argnodes import child

__all__ = [
    "LEAST",
    "Cutter",
    "ResultCut",
    "as_said",
    "as_text",
    "cut_text",
    "cut_value",
    "shares",
    "written",
]

LEAST = 5
"""Characters in which any value can be said to be gone."""

_GONE = "[…]"
_HEAD = 0.7
"""Share of what is kept that is taken from the beginning."""

_SHARE = 8
"""A list shows so many of its items, in pieces, before it shows fewer of them whole."""

_MARK = 64
"""Characters for a mark that says how much is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultCut:
    """One place where something is gone.

    Attributes:
        pointer: where, as a JSON pointer; empty for the whole.
        what: what it consists of.
        kept: how many of them are shown.
        total: how many there were.
    """

    pointer: str
    what: Literal["characters", "items", "members", "images", "blocks"]
    kept: int
    total: int

    def __str__(self) -> str:
        place = f"{self.pointer}: " if self.pointer else ""
        return f"{place}{self.kept:,} of {self.total:,} {self.what} shown"


Cuts = list[ResultCut]


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def written(value: object) -> str:
    """Return a JSON value as text.

    Raises:
        TypeError, ValueError, RecursionError: it is none.
    """
    return _encode(value)


def as_text(value: object) -> str:
    """Return a result as it is counted: its JSON, or the text that it has."""
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return as_said(value)


def as_said(value: object) -> str:
    """Return the text that a value has."""
    try:
        return str(value)
    except RecursionError:
        return f"[a {type(value).__name__} that is nested too deeply to be shown]"


def cut_text(text: str, room: int, pointer: str, cuts: Cuts, *, quoted: bool = False) -> str:
    """Return at most `room` characters of a text, its beginning and its end.

    With `quoted` the room is that of the text as JSON, where some characters need two or six.
    """
    size = (lambda part: len(written(part)) - 2) if quoted else len
    room -= 2 if quoted else 0
    if size(text) <= room:
        return text
    if room < len(_GONE):
        cuts.append(ResultCut(pointer=pointer, what="characters", kept=0, total=len(text)))
        return ""
    mark = f"[… {len(text):,} of {len(text):,} characters not shown …]"
    left = room - len(mark)
    if left < 8:
        cuts.append(ResultCut(pointer=pointer, what="characters", kept=0, total=len(text)))
        whole = f"[{len(text):,} characters not shown]"
        return whole if len(whole) <= room else _GONE
    head = _fitting(text, round(left * _HEAD), size, from_end=False)
    tail = _fitting(text[len(head) :], left - size(head), size, from_end=True)
    gone = len(text) - len(head) - len(tail)
    cuts.append(
        ResultCut(pointer=pointer, what="characters", kept=len(text) - gone, total=len(text))
    )
    return f"{head}[… {gone:,} of {len(text):,} characters not shown …]{tail}"


def _fitting(text: str, room: int, size: Any, *, from_end: bool) -> str:
    """Return the longest beginning or end that fits, at a word's edge where one is near."""
    low, high = 0, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        part = text[len(text) - middle :] if from_end else text[:middle]
        low, high = (middle, high) if size(part) <= room else (low, middle - 1)
    if low == len(text):
        return text
    near = max(1, low // 8)
    if from_end:
        part = text[len(text) - low :]
        blank = min(
            (at for at in (part.find(" ", 0, near), part.find("\n", 0, near)) if at >= 0),
            default=-1,
        )
        return part[blank + 1 :]
    part = text[:low]
    blank = max(part.rfind(" ", low - near), part.rfind("\n", low - near))
    return part if blank < 0 else part[: blank + 1]


def cut_value(value: Any, room: int, pointer: str, cuts: Cuts) -> Any:
    """Return a JSON value whose text has at most `room` characters, at least `LEAST`."""
    return Cutter().cut(value, room, pointer, cuts)


class Cutter:
    """Cuts one value, to several sizes; what its parts measure is found out once."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}  # of the lists and objects in it, which live meanwhile

    def cut(self, value: Any, room: int, pointer: str, cuts: Cuts) -> Any:
        """Return a JSON value whose text has at most `room` characters, at least `LEAST`."""
        if isinstance(value, str):
            return cut_text(value, room, pointer, cuts, quoted=True)
        if self._size(value) <= room:
            return value
        if isinstance(value, list):
            return self._list(value, room, pointer, cuts)
        if isinstance(value, dict):
            return self._object(value, room, pointer, cuts)
        total = self._size(value)
        cuts.append(ResultCut(pointer=pointer, what="characters", kept=0, total=total))
        return _GONE

    def _size(self, value: Any) -> int:
        if not isinstance(value, list | dict):
            return len(written(value))
        size = self._sizes.get(id(value))
        if size is None:
            size = self._sizes[id(value)] = len(written(value))
        return size

    def _list(self, items: Sequence[Any], room: int, pointer: str, cuts: Cuts) -> list[Any]:
        inner = room - 2
        most = max(LEAST, inner // _SHARE - 2)
        budget = inner - _MARK - 2
        head, used = self._taken(items, round(budget * _HEAD), most)
        backwards = items[len(items) - 1 : head - 1 if head else None : -1]
        tail, _ = self._taken(backwards, budget - used, most)
        kept = [*range(head), *range(len(items) - tail, len(items))]
        gone = len(items) - len(kept)
        if not kept:
            cuts.append(ResultCut(pointer=pointer, what="items", kept=0, total=len(items)))
            mark = f"[{len(items):,} items not shown]"
            return [mark] if len(written([mark])) <= room else []
        mark = f"[… {gone:,} of {len(items):,} items not shown …]"
        free = inner - 2 * (len(kept) - 1) - (len(written(mark)) + 2 if gone else 0)
        sizes = [self._size(items[at]) for at in kept]
        made = [
            self.cut(items[at], share, child(pointer, at), cuts)
            for at, share in zip(kept, shares(sizes, free), strict=True)
        ]
        if gone:
            cuts.append(ResultCut(pointer=pointer, what="items", kept=len(kept), total=len(items)))
            made.insert(head, mark)
        return made

    def _taken(self, items: Sequence[Any], room: int, most: int) -> tuple[int, int]:
        """Return how many items fit, none of them counted for more than `most`, and their size."""
        used = 0
        for count, item in enumerate(items):
            size = min(self._size(item), most) + 2
            if used + size > room:
                return count, used
            used += size
        return len(items), used

    def _object(self, value: Mapping[str, Any], room: int, pointer: str, cuts: Cuts) -> Any:
        names = list(value)
        heads = [len(written(name)) + 4 for name in names]  # with colon and comma
        sizes = [self._size(item) for item in value.values()]
        least = [min(size, LEAST) for size in sizes]
        inner = room - 2
        kept, gone = len(names), 0
        if sum(heads) + sum(least) - 2 > inner:
            kept, used = 0, 0
            while used + heads[kept] + least[kept] <= inner - _MARK:
                used += heads[kept] + least[kept]
                kept += 1
            gone = len(names) - kept
        free = inner - sum(heads[:kept]) + (2 if kept else 0)
        mark = {}
        if gone:
            cuts.append(ResultCut(pointer=pointer, what="members", kept=kept, total=len(names)))
            mark = {_unused(value): f"{gone:,} of {len(names):,} members not shown"}
            if kept == 0 and len(written(mark)) > room:
                return {}
            free -= len(written(mark)) if kept else 0
        extra = [size - low for size, low in zip(sizes[:kept], least, strict=False)]
        given = shares(extra, free - sum(least[:kept])) if kept else []
        made = {
            name: self.cut(value[name], low + share, child(pointer, name), cuts)
            for name, low, share in zip(names, least, given, strict=False)
        }
        return {**made, **mark}


def shares(sizes: Sequence[int], room: int) -> list[int]:
    """Divide room: who needs less than an equal share leaves the rest to the others."""
    shares = [0] * len(sizes)
    left = len(sizes)
    for at in sorted(range(len(sizes)), key=sizes.__getitem__):
        shares[at] = min(sizes[at], room // left)
        room -= shares[at]
        left -= 1
    return shares


def _unused(value: Mapping[str, Any]) -> str:
    name = "…"
    while name in value:
        name += "…"
    return name
