"""One request on its way through the world, and what the journal keeps of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chaoskit import fingerprint
from chaoskit.again import ByIdentity
from chaoskit.arguments import is_valid
from chaoskit.canary import Canaries, owner
from chaoskit.dialect import Dialect
from chaoskit.errors import UnusableSchema
from chaoskit.exchange import Call, HttpReply, HttpRequest, Refusal, ToolCall, ToolResult, ToolSpec
from chaoskit.journal import CalledTool, GotResult, Leaked, Refused, Replied, Requested, Struck
from chaoskit.match import Subject
from chaoskit.plan import Decision
from chaoskit.provider.service import Service, Settled
from chaoskit.quick import maker
from chaoskit.sockets import Lane
from chaoskit.watch_requests import parts_of

__all__ = ["Visit", "about"]

_LONGEST = 2_000  # characters of an error

Hide = Callable[[str], str]
"""Takes planted secrets out of a text."""


_new_requested = maker(Requested)
_new_replied = maker(Replied)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a call tells of its conversation.

    Attributes:
        step, prefix: where it stands, and what it begins with, as hashes.
        tools: names of those that are offered.
        results: those after the model's last turn, each with the name of its tool.
    """

    step: str
    prefix: str
    tools: tuple[str, ...]
    results: tuple[tuple[ToolResult, str], ...]


_new_told = maker(_Told)


@ByIdentity
def _told(call: Call) -> _Told:
    """Return it, found once."""
    return _new_told(
        step=fingerprint.step(call),
        prefix=fingerprint.prefix(call),
        tools=tuple([tool.name for tool in call.tools]),
        results=_newest(call),
    )


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
        told = _told(call) if call else _NOTHING
        weighed = service.weighed(call) if call and asking else None
        return _new_requested(
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
            step=told.step,
            prefix=told.prefix,
            messages=len(call.messages) if call else 0,
            tools=told.tools,
            prompt_tokens=weighed.prompt.total if weighed else 0,
            max_tokens=call.max_tokens if call else None,
            sdk_retry=int(retries) if retries.isdecimal() else -1,
            results=_results(told, hide) if told.results else (),
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
            message=_message(http),
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
                    valid=spec is not None and _fits(spec, tool_call.arguments),
                )
            )
        return _new_replied(
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

    def leaked(self, request: HttpRequest, canaries: Canaries) -> Iterator[Leaked]:
        """Yield the secrets that have no business in a request.

        Those are a user's in another's prompt, and any in a URL or a header.
        """
        url = f"{request.path}?{request.query}"
        for part, text in parts_of(url, request.headers, request.body):
            for sighting in canaries.find(text):
                if part == "body" and owner(sighting.label) == self.user:
                    continue
                yield Leaked(
                    at=self.now,
                    user=self.user,
                    turn=self.turn,
                    canary=sighting.label,
                    channel="request",
                    encoding=sighting.encoding,
                    where=f"{request.host}, {part}",
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


_NOTHING = _Told(step="", prefix="", tools=(), results=())


def about(
    call: Call | None, dialect: Dialect, *, user: str, number: int, turn: int, now: float
) -> Subject:
    """Return the facts on a request by which rules are chosen."""
    if call is not None:
        return Subject.of(call, user=user, number=number, turn=turn, now=now)
    return Subject(
        user=user,
        number=number,
        turn=turn,
        now=now,
        operation="unknown",
        provider=dialect.provider,
        dialect=dialect.name,
    )


def _fits(spec: ToolSpec, arguments: str) -> bool:
    try:
        return is_valid(spec.schema, arguments)
    except UnusableSchema:
        return False


def _newest(call: Call) -> tuple[tuple[ToolResult, str], ...]:
    """Return the tool results after the model's last turn, each with the name of its tool."""
    names: dict[str, str] = {}
    found: list[ToolResult] = []
    for message in reversed(call.messages):
        if message.role == "assistant":
            names = {part.id: part.name for part in message.content if isinstance(part, ToolCall)}
            break
        found[:0] = [part for part in message.content if isinstance(part, ToolResult)]
    return tuple([(result, names.get(result.call_id, "")) for result in found])


def _results(told: _Told, hide: Hide) -> tuple[GotResult, ...]:
    """Return what is kept of tool results."""
    return tuple(
        [
            GotResult(
                call_id=result.call_id,
                tool=tool,
                is_error=result.is_error,
                text=hide(result.text),
            )
            for result, tool in told.results
        ]
    )


def _message(reply: HttpReply) -> str:
    """Return what an error response says, without its ids."""
    try:
        return str(json.loads(reply.body)["error"]["message"])[:_LONGEST]
    except (ValueError, KeyError, TypeError):
        return reply.body.decode("utf-8", "replace")[:200]
