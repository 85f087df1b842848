"""What the prompt cache does for one prompt: what is read, what is written, and why not more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from chaoskit.provider.blocks import Block
from chaoskit.provider.prompt import PromptCount
from chaoskit.quick import quick

__all__ = ["CacheUse", "Marked", "Miss", "Namespace", "Trail", "Write", "used"]

Namespace: TypeAlias = tuple[str, str, str]
Reason: TypeAlias = Literal[
    "cold", "changed", "expired", "evicted", "too_far", "too_short", "not_ready", "overflow"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """Why nothing was read although something might have been.

    Attributes:
        reason: `cold`: nothing of the kind was sent before; `changed`: the prompt differs from an
            earlier one at `where`; `expired`: its time was up; `evicted`: the cache was emptied;
            `too_far`: more than 20 positions before the breakpoint; `too_short`: below the model's
            minimum; `not_ready`: the answer of the request that writes it has not begun;
            `overflow`: so many requests had the same beginning that it went to another machine.
        where: first block that differs, such as `system[0]` or `messages[4].content[1]`; without
            an index where a setting differs, such as the choice of tools.
    """

    reason: Reason
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """An entry to be made: `chunks` are the digests of the text of its last block."""

    digest: bytes
    life: float
    parent: bytes = b""
    chunks: tuple[bytes, ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What the cache does for one prompt, in tokens; the four add up to the prompt.

    Attributes:
        life: seconds that what was read is to live on, at least.
        route: what the choice of a machine depends on, where there are several, and how many
            requests of a minute are to be remembered for it.
    """

    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    uncached: int = 0
    miss: Miss | None = None
    hits: tuple[bytes, ...] = ()
    writes: tuple[Write, ...] = ()
    trail: Trail | None = None
    life: float = 0.0
    route: tuple[bytes, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The digests of all prefixes of one prompt, and where its blocks stand."""

    namespace: Namespace
    digests: tuple[bytes, ...]


class Marked(NamedTuple):
    """A prompt up to its last breakpoint: blocks, digests of prefixes, and where they end."""

    namespace: Namespace
    blocks: list[Block]
    digests: list[bytes]
    ends: list[int]


def used(
    prompt: PromptCount, marked: Marked, hit: int | None, lives: dict[int, float], miss: Miss | None
) -> CacheUse:
    """Return what is read up to the hit, and written at the breakpoints, which have their lives."""
    _, blocks, digests, ends = marked
    read = ends[hit] if hit is not None else 0
    hour = max([read, *(ends[at] for at in lives if blocks[at].ttl == "1h")])
    end = max([read, *(ends[at] for at in lives)])
    return CacheUse(
        read=read,
        write_1h=hour - read,
        write_5m=end - hour,
        uncached=prompt.total - end,
        miss=miss,
        hits=() if hit is None else (digests[hit],),
        writes=tuple([Write(digest=digests[at], life=life) for at, life in lives.items()]),
        trail=Trail(namespace=marked.namespace, digests=tuple(digests)) if lives else None,
    )
