"""What a tool gives, cut to a number of tokens so that the model can still read all of it.

JSON stays JSON and text stays text; in the place of what is gone stands how much it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chaoskit_guards.argjson import loads
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.result_blocks import are_blocks, cut_blocks, slot_of, tokens_of
from chaoskit_guards.result_cut import (
    LEAST,
    Cuts,
    Cutter,
    ResultCut,
    as_said,
    as_text,
    cut_text,
    shares,
    written,
)
from chaoskit_guards.settings import at_least_one
from chaoskit_guards.shapes import as_mapping
from chaoskit_guards.tokens import count_tokens

__all__ = ["LimitedResult", "ResultCut", "ResultLimiter"]

_LEAST_TOKENS = 16
_FULL = 0.9
_TRIES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedResult:
    """A result within its limit.

    Attributes:
        value: the result, of the kind it was given in.
        cuts: every place where something is gone; empty where nothing is.
        tokens: tokens of the value.
        tokens_before: tokens of the whole.
    """

    value: Any
    cuts: tuple[ResultCut, ...]
    tokens: int
    tokens_before: int


class ResultLimiter:
    """Keeps results of tools below a number of tokens.

    A text keeps its beginning and its end. A list keeps its first and last items, an object its
    names for as long as possible, and both stay valid JSON, also where they came as JSON text.
    Content blocks (Anthropic, OpenAI, MCP) stay blocks: pictures stay whole or leave a note. What
    fits is not touched, so that limiting twice is limiting once. A result that is no JSON is
    limited as the text that it has.

    Args:
        max_tokens: of a result as it is sent: JSON values are counted as JSON text.
        counter: counts texts and content blocks.
        listener: told about each result that was cut.
    """

    def __init__(
        self,
        max_tokens: int = 4_000,
        *,
        counter: Callable[[Any], int] = count_tokens,
        listener: Listener | None = None,
    ) -> None:
        at_least_one(max_tokens=max_tokens)
        if max_tokens < _LEAST_TOKENS:
            raise ValueError(f"max_tokens is at least {_LEAST_TOKENS}, so that a mark has room")
        self.max_tokens = max_tokens
        self._count = counter
        self._listener = listener

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.max_tokens})"

    def limit(self, result: Any) -> Any:
        """Return the result within the limit: itself where it fits, otherwise one of its kind."""
        return self.cut(result).value

    def cut(self, result: Any, *, max_tokens: int | None = None) -> LimitedResult:
        """Return the result within the limit, and what was cut."""
        most = self.max_tokens if max_tokens is None else max_tokens
        cuts: Cuts = []
        before = self.tokens(result)
        if before <= most:
            return LimitedResult(value=result, cuts=(), tokens=before, tokens_before=before)
        value = self._cut(result, most, cuts, before)
        after = self.tokens(value)
        emit(self._listener, "cut", "limiter", tokens=after, tokens_before=before, places=len(cuts))
        return LimitedResult(value=value, cuts=tuple(cuts), tokens=after, tokens_before=before)

    def tokens(self, result: Any) -> int:
        """Return the tokens of a result as it is sent."""
        if isinstance(result, str):
            return self._count(result)
        if are_blocks(result):
            return self._count_blocks(result)
        mapping = as_mapping(result)
        slot = None if mapping is None else slot_of(mapping)
        if mapping is None or slot is None:
            return self._count(as_text(result if mapping is None else mapping))
        total = self._count(as_text({k: v for k, v in mapping.items() if k not in slot}))
        return total + sum(self.tokens(mapping[name]) for name in slot)

    def _cut(self, result: Any, most: int, cuts: Cuts, tokens: int) -> Any:
        if isinstance(result, str):
            return self._cut_text(result, most, cuts, tokens)
        if are_blocks(result):
            return cut_blocks(result, most, cuts, self._count, self._cut_text)
        mapping = as_mapping(result)
        slot = None if mapping is None else slot_of(mapping)
        if mapping is None or slot is None:
            return self._cut_json(result if mapping is None else mapping, most, cuts, tokens)
        shell = {k: v for k, v in mapping.items() if k not in slot}
        sizes = [self.tokens(mapping[name]) for name in slot]
        given = shares(sizes, max(0, most - self._count(as_text(shell))))
        parts = {}
        for name, size, share in zip(slot, sizes, given, strict=True):
            seen: Cuts = []
            part = mapping[name]
            parts[name] = part if size <= share else self._cut(part, share, seen, size)
            cuts += [replace(cut, pointer=f"/{name}{cut.pointer}") for cut in seen]
        return {key: parts.get(key, value) for key, value in mapping.items()}

    def _count_blocks(self, blocks: Any) -> int:
        return sum(tokens_of(block, self._count) for block in blocks)

    def _cut_text(self, text: str, most: int, cuts: Cuts, tokens: int | None = None) -> str:
        if text.lstrip()[:1] in ("{", "["):
            try:
                return self._cut_value(loads(text), text, most, cuts, tokens)
            except (ValueError, RecursionError):
                pass  # it only looks like JSON
        return self._search(
            lambda room, seen: cut_text(text, room, "", seen), text, most, cuts, tokens
        )

    def _cut_json(self, value: Any, most: int, cuts: Cuts, tokens: int) -> Any:
        try:
            text = json.dumps(value, ensure_ascii=False, default=str)
            # What JSON does not know has a text as well: dates by `str`, and NaN.
            plain = json.loads(text, parse_constant=str)
            found = self._cut_value(plain, text, most, cuts, tokens)
            return json.loads(found) if found else ""
        except (TypeError, ValueError, RecursionError):
            return self._cut_text(as_said(value), most, cuts)

    def _cut_value(self, value: Any, text: str, most: int, cuts: Cuts, tokens: int | None) -> str:
        cutter = Cutter()
        return self._search(
            lambda room, seen: written(cutter.cut(value, room, "", seen)), text, most, cuts, tokens
        )

    def _search(
        self,
        make: Callable[[int, Cuts], str],
        text: str,
        most: int,
        cuts: Cuts,
        tokens: int | None,
    ) -> str:
        """Return a text that `make` makes and that has at most so many tokens, and hardly less."""
        low, high = LEAST, len(text)
        room = self._room(len(text), most, self._count(text) if tokens is None else tokens)
        best: str | None = None
        for _ in range(_TRIES):
            if not low < room < high:
                room = (low + high) // 2
                if not low < room < high:
                    break
            seen: Cuts = []
            made = make(room, seen)
            tokens = self._count(made)
            if tokens <= most:
                best, low = made, room
                cuts[:] = seen
                if tokens >= _FULL * most:
                    break
            else:
                high = room
            room = min(self._room(room, most, tokens), (low + 3 * high) // 4)
        if best is not None:
            return best
        cuts[:] = []
        made = make(LEAST, cuts)
        return made if self._count(made) <= most else ""

    def _room(self, characters: int, most: int, tokens: int) -> int:
        """Return how many characters have hardly less than so many tokens, by what some have."""
        return characters * most * 49 // max(1, 50 * tokens)
