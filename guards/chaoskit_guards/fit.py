"""Whether a request fits the model, before it is sent, with every part on its own line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

from chaoskit_guards.models import facts_of
from chaoskit_guards.shapes import as_mapping, blocks_of, role_of
from chaoskit_guards.tokens import ERROR_BAND, TokenCounter, count_tokens

__all__ = ["FitReport"]

Verdict = Literal["fits", "tight", "over", "unknown"]

_IMAGES = ("image", "image_url", "input_image")


class FitReport:
    """The size of one request.

    Attributes:
        tokens: everything that is sent: system prompt, tools and messages.
        system: tokens of the system prompt, in or beside the messages.
        tools: tokens of the tool definitions.
        messages: tokens of the messages without system messages.
        images: the part of `messages` that is images.
        per_message: tokens of each message, in order.
        window: the model's context window; None when it is not known.
        reserved_output: tokens kept free for the answer.
        error_band: half width of the band around `tokens`; 0 for an exact counter.
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
    ) -> None:
        """Measure one request.

        Args:
            messages: the messages as they will be sent.
            model: name of the model, from which its window is known.
            system: system prompt beside the messages.
            tools: tool definitions.
            max_output_tokens: tokens that the answer may take; they count against the window.
            context_window: overrides what is known of the model.
            token_counter: counts anything; the estimate by default.
            error_band: overrides the band of the counter, as a share.
        """
        facts = facts_of(model)
        self.model = model
        self.per_message = tuple(token_counter(message) for message in messages)
        roles = [role_of(as_mapping(message) or {}) for message in messages]
        inside = sum(n for n, role in zip(self.per_message, roles, strict=True) if role == "system")
        self.system = inside + (token_counter(system) if system else 0)
        self.tools = token_counter(tools) if tools else 0
        self.messages = sum(self.per_message) - inside
        self.images = sum(
            token_counter(block)
            for message in messages
            for block in blocks_of(as_mapping(message) or {})
            if block.get("type") in _IMAGES
        )
        self.tokens = self.system + self.tools + self.messages
        self.window = context_window if context_window is not None else facts.context_window
        self.reserved_output = max_output_tokens or 0
        if error_band is None:
            error_band = ERROR_BAND if isinstance(token_counter, TokenCounter) else 0.0
        self.error_band = error_band

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
        return None if self.window is None else self.window - self.total

    @property
    def fits(self) -> bool:
        """Whether the estimate is within the window; an unknown window is not a fit."""
        return self.verdict in ("fits", "tight")

    @property
    def verdict(self) -> Verdict:
        """`fits` even at the end of the error band, `tight` within it, `over`, or `unknown`."""
        if self.window is None:
            return "unknown"
        if self.total > self.window:
            return "over"
        return "tight" if self.at_most + self.reserved_output > self.window else "fits"

    def __repr__(self) -> str:
        return (
            f"FitReport(tokens={self.tokens}, system={self.system}, tools={self.tools}, "
            f"messages={self.messages}, reserved_output={self.reserved_output}, "
            f"window={self.window}, verdict={self.verdict!r})"
        )

    def __str__(self) -> str:
        parts = [f"{self.tokens:,} tokens (±{self.error_band:.0%})"]
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
