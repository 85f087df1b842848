"""The prompt cache: exact prefixes, written at breakpoints or automatically, for a time.

An entry is a digest of everything up to and including a block. It becomes readable when the first
answer that was made with it begins, so parallel cold requests all write; it lives from the start of
the request that wrote or last read it. Entries belong to one key (the workspace) and one model.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from hashlib import blake2b

from chaoskit.exchange import Call, Thinking
from chaoskit.provider.blocks import Block, Blocks, last_marked
from chaoskit.provider.cache_use import CacheUse, Marked, Miss, Namespace, Trail, Write, used
from chaoskit.provider.catalogue import Model
from chaoskit.provider.prompt import PromptCount

__all__ = ["PromptCache", "is_kept"]

LOOK_BACK = 20
"""Positions that are looked at from a breakpoint backwards, the breakpoint itself included."""

STEP = 128
"""Tokens: automatic caching reads in multiples of it."""

CONSIDERED = 80
"""Breakpoints of a request, the latest ones, at which explicit caching reads."""

WRITTEN = 4
"""Breakpoints of a request, the latest ones, at which explicit caching writes."""

LONG_LIFE = 43_200.0
"""Seconds that an explicit breakpoint lives where it asks for it."""

RETENTIONS = {"in_memory": 300.0, "24h": 86_400.0}
"""Seconds that automatic entries live where the request says so."""

MACHINES = 8
"""Machines over which requests with the same beginning are spread; the last takes the rest. [?]"""

_ROUTED = 256  # tokens at the beginning of a prompt that decide to which machines it goes
_MINUTE = 60.0
_LIVES = {"5m": 300.0, "1h": 3600.0}
_SIBLINGS = 8
_REMEMBERED = 8
_CROWD = 20_000


@dataclass(slots=True)
class _Entry:
    readable_from: float
    expires: float
    life: float
    chunks: tuple[bytes, ...] = ()

    def live(self, now: float) -> bool:
        return self.readable_from <= now < self.expires


class PromptCache:
    """The cache of the service. Looking up changes nothing; `touch` and `store` do."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._entries: dict[bytes, _Entry] = {}
        self._siblings: dict[bytes, deque[_Entry]] = {}
        self._arrivals: dict[bytes, deque[float]] = {}
        self._trails: dict[Namespace, deque[tuple[bytes, ...]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        """Forget every entry, as a deploy of the service does."""
        self._entries.clear()
        self._siblings.clear()

    def look_up(self, call: Call, model: Model, prompt: PromptCount, *, now: float) -> CacheUse:
        """Return what would be read and written for this prompt now."""
        if not is_kept(call, model, prompt):
            return CacheUse(uncached=prompt.total)
        if model.cache == "automatic":
            if call.options.get("explicit_cache") and model.cache_writes:
                return self._explicit(call, model, prompt, now)
            return self._automatic(call, model, prompt, now)
        return self._at_breakpoints(call, model, prompt, now)

    def touch(self, use: CacheUse, *, now: float) -> None:
        """Let what was read live on, from the start of the request that read it."""
        for digest in use.hits:
            entry = self._entries.get(digest)
            if entry is not None:
                entry.life = max(entry.life, use.life)
                entry.expires = max(entry.expires, now + entry.life)

    def store(self, use: CacheUse, *, started: float, begins: float) -> None:
        """Make the entries of a request that started and whose answer begins at these times."""
        for write in use.writes:
            self._put(write, started, begins)
        if use.route is not None:
            route, most = use.route
            self._arrivals.setdefault(route, deque(maxlen=most)).append(started)
        if use.trail is not None:
            trails = self._trails.setdefault(use.trail.namespace, deque(maxlen=_REMEMBERED))
            if use.trail.digests not in trails:
                trails.append(use.trail.digests)
        if len(self._entries) > _CROWD:
            self._drop_expired(started)
            self._arrivals = {
                route: arrivals
                for route, arrivals in self._arrivals.items()
                if arrivals and arrivals[-1] > started - _MINUTE
            }

    def _put(self, write: Write, started: float, begins: float) -> None:
        entry = self._entries.get(write.digest)
        if entry is not None and started < entry.expires:
            entry.readable_from = min(entry.readable_from, begins)
            entry.expires = max(entry.expires, started + write.life)
            entry.life = max(entry.life, write.life)
            return
        entry = _Entry(begins, started + write.life, write.life, write.chunks)
        self._entries[write.digest] = entry
        if write.chunks:
            self._siblings.setdefault(write.parent, deque(maxlen=_SIBLINGS)).append(entry)

    def _drop_expired(self, now: float) -> None:
        self._entries = {key: entry for key, entry in self._entries.items() if now < entry.expires}
        for parent in list(self._siblings):
            alive = [entry for entry in self._siblings[parent] if now < entry.expires]
            if alive:
                self._siblings[parent] = deque(alive, maxlen=_SIBLINGS)
            else:
                del self._siblings[parent]

    def _at_breakpoints(
        self, call: Call, model: Model, prompt: PromptCount, now: float
    ) -> CacheUse:
        blocks = self._blocks.marked(call, prompt.blocks, strict=True)
        namespace = (call.provider, call.key, model.facts.name)
        digests = _chain(_root(namespace), blocks)
        ends, positions = _measure(blocks)
        marks = [at for at, block in enumerate(blocks) if block.ttl is not None]
        hit = self._hit(marks, digests, positions, now)
        kept = [at for at in marks if ends[at] >= model.facts.cache_minimum]
        miss = self._miss_of(namespace, digests, blocks, kept, now) if hit is None else None
        lives = {at: _LIVES[blocks[at].ttl or "5m"] for at in kept}
        return used(prompt, Marked(namespace, blocks, digests, ends), hit, lives, miss)

    def _explicit(self, call: Call, model: Model, prompt: PromptCount, now: float) -> CacheUse:
        """Read at any of the latest breakpoints, without looking back from them; write at four."""
        if not _marked(call):
            return CacheUse(uncached=prompt.total)
        blocks = self._blocks.marked(call, prompt.blocks, strict=False)
        if call.options.get("long_cache"):
            blocks = [block._replace(ttl="1h") if block.ttl else block for block in blocks]
        namespace = (call.provider, call.key, model.facts.name)
        digests = _chain(_root(namespace), blocks)
        ends, _ = _measure(blocks)
        marks = [
            at
            for at, block in enumerate(blocks)
            if block.ttl is not None and ends[at] >= model.facts.cache_minimum
        ]
        considered = reversed(marks[-CONSIDERED:])
        hit = next((at for at in considered if self._readable(digests[at], now)), None)
        kept = marks[-WRITTEN:]
        miss = self._miss_of(namespace, digests, blocks, kept, now) if hit is None else None
        lives = {at: LONG_LIFE if blocks[at].ttl == "1h" else model.cache_life for at in kept}
        return used(prompt, Marked(namespace, blocks, digests, ends), hit, lives, miss)

    def _miss_of(
        self,
        namespace: Namespace,
        digests: list[bytes],
        blocks: list[Block],
        kept: list[int],
        now: float,
    ) -> Miss:
        """Return why nothing was read; `kept` are the breakpoints that are worth an entry."""
        if not kept:
            return Miss(reason="too_short")
        return self._missed(namespace, digests, blocks, now)

    def _hit(
        self, marks: list[int], digests: list[bytes], positions: list[int], now: float
    ) -> int | None:
        """Return the block up to which the cache holds the prompt."""
        for mark in reversed(marks):
            at = mark
            while at >= 0 and positions[mark] - positions[at] < LOOK_BACK:
                entry = self._entries.get(digests[at])
                if entry is not None and entry.live(now):
                    return at
                at -= 1
        return None

    def _automatic(self, call: Call, model: Model, prompt: PromptCount, now: float) -> CacheUse:
        blocks = self._blocks.of(call, prompt.blocks, strict=False)
        namespace = (call.provider, call.key, model.facts.name)
        root = _root(namespace)
        digests = _chain(root, blocks)
        ends, _ = _measure(blocks)
        route, machine = None, 0
        if model.cache_rate:
            route = (_route(call, digests, ends), model.cache_rate * MACHINES)
            machine = self._machine(route[0], model.cache_rate, now)
            if machine:
                root = _root((*namespace, str(machine)))
                digests = _chain(root, blocks)
        parents = [root, *digests]
        known = 0
        while known < len(blocks) and self._readable(digests[known], now):
            known += 1
        shared = ends[known - 1] if known else 0
        if known < len(blocks):
            shared += self._shared_part(blocks[known], parents[known], now)
        read = shared // STEP * STEP if shared >= model.facts.cache_minimum else 0
        written = prompt.total // STEP * STEP - read if model.cache_writes else 0
        miss = None
        if not read:
            crowded = Miss(reason="overflow") if machine else None
            miss = crowded or self._missed(namespace, digests, blocks, now)
        lasting = bool(call.options.get("long_cache")) and model.cache_writes
        life = LONG_LIFE if lasting else _life(call, model)
        return CacheUse(
            read=read,
            write_5m=0 if lasting else written,
            write_1h=written if lasting else 0,
            uncached=prompt.total - read - written,
            miss=miss,
            hits=tuple(digests[:known]),
            writes=tuple(
                Write(
                    digest=digests[at],
                    life=life,
                    parent=parents[at],
                    chunks=self._blocks.chunks(block.text) if block.text else (),
                )
                for at, block in enumerate(blocks[known:], known)
            ),
            trail=None if machine else Trail(namespace=namespace, digests=tuple(digests)),
            life=life,
            route=route,
        )

    def _machine(self, route: bytes, rate: int, now: float) -> int:
        """Return the number of the machine that a request goes to: the first that has room."""
        arrivals = self._arrivals.get(route)
        if not arrivals:
            return 0
        while arrivals and arrivals[0] <= now - _MINUTE:
            arrivals.popleft()
        return min(len(arrivals) // rate, MACHINES - 1)

    def _readable(self, digest: bytes, now: float) -> bool:
        entry = self._entries.get(digest)
        return entry is not None and entry.live(now)

    def _shared_part(self, block: Block, parent: bytes, now: float) -> int:
        """Return the tokens that the beginning of a block shares with one known at this place."""
        siblings = self._siblings.get(parent)
        if not siblings or not block.text:
            return 0
        mine = self._blocks.chunks(block.text)
        longest = 0
        for entry in siblings:
            if entry.live(now):
                shared = 0
                for ours, theirs in zip(mine, entry.chunks, strict=False):
                    if ours != theirs:
                        break
                    shared += 1
                longest = max(longest, shared)
        return block.tokens * longest * self._blocks.chunk // len(block.text)

    def _missed(
        self, namespace: Namespace, digests: list[bytes], blocks: list[Block], now: float
    ) -> Miss:
        trails = self._trails.get(namespace)
        if not trails:
            return Miss(reason="cold")
        best, common = trails[-1], -1
        for trail in reversed(trails):
            length = _common(trail, digests)
            if length > common:
                best, common = trail, length
        if common < min(len(best), len(digests)):
            return Miss(reason="changed", where=_place(blocks[common]))
        entry = self._entries.get(best[-1]) if common == len(best) else None
        if entry is None:
            return Miss(reason="evicted")
        if now >= entry.expires:
            return Miss(reason="expired")
        return Miss(reason="not_ready" if now < entry.readable_from else "too_far")


def is_kept(call: Call, model: Model, prompt: PromptCount) -> bool:
    """Tell whether the cache has anything to do with a prompt, whatever it holds."""
    minimum = model.facts.cache_minimum
    if model.cache == "automatic":
        return 0 < minimum <= prompt.total
    return minimum > 0 and _marked(call)


def _life(call: Call, model: Model) -> float:
    """Return how long automatic entries live, in seconds."""
    return RETENTIONS.get(str(call.options.get("cache_retention")), model.cache_life)


def _route(call: Call, digests: list[bytes], ends: list[int]) -> bytes:
    """Return what decides to which machines a prompt goes: its beginning, and the key it names."""
    at = next((at for at, end in enumerate(ends) if end >= _ROUTED), len(ends) - 1)
    key = str(call.options.get("cache_key", ""))
    return digests[at] + key.encode("utf-8", "surrogatepass")


def _marked(call: Call) -> bool:
    """Tell whether the prompt has a cache breakpoint anywhere."""
    if last_marked(call):
        return True
    for part in call.system:
        if not isinstance(part, Thinking) and part.cache is not None:
            return True
    return any(tool.cache is not None for tool in call.tools)


def _root(namespace: tuple[str, ...]) -> bytes:
    """Return the digest of the empty prefix."""
    return blake2b("\0".join(namespace).encode(), digest_size=16).digest()


def _chain(root: bytes, blocks: list[Block]) -> list[bytes]:
    """Return the digest of each prefix that ends with a block."""
    digest = root
    digests = []
    for block in blocks:
        digest = blake2b(digest + block.digest, digest_size=16).digest()
        digests.append(digest)
    return digests


def _measure(blocks: list[Block]) -> tuple[list[int], list[int]]:
    """Return the tokens up to each block, and its position as the look-back counts them."""
    ends, positions = [], []
    end, position, run = 0, 0, ""
    for block in blocks:
        end += block.tokens
        if block.where[1] >= 0:  # settings are no position
            position += not (block.run and block.run == run)
            run = block.run
        ends.append(end)
        positions.append(position)
    return ends, positions


def _common(first: tuple[bytes, ...], second: list[bytes]) -> int:
    """Return how many digests two trails share from the start."""
    for at, (ours, theirs) in enumerate(zip(first, second, strict=False)):
        if ours != theirs:
            return at
    return min(len(first), len(second))


def _place(block: Block) -> str:
    section, index, inner = block.where
    if index < 0:
        return section
    return f"{section}[{index}]" + (f".content[{inner}]" if inner >= 0 else "")
