"""Answers: the response object, in one piece."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps, encoded
from chaoskit.dialects._openai import headers, ids
from chaoskit.dialects.openai_responses import kept
from chaoskit.dialects.openai_responses.compaction import compacted
from chaoskit.dialects.openai_responses.diagnostics import diagnosed
from chaoskit.dialects.openai_responses.items import Item, read_item
from chaoskit.dialects.openai_responses.output import output
from chaoskit.exchange import Call, HttpReply, Reply, Usage

__all__ = ["begun", "json_reply", "keep", "plain", "response"]

_REASONS = {
    "max_tokens": "max_output_tokens",
    "window_exceeded": "max_output_tokens",
    "refusal": "content_filter",
}
_UNFINISHED: Json = {
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "output": [],
    "usage": None,
}


def plain(reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
    """Encode an answer in one piece; one that is made in the background has only been queued."""
    if call.options.get("compact"):
        return _limited(compacted(reply, call, envelope, _usage(reply.usage)), envelope)
    made = response(reply, call, envelope)
    keep(made, call, envelope)
    if call.options.get("background"):
        made = begun(made, "queued")
    return _limited(made, envelope)


def _limited(made: Json, envelope: Envelope) -> HttpReply:
    answer = json_reply(made, envelope)
    return replace(answer, headers={**answer.headers, **headers.limits(envelope)})


def response(reply: Reply, call: Call, envelope: Envelope) -> Json:
    """Return the response object."""
    reason = _REASONS.get(reply.stop)
    made: Json = {
        "id": ids.item_id("resp", envelope.ids),
        "object": "response",
        "created_at": int(envelope.wall),
        "status": "incomplete" if reason else "completed",
        "completed_at": None if reason else int(envelope.wall + envelope.latency),
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": str(call.options.get("served", call.model)),
        "output": output(reply, call, envelope, cut=reason is not None),
        "usage": _usage(reply.usage),
    }
    echo = call.options.get("echo")
    if isinstance(echo, dict):
        made |= echo
    if "compared" in call.options:
        made["prompt_cache_diagnostics"] = diagnosed(made, call, reply.usage, envelope)
    return made


def begun(made: Json, status: str) -> Json:
    """Return the response as it is before anything has been generated."""
    begins = made | _UNFINISHED | {"status": status}
    if "prompt_cache_diagnostics" in begins:
        begins["prompt_cache_diagnostics"] = None
    return begins


def keep(made: Json, call: Call, envelope: Envelope) -> None:
    """Put the response and its items onto the shelf, where the request wants them kept.

    A connection remembers its latest response in any case.
    """
    shelf, lane = envelope.shelf, envelope.lane
    name = call.options.get("conversation")
    stores = shelf is not None and bool(call.options.get("store") or name)
    if not stores and lane is None:
        return
    given = _items(call, "given")
    said = tuple([read_item(item, "output") for item in made["output"]])
    answered = kept.KeptResponse(body=made, given=given, items=(*_items(call, "items"), *said))
    if lane is not None:
        lane.socket.latest[lane.name] = (made["id"], answered)
    if shelf is None or not stores:
        return
    reasoning = ""
    for item in said:
        one = kept.KeptItem(item=item, reasoning=reasoning)
        shelf.put(kept.ITEM, item.id, one, size=kept.size((item,)))
        reasoning = item.id if item.kind == "reasoning" else ""
    if call.options.get("store"):
        size = kept.size(given) + len(encoded(made))
        shelf.put(kept.RESPONSE, made["id"], answered, size=size)
    if isinstance(name, str):
        mine = kept.identified(given, made["id"])
        kept.put(shelf, name, kept.conversation(shelf, name).longer((*mine, *said)))


def json_reply(body: Json, envelope: Envelope) -> HttpReply:
    """Return a successful response."""
    data = dumps(body).encode()
    return HttpReply.whole(200, headers.common("application/json", envelope), data)


def _items(call: Call, name: str) -> tuple[Item, ...]:
    found = call.options.get(name)
    return found if isinstance(found, tuple) else ()


def _usage(tokens: Usage) -> Json:
    """Return the tokens of an exchange; those of the input include the cached ones."""
    details: Json = {
        "cached_tokens": tokens.cache_read,
        "cache_write_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
    }
    if tokens.cache_write_1h:  # clients that take every detail for a number break at the split
        details["cache_write_tokens_details"] = {
            "ttl_30m_tokens": tokens.cache_write_5m,
            "ttl_12h_tokens": tokens.cache_write_1h,
        }
    return {
        "input_tokens": tokens.prompt,
        "input_tokens_details": details,
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total,
    }
