"""Answers of either vendor, whole or in pieces, read into one shape.

Both read attributes and keys alike, so that an SDK's objects, plain JSON and a stand-in work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from chaoskit_guards.completion import Completion, Usage
from chaoskit_guards.errors import StreamTruncated, UnreadableResponse
from chaoskit_guards.translate import copied, parsed_arguments

__all__ = ["Assembler", "Dialect", "assembler", "read"]

Dialect = Literal["anthropic", "openai"]

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def read(answer: Any, dialect: Dialect) -> Completion:
    """Return a whole answer.

    Raises:
        UnreadableResponse: it is no answer, such as the text of a gateway's error page.
    """
    if isinstance(answer, Completion):
        return answer
    if dialect == "openai" and _get(answer, "choices"):
        return _read_openai(answer)
    if isinstance(_get(answer, "content"), list | tuple):
        return _read_anthropic(answer)
    if _get(answer, "choices"):
        return _read_openai(answer)
    raise UnreadableResponse(f"an answer of type {type(answer).__name__} without any content")


def _get(value: Any, name: str) -> Any:
    if value is None:
        return None
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _count(value: Any, name: str) -> int:
    number = _get(value, name)
    return number if isinstance(number, int) else 0


def _word(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default


def _read_anthropic(answer: Any) -> Completion:
    content = [_block(block) for block in _get(answer, "content")]
    called = any(block["type"] == "tool_use" for block in content)
    return Completion(
        content=content,
        stop_reason=_word(_get(answer, "stop_reason"), "tool_use" if called else "end_turn"),
        usage=_anthropic_usage(_get(answer, "usage")),
        raw=answer,
    )


def _block(block: Any) -> dict[str, Any]:
    made = copied(block)
    if isinstance(made, dict) and isinstance(made.get("type"), str):
        return made
    if _get(block, "type") == "tool_use":
        return {"type": "tool_use"} | {n: copied(_get(block, n)) for n in ("id", "name", "input")}
    text = _get(block, "text")
    if isinstance(text, str):
        return {"type": "text", "text": text}
    raise UnreadableResponse(f"a block of type {_get(block, 'type')!r}")


def _anthropic_usage(usage: Any) -> Usage:
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_read_tokens=_count(usage, "cache_read_input_tokens"),
        cache_write_tokens=_count(usage, "cache_creation_input_tokens"),
    )


def _read_openai(answer: Any) -> Completion:
    choice = _get(answer, "choices")[0]
    message = _get(choice, "message")
    text, refusal = _get(message, "content"), _get(message, "refusal")
    refused = isinstance(refusal, str) and bool(refusal)
    content: list[dict[str, Any]] = []
    if refused or (isinstance(text, str) and text):
        content.append({"type": "text", "text": refusal if refused else text})
    calls = _get(message, "tool_calls")
    for call in calls if isinstance(calls, list | tuple) else ():
        function = _get(call, "function")
        content.append(
            _tool_use(_get(call, "id"), _get(function, "name"), _get(function, "arguments"))
        )
    return Completion(
        content=content,
        stop_reason=_openai_stop(_get(choice, "finish_reason"), content, refused=refused),
        usage=_openai_usage(_get(answer, "usage")),
        raw=answer,
    )


def _tool_use(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": call_id,
        "name": name,
        "input": parsed_arguments(arguments),
    }


def _openai_stop(reason: Any, content: list[dict[str, Any]], *, refused: bool) -> str:
    if refused:
        return "refusal"
    # A call that was forced by name ends with `stop`.
    called = any(block["type"] == "tool_use" for block in content)
    stop = _STOPS.get(_word(reason, "stop"), _word(reason, "end_turn"))
    return "tool_use" if called and stop == "end_turn" else stop


def _openai_usage(usage: Any) -> Usage:
    details = _get(usage, "prompt_tokens_details")
    cached, written = _count(details, "cached_tokens"), _count(details, "cache_write_tokens")
    return Usage(
        input_tokens=max(0, _count(usage, "prompt_tokens") - cached - written),
        output_tokens=_count(usage, "completion_tokens"),
        cache_read_tokens=cached,
        cache_write_tokens=written,
    )


class Assembler(Protocol):
    """Puts the events of one stream together."""

    @property
    def begun(self) -> bool:
        """Whether something of the answer itself is there."""

    def feed(self, event: Any) -> str:
        """Take one event and return the text in it, which may be empty."""

    def completion(self) -> Completion:
        """Return the whole answer.

        Raises:
            StreamTruncated: the provider has not said that it is complete.
        """


def assembler(dialect: Dialect) -> Assembler:
    """Return an assembler for the streams of a vendor."""
    return _AnthropicAssembler() if dialect == "anthropic" else _OpenAIAssembler()


class _AnthropicAssembler:
    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._json: dict[int, str] = {}
        self._usage: dict[str, int] = {}
        self._stop = "end_turn"
        self._complete = False

    @property
    def begun(self) -> bool:
        return bool(self._blocks)

    def feed(self, event: Any) -> str:
        kind = _get(event, "type")
        if kind == "message_start":
            self._count(_get(_get(event, "message"), "usage"))
        elif kind == "content_block_start":
            self._blocks[_get(event, "index")] = _block(_get(event, "content_block"))
        elif kind == "content_block_delta":
            return self._delta(_get(event, "index"), _get(event, "delta"))
        elif kind == "message_delta":
            self._stop = _word(_get(_get(event, "delta"), "stop_reason"), self._stop)
            self._count(_get(event, "usage"))
        elif kind == "message_stop":
            self._complete = True
        return ""

    def completion(self) -> Completion:
        if not self._complete:
            raise StreamTruncated("the stream ended before message_stop")
        for index, text in self._json.items():
            self._blocks[index]["input"] = parsed_arguments(text)
        return Completion(
            content=[self._blocks[index] for index in sorted(self._blocks)],
            stop_reason=self._stop,
            usage=_anthropic_usage(self._usage),
        )

    def _delta(self, index: int, delta: Any) -> str:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        kind = _get(delta, "type")
        if kind == "text_delta":
            block["text"] = block.get("text", "") + _get(delta, "text")
            return str(_get(delta, "text"))
        if kind == "input_json_delta":
            self._json[index] = self._json.get(index, "") + _get(delta, "partial_json")
        elif kind in ("thinking_delta", "signature_delta"):
            name = str(kind).removesuffix("_delta")
            block[name] = block.get(name, "") + _get(delta, name)
        return ""

    def _count(self, usage: Any) -> None:
        for name in (
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ):
            number = _get(usage, name)
            if isinstance(number, int):
                self._usage[name] = number  # the counts are cumulative, the last one holds


class _OpenAIAssembler:
    def __init__(self) -> None:
        self._text: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._usage: Any = None
        self._finish: str | None = None
        self._refused = False

    @property
    def begun(self) -> bool:
        return bool(self._calls) or any(self._text)

    def feed(self, event: Any) -> str:
        if _get(event, "usage") is not None:
            self._usage = _get(event, "usage")
        shown = ""
        for choice in _get(event, "choices") or ():
            delta = _get(choice, "delta")
            refusal = _get(delta, "refusal")
            self._refused = self._refused or bool(refusal)
            shown += _get(delta, "content") or refusal or ""
            for call in _get(delta, "tool_calls") or ():
                self._call(call)
            self._finish = _get(choice, "finish_reason") or self._finish
        self._text.append(shown)
        return shown

    def completion(self) -> Completion:
        if self._finish is None:
            raise StreamTruncated("the stream ended without a finish_reason")
        text = "".join(self._text)
        content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        content += [
            _tool_use(call["id"], call["name"], call["arguments"])
            for _, call in sorted(self._calls.items())
        ]
        return Completion(
            content=content,
            stop_reason=_openai_stop(self._finish, content, refused=self._refused),
            usage=_openai_usage(self._usage),
        )

    def _call(self, piece: Any) -> None:
        call = self._calls.setdefault(_get(piece, "index"), {"id": "", "name": "", "arguments": ""})
        function = _get(piece, "function")
        call["id"] += _get(piece, "id") or ""
        call["name"] += _get(function, "name") or ""
        call["arguments"] += _get(function, "arguments") or ""
