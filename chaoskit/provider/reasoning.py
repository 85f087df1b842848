"""What a model thinks before it answers, where it was asked to, or always does.

How long a model thinks is nobody's to know; the effort decides it here, in steps that production's
numbers have, too.
"""

from __future__ import annotations

from dataclasses import replace

from chaoskit.exchange import Call, Reply, Thinking

__all__ = ["reasoned"]

_TEXT = "I look at what is asked, and at what the tools offer for it."
_TOKENS = {"minimal": 0, "low": 64, "medium": 192, "high": 448, "xhigh": 960, "max": 1_984}


def reasoned(reply: Reply, call: Call) -> Reply:
    """Return the reply with the reasoning before it that the call's `reasons` option wants."""
    if not call.options.get("reasons") or any(isinstance(p, Thinking) for p in reply.content):
        return reply
    tokens = _TOKENS.get(str(call.options.get("effort") or "medium"), _TOKENS["medium"])
    thinking = call.options.get("thinking")
    if isinstance(thinking, tuple) and thinking[1]:
        tokens = min(tokens, thinking[1])
    return replace(reply, content=(Thinking(text=_TEXT, tokens=tokens), *reply.content))
