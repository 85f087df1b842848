"""Conversations that the service itself makes fit, where the request lets it."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.exchange import Call
from chaoskit.provider.prompt import PromptCount

__all__ = ["shortened"]


def shortened(call: Call, prompt: PromptCount, window: int) -> Call:
    """Return the call without its oldest messages, as many as have to go; the newest stays."""
    excess, gone = prompt.total - window, 0
    while excess > 0 and gone < len(call.messages) - 1:
        excess -= prompt.messages[gone]
        gone += 1
    return replace(call, messages=call.messages[gone:])
