"""The items of an answer."""

from __future__ import annotations

from typing import Any

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import ids, logprobs
from chaoskit.dialects.openai_responses import hosted
from chaoskit.exchange import Call, Hosted, Reply, Text, Thinking, ToolCall

__all__ = ["output"]

_SEALED = 160  # random bits of what stands for encrypted reasoning


def output(reply: Reply, call: Call, envelope: Envelope, *, cut: bool) -> list[Json]:
    """Return the items: texts side by side are one; of a cut answer the last is incomplete."""
    made: list[Json] = []
    texts: list[Text] = []
    for part in reply.content:
        if isinstance(part, Text):
            texts.append(part)
            continue
        _message(texts, made, call, envelope)
        if isinstance(part, ToolCall):
            made.append(_call(part, call, envelope))
        elif isinstance(part, Thinking):
            made.append(_reasoning(part.text, call, envelope))
        elif isinstance(part, Hosted):
            made.append(hosted.item(part, call, envelope))
    _message(texts, made, call, envelope)
    if cut and made and "status" in made[-1]:
        made[-1]["status"] = "incomplete"
    return made


def _message(texts: list[Text], made: list[Json], call: Call, envelope: Envelope) -> None:
    """Turn the texts so far into a message."""
    if not texts:
        return
    text, top = "".join([part.text for part in texts]), logprobs.wanted(call)
    likely = [] if top is None else logprobs.of(text, top)
    cited = hosted.citations([source for part in texts for source in part.sources], text)
    part = {"type": "output_text", "annotations": cited, "logprobs": likely, "text": text}
    made.append(
        {
            "id": ids.item_id("msg", envelope.ids),
            "type": "message",
            "status": "completed",
            "content": [part],
            "role": "assistant",
        }
    )
    texts.clear()


def _call(made: ToolCall, call: Call, envelope: Envelope) -> Json:
    """Return a call: its item has an id of its own, beside that to which the result refers."""
    tools: Any = call.options.get("builtin_tools", ())
    if any(tool["type"] == "custom" and tool.get("name") == made.name for tool in tools):
        return {
            "id": ids.item_id("ctc", envelope.ids),
            "type": "custom_tool_call",
            "input": made.arguments,
            "call_id": made.id or ids.call_id(envelope.ids),
            "name": made.name,
        }
    return {
        "id": ids.item_id("fc", envelope.ids),
        "type": "function_call",
        "status": "completed",
        "arguments": made.arguments,
        "call_id": made.id or ids.call_id(envelope.ids),
        "name": made.name,
    }


def _reasoning(text: str, call: Call, envelope: Envelope) -> Json:
    """Return an item of reasoning; its summary is told only where it is asked for."""
    told = text if call.options.get("summary") else ""
    made: Json = {
        "id": ids.item_id("rs", envelope.ids),
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": told}] if told else [],
    }
    if call.options.get("sealed"):
        made["encrypted_content"] = f"gAAAAAB{envelope.ids.getrandbits(_SEALED):040x}"
    return made
