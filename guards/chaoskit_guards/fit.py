"""Whether a request fits the model, before it is sent, with every part on its own line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from chaoskit_guards.models import facts_of
from chaoskit_guards.shapes import (
    as_mapping,
    blocks_of,
    body_of,
    freeze,
    is_answer,
    is_call,
    part_of,
    role_of,
    tool_calls_of,
)
from chaoskit_guards.tokens import TokenCounter, count_tokens

__all__ = ["FitPart", "FitReport"]

Verdict = Literal["fits", "tight", "over", "unknown"]

_KINDS = {
    "image_url": "image",
    "input_image": "image",
    "input_text": "text",
    "output_text": "text",
    "file": "document",
    "input_file": "document",
    "redacted_thinking": "thinking",
    "reasoning": "thinking",
    "server_tool_use": "tool_use",
}


@dataclass(frozen=True, slots=True)
class FitPart:
    """One part of a message.

    Attributes:
        message: position of the message.
        kind: `text`, `image`, `document`, `thinking`, `tool_use`, `tool_result`, `frame` for what
            surrounds the rest, or the vendor's own word.
        tokens: what it takes.
    """

    message: int
    kind: str
    tokens: int


class FitReport:
    """The size of one request.

    Attributes:
        tokens: everything that is sent: system prompt, tools and messages.
        system: tokens of the system prompt, in or beside the messages.
        tools: tokens of the tool definitions.
        messages: tokens of the messages without system messages.
        per_message: tokens of each message, in order.
        window: the model's context window; None when it is not known.
        max_input: most tokens of the prompt alone, where that is less than the window.
        reserved_output: tokens kept free for the answer.
        error_band: half width of the band around `tokens`; 0 for an exact count or an upper bound.
        exact: `tokens` is the vendor's own count; the parts are still this library's.
        exact_error: why the vendor did not count, where it was asked.
        prefix_kept: how many leading messages are those of the previous request.
        prefix_tokens: tokens of these, which a prompt cache can serve.
    """

    def __init__(
        self,
        messages: Sequence[object],
        model: str = "",
        *,
        system: object = None,
        tools: object = None,
        max_output_tokens: int | None = None,
        context_window: int | None = None,
        token_counter: Callable[[Any], int] = count_tokens,
        error_band: float | None = None,
        request_counter: Callable[..., int] | None = None,
        previous: Sequence[object] | None = None,
    ) -> None:
        """Measure one request.

        Args:
            messages: the messages as they will be sent.
            model: name of the model, from which its window and its vocabulary are known.
            system: system prompt beside the messages.
            tools: tool definitions.
            max_output_tokens: tokens that the answer may take; they count against the window.
            context_window: overrides what is known of the model.
            token_counter: counts anything; the estimate by default.
            error_band: overrides the band of the counter, as a share.
            request_counter: counts the whole request by its keywords, such as a `CachedCounts`
                over the vendor's endpoint; when it fails, the estimate stands.
            previous: the messages of the request before, to tell what a cache can serve.
        """
        facts = facts_of(model)
        if model and isinstance(token_counter, TokenCounter):
            token_counter = token_counter.for_model(model)
        self.model = model
        self._messages = messages
        self._counter = token_counter
        self.per_message = tuple(token_counter(message) for message in messages)
        roles = [role_of(as_mapping(message) or {}) for message in messages]
        inside = sum(n for n, role in zip(self.per_message, roles, strict=True) if role == "system")
        self.system = inside + (token_counter(system) if system else 0)
        self.tools = token_counter(tools) if tools else 0
        self.messages = sum(self.per_message) - inside
        self.tokens = self.system + self.tools + self.messages
        self.window = context_window if context_window is not None else facts.context_window
        self.max_input = facts.max_input if context_window is None else None
        self.reserved_output = max_output_tokens or 0
        if error_band is None:
            error_band = token_counter.band if isinstance(token_counter, TokenCounter) else 0.0
        self.error_band = error_band
        self.exact = False
        self.exact_error = ""
        if request_counter is not None:
            self._ask(request_counter, system, tools)
        self.prefix_kept = _same(previous or (), messages)
        self.prefix_tokens = sum(self.per_message[: self.prefix_kept])

    def _ask(self, counter: Callable[..., int], system: object, tools: object) -> None:
        given = {"model": self.model, "messages": self._messages, "system": system, "tools": tools}
        try:
            tokens = _whole(counter(**{name: value for name, value in given.items() if value}))
        except Exception as error:  # noqa: BLE001 - the vendor's; the estimate stands
            self.exact_error = type(error).__name__
            return
        self.tokens, self.error_band, self.exact = tokens, 0.0, True

    @cached_property
    def parts(self) -> tuple[FitPart, ...]:
        """What is in each message, block by block."""
        return tuple(
            part
            for at, message in enumerate(self._messages)
            for part in self._split(at, as_mapping(message) or {})
        )

    @cached_property
    def by_kind(self) -> dict[str, int]:
        """Tokens of all parts of a kind, the largest first."""
        sums: dict[str, int] = {}
        for part in self.parts:
            sums[part.kind] = sums.get(part.kind, 0) + part.tokens
        return dict(sorted(sums.items(), key=lambda item: -item[1]))

    @property
    def images(self) -> int:
        """The part of `messages` that is images."""
        return self.by_kind.get("image", 0)

    def _split(self, at: int, message: Any) -> list[FitPart]:
        if "role" not in message and body_of(message) == "content":
            kind = str(message.get("type", "text"))
            for end, name in (("_call_output", "tool_result"), ("_call", "tool_use")):
                if kind.endswith(end):
                    kind = name
                    break
            return [FitPart(at, _KINDS.get(kind, kind), self.per_message[at])]
        body, role = body_of(message), message.get("role")
        empty = self._counter({"role": role, body: []})
        parts: list[FitPart] = []
        for block in blocks_of(message):
            tokens = self._counter({"role": role, body: [block]}) - empty
            kind = "tool_result" if role in ("tool", "function") else _kind(block)
            parts.append(FitPart(at, kind, tokens))
        for call in tool_calls_of(message):
            tokens = self._counter({"role": role, body: [], "tool_calls": [call]}) - empty
            parts.append(FitPart(at, "tool_use", tokens))
        frame = self.per_message[at] - sum(part.tokens for part in parts)
        return [*parts, FitPart(at, "frame", frame)]

    @property
    def total(self) -> int:
        """What the request takes of the window: prompt and reserved answer."""
        return self.tokens + self.reserved_output

    @property
    def at_most(self) -> int:
        """The prompt at the upper end of the error band."""
        return math.ceil(self.tokens * (1 + self.error_band))

    @property
    def headroom(self) -> int | None:
        """What is left of the window; negative when it does not fit; None when unknown."""
        return self._left(self.tokens)

    def _left(self, tokens: int) -> int | None:
        if self.window is None:
            return None
        left = self.window - tokens - self.reserved_output
        return left if self.max_input is None else min(left, self.max_input - tokens)

    @property
    def fits(self) -> bool:
        """Whether the estimate is within the window; an unknown window is not a fit."""
        return self.verdict in ("fits", "tight")

    @property
    def verdict(self) -> Verdict:
        """`fits` even at the end of the error band, `tight` within it, `over`, or `unknown`."""
        left, least = self.headroom, self._left(self.at_most)
        if left is None or least is None:
            return "unknown"
        if left < 0:
            return "over"
        return "tight" if least < 0 else "fits"

    def __repr__(self) -> str:
        return (
            f"FitReport(tokens={self.tokens}, system={self.system}, tools={self.tools}, "
            f"messages={self.messages}, reserved_output={self.reserved_output}, "
            f"window={self.window}, verdict={self.verdict!r})"
        )

    def __str__(self) -> str:
        band = "counted by the vendor" if self.exact else f"±{self.error_band:.0%}"
        parts = [f"{self.tokens:,} tokens ({band})"]
        parts.append(f"system {self.system:,}, tools {self.tools:,}, messages {self.messages:,}")
        if self.window is None:
            parts.append(f"the window of {self.model or 'the model'} is not known")
        else:
            parts.append(
                f"{self.reserved_output:,} reserved for the answer, "
                f"{self.headroom:,} of {self.window:,} left: {self.verdict}"
            )
        if self.verdict == "over" and self.per_message:
            worst = max(range(len(self.per_message)), key=self.per_message.__getitem__)
            parts.append(f"the largest is message {worst} with {self.per_message[worst]:,}")
        return "; ".join(parts)


def _whole(tokens: float) -> int:
    if isinstance(tokens, bool) or not 0 <= tokens < math.inf:
        raise ValueError(f"the request counter says {tokens!r}, which is not a count")
    return math.ceil(tokens)


def _kind(block: Any) -> str:
    if is_call(block):
        return "tool_use"
    if is_answer(block):
        return "tool_result"
    if block.get("type") is None:  # a part of Gemini
        file = part_of(block, "inlineData", "inline_data", "fileData", "file_data")
        if file is not None:
            mime = str(file.get("mimeType") or file.get("mime_type") or "")
            return "image" if mime.startswith("image/") else "document"
        return "thinking" if block.get("thought") else "text" if "text" in block else "other"
    return _KINDS.get(str(block["type"]), str(block["type"]))


def _same(before: Sequence[object], now: Sequence[object]) -> int:
    """Return how many messages at the beginning are equal."""
    kept = 0
    for one, other in zip(before, now, strict=False):
        if freeze(one) != freeze(other):
            break
        kept += 1
    return kept
