"""Conversations that the service holds, so that a request carries its newest turn only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from chaoskit.dialect import Envelope, ModelFacts, Shelf
from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.anthropic import blocks, values
from chaoskit.dialects.anthropic.body import Body
from chaoskit.exchange import Call, Message, Refusal

__all__ = ["Thread", "keep", "read", "whole"]

_KIND = "thread"
_LIFE = 300  # seconds without use after which a conversation is gone
_UNSUPPORTED = ("context_management", "fallbacks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What a request wants of a thread, and what it brings.

    Attributes:
        previous: id of the answer that it continues; empty where it creates a thread.
        betas: those that the request names.
    """

    previous: str
    body: Body
    facts: ModelFacts
    betas: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A conversation.

    Attributes:
        used: when its answer was complete, in unix seconds.
        continued: when the answer that continues it is complete; None while there is none.
        size: bytes of what it has more than the one that it continues.
    """

    thread: Thread
    used: float
    continued: float | None = None
    size: int = 0


def read(body: Json, *, beta: bool) -> str:
    """Return the id of the answer that a request continues, empty where it creates a thread.

    Args:
        beta: the request names the beta of threads.

    Raises:
        RefusedError: its form is wrong, or something else in the request has no place in a thread.
    """
    if not beta:
        raise invalid("thread: Extra inputs are not permitted")
    record = values.record(body["thread"], "thread")
    kind = values.required(record, "type", "thread.type")
    if kind not in ("create", "continue"):
        raise invalid(
            f"thread: Input tag '{kind}' found using 'type' does not match any of the expected "
            "tags: 'continue', 'create'"
        )
    found = [name for name in _UNSUPPORTED if body.get(name)]
    if found:
        raise _refused(
            "thread_unsupported_request",
            f"thread: {' and '.join(found)} cannot be combined with a thread.",
            unsupported=",".join(found),
        )
    if kind == "create":
        return ""
    path = "thread.continue.previous_message_id"
    return values.string(values.required(record, "previous_message_id", path), path)


def whole(thread: Thread, shelf: Shelf, wall: float) -> Body:
    """Return the body of a request as if it had sent the whole conversation.

    Raises:
        RefusedError: there is no such thread, or it cannot be continued like this.
    """
    kept = shelf.get(_KIND, thread.previous)
    if not isinstance(kept, _Kept) or wall >= kept.used + _LIFE:
        raise _refused(
            "thread_not_found",
            f"thread: No thread was found for message {thread.previous}. Send the full "
            "conversation with a new thread.",
            kind="not_found",
        )
    if kept.continued is not None and wall < kept.continued:
        raise _refused(
            "thread_continue_in_flight",
            f"thread: Message {thread.previous} is being continued by another request.",
        )
    if kept.continued is not None:
        raise _refused(
            "thread_already_continued",
            f"thread: Message {thread.previous} has already been continued.",
        )
    old, new = kept.thread.body, thread.body
    changed = [name for name in ("tools", "system") if getattr(new, name) not in ((), None)]
    changed = [name for name in changed if getattr(new, name) != getattr(old, name)]
    changed += [
        name
        for name in ("model", "tool_choice", "thinking", "budget", "automatic")
        if getattr(new, name) != getattr(old, name)
    ]
    if thread.betas != kept.thread.betas:
        changed.append("anthropic-beta")
    if changed:
        raise _refused(
            "thread_fingerprint_mismatch",
            f"thread: {changed[0]} differs from the request that created the thread.",
        )
    return replace(
        new,
        tools=old.tools,
        builtin_tools=old.builtin_tools,
        system=old.system,
        messages=(*old.messages, *new.messages),
    )


def keep(name: str, said: list[Json], call: Call, envelope: Envelope) -> None:
    """Put the conversation and the blocks that the model said onto the shelf, where it is wanted.

    They are read as if the client had sent them back.
    """
    thread = call.options.get("thread")
    if not isinstance(thread, Thread) or envelope.shelf is None:
        return
    body = thread.body
    if said:
        content = blocks.content(blocks.Reader(newest=False, role="assistant"), said, "content")
        answer = Message(role="assistant", content=content)
        body = replace(body, messages=(*body.messages, answer))
    new = replace(thread, body=body)
    complete = envelope.wall + envelope.latency
    old = envelope.shelf.get(_KIND, thread.previous) if thread.previous else None
    known = len(old.thread.body.messages) if isinstance(old, _Kept) else 0
    size = len(repr(body.messages[known:]))
    envelope.shelf.put(_KIND, name, _Kept(thread=new, used=complete, size=size), size=size)
    if isinstance(old, _Kept):
        envelope.shelf.put(_KIND, thread.previous, replace(old, continued=complete), size=old.size)


def _refused(
    code: str,
    message: str,
    *,
    kind: Literal["invalid_request", "not_found"] = "invalid_request",
    unsupported: str = "",
) -> RefusedError:
    details = {"unsupported": unsupported} if unsupported else {}
    return RefusedError(Refusal(kind=kind, message=message, code=code, details=details))
