"""What trimming did to a conversation."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrimReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimReport:
    """What trimming did to one conversation.

    Attributes:
        budget: tokens that the messages may take, system prompt and tools already deducted.
        tokens_before: tokens of the repaired conversation before anything was dropped.
        tokens_after: tokens of the view.
        system: tokens of the system prompt beside the messages.
        tools: tokens of the tool definitions.
        dropped: positions of the messages that are not in the view.
        dropped_ids: ids of the calls and items that went with them.
        cleared: positions of the messages whose tool results were emptied.
        summarised: how many of the dropped messages the summary in the view stands for.
        repairs: what was wrong with the conversation as it came in.
        prefix_kept: how many leading messages equal those of the view before.
    """

    budget: int
    tokens_before: int
    tokens_after: int
    system: int = 0
    tools: int = 0
    dropped: tuple[int, ...] = ()
    dropped_ids: tuple[str, ...] = ()
    cleared: tuple[int, ...] = ()
    summarised: int = 0
    repairs: tuple[str, ...] = ()
    prefix_kept: int = 0

    @property
    def fits(self) -> bool:
        """Whether the view is within the budget; false when what must be kept is too large."""
        return self.tokens_after <= self.budget

    @property
    def total(self) -> int:
        """Tokens of the view with system prompt and tools."""
        return self.tokens_after + self.system + self.tools
