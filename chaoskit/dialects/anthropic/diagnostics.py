"""Why a prompt could not be read from the cache: it is compared with an earlier request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from chaoskit.dialect import Envelope, Shelf
from chaoskit.dialects._json import Json
from chaoskit.dialects.anthropic import values
from chaoskit.dialects.anthropic.signature import plain
from chaoskit.exchange import Call, Message, Usage

__all__ = ["diagnose", "read"]

_KIND = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prompt:
    """Digests of the parts of a prompt, in the order in which they are compared."""

    model: bytes
    tools: bytes
    system: bytes
    others: bytes
    messages: tuple[bytes, ...]


def read(value: object) -> tuple[str] | None:
    """Return the id of the message to compare with, empty for none; None where nothing is asked.

    Raises:
        RefusedError: its form is wrong.
    """
    if value is None:
        return None
    record = values.record(value, "diagnostics")
    values.known(record, {"previous_message_id"}, "diagnostics.")
    previous = record.get("previous_message_id")
    if previous is None:
        return ("",)
    return (values.string(previous, "diagnostics.previous_message_id"),)


def diagnose(name: str, call: Call, usage: Usage, envelope: Envelope) -> Json | None:
    """Return the diagnosis that the request asks for, and keep its prompt under its answer's id."""
    asked = call.options.get("diagnostics")
    if not isinstance(asked, tuple) or envelope.shelf is None:
        return None
    mine = _prompt(call)
    reason = _reason(mine, str(asked[0]), usage, envelope.shelf)
    envelope.shelf.put(_KIND, name, mine)
    return None if reason is None else {"cache_miss_reason": reason}


def _reason(mine: _Prompt, previous: str, usage: Usage, shelf: Shelf) -> Json | None:
    if not previous:
        return None
    old = shelf.get(_KIND, previous)
    if not isinstance(old, _Prompt):
        return {"type": "previous_message_not_found"}
    missed = {"cache_missed_input_tokens": usage.prompt - usage.cache_read}
    for part in ("model", "tools", "system"):
        if getattr(mine, part) != getattr(old, part):
            return {"type": f"{part}_changed"} | missed
    if mine.messages[: len(old.messages)] != old.messages:
        return {"type": "messages_changed"} | missed
    return {"type": "unavailable"} if mine.others != old.others else None


def _prompt(call: Call) -> _Prompt:
    options: Mapping[str, object] = call.options
    return _Prompt(
        model=_digest((call.model, options.get("speed"))),
        tools=_digest(([tool.raw for tool in call.tools], options.get("builtin_tools"))),
        system=_digest(plain(Message(role="system", content=call.system))),
        others=_digest((call.tool_choice, options.get("thinking"), options.get("effort"))),
        messages=tuple([_digest(plain(message)) for message in call.messages]),
    )


def _digest(value: object) -> bytes:
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=16).digest()
