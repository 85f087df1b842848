"""One request on its way through the world, and what the journal keeps of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaoskit import fingerprint
from chaoskit.again import ByIdentity
from chaoskit.arguments import is_valid
from chaoskit.dialect import Dialect
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, ToolCall, ToolResult
from chaoskit.journal import CalledTool, GotResult, Refused, Replied, Requested, Struck
from chaoskit.match import Subject
from chaoskit.plan import Decision
from chaoskit.provider.service import Service, Settled
from chaoskit.quick import quick
from chaoskit.sockets import Lane

__all__ = ["Visit"]

_LONGEST = 2_000  # characters of an error

Hide = Callable[[str], str]
"""Takes planted secrets out of a text."""


@ByIdentity
def _hashes(call: Call) -> tuple[str, str]:
    """Return where a conversation stands, and what it begins with, as hashes."""
    return fingerprint.step(call), fingerprint.prefix(call)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request on its way through the world. `call` is None when it could not be decoded.

    Attributes:
        lane: of the WebSocket on which it is a message; None for what came by HTTP.
        asked: the body.
        keyed: it came with an API key, so the provider knows whose it is.
    """

    number: int
    user: str
    turn: int
    now: float
    dialect: Dialect
    call: Call | None
    subject: Subject
    lane: Lane | None = None
    asked: bytes = b""
    keyed: bool = True

    def requested(
        self, request: HttpRequest, *, attempt: int, service: Service, hide: Hide
    ) -> Requested:
        """Return what is kept of the request itself."""
        call = self.call
        retries = request.headers.get("x-stainless-retry-count", "")
        asking = call is not None and call.operation in ("generate", "prepare", "embed")
        step, prefix = _hashes(call) if call else ("", "")
        weighed = service.weighed(call) if call and asking else None
        return Requested(
            at=self.now,
            user=self.user,
            turn=self.turn,
            call=self.number,
            attempt=attempt,
            provider=self.dialect.provider,
            dialect=self.dialect.name,
            operation=call.operation if call else "unknown",
            model=call.model if call else "",
            stream=bool(call and call.stream),
            key=call.key if call else "",
            digest=fingerprint.digest(request.body),
            step=step,
            prefix=prefix,
            messages=len(call.messages) if call else 0,
            tools=tuple([tool.name for tool in call.tools]) if call else (),
            prompt_tokens=weighed.prompt.total if weighed else 0,
            max_tokens=call.max_tokens if call else None,
            sdk_retry=int(retries) if retries.isdecimal() else -1,
            results=_results(call, hide) if call else (),
            cacheable=weighed is not None and weighed.cacheable,
        )

    def refused(
        self, refusal: Refusal, http: HttpReply, decision: Decision | None = None
    ) -> Refused:
        """Return what is kept of a refusal; `decision` is set when a fault refused."""
        details = refusal.details
        return Refused(
            at=self.now,
            user=self.user,
            turn=self.turn,
            call=self.number,
            status=http.status,
            kind=refusal.kind,
            message=_told(http),
            retry_after=refusal.retry_after,
            injected=decision is not None,
            early=decision.early if decision else bool(details.get("early", False)),
            waited=decision.waited if decision else float(details.get("waited", 0.0)),
        )

    def replied(self, call: Call, settled: Settled, hide: Hide) -> Replied:
        """Return what is kept of an answer of the model."""
        reply, usage = settled.reply, settled.reply.usage
        called = []
        for tool_call in reply.tool_calls:
            spec = call.tool(tool_call.name)
            called.append(
                CalledTool(
                    call_id=tool_call.id,
                    tool=tool_call.name,
                    arguments=hide(tool_call.arguments),
                    valid=spec is not None and is_valid(spec.schema, tool_call.arguments),
                )
            )
        return Replied(
            at=self.now,
            user=self.user,
            turn=self.turn,
            call=self.number,
            provider=call.provider,
            model=call.model,
            stop=reply.stop,
            text=hide(reply.text),
            tool_calls=tuple(called),
            facts=reply.facts,
            streamed=call.stream,
            input_tokens=usage.input,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=usage.cache_write_5m + usage.cache_write_1h,
            output_tokens=usage.output,
            cost_usd=settled.cost_usd,
        )

    def struck(self, decision: Decision, stage: Any) -> Struck:
        """Return what is kept of a fault that did its damage."""
        return Struck(
            at=self.now,
            user=self.user,
            turn=self.turn,
            call=self.number,
            rule=decision.rule,
            fault=type(decision.fault).__name__,
            stage=stage,
        )


def _results(call: Call, hide: Hide) -> tuple[GotResult, ...]:
    """Return the tool results after the model's last turn."""
    names: dict[str, str] = {}
    found: list[ToolResult] = []
    for message in reversed(call.messages):
        if message.role == "assistant":
            names = {part.id: part.name for part in message.content if isinstance(part, ToolCall)}
            break
        found[:0] = [part for part in message.content if isinstance(part, ToolResult)]
    return tuple(
        [
            GotResult(
                call_id=result.call_id,
                tool=names.get(result.call_id, ""),
                is_error=result.is_error,
                text=hide(result.text),
            )
            for result in found
        ]
    )


def _told(reply: HttpReply) -> str:
    """Return what an error response says, without its ids."""
    try:
        return str(json.loads(reply.body)["error"]["message"])[:_LONGEST]
    except (ValueError, KeyError, TypeError):
        return reply.body.decode("utf-8", "replace")[:200]
