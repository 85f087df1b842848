"""What a conversation says at the moment of a call: who asked what, and how the tools fared."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache

from chaoskit.exchange import Call, Message, Text, ToolCall, ToolResult

__all__ = ["Conversation", "asks_to_stop", "is_empty", "is_error", "read"]

_ERROR = re.compile(
    r"""\W*(?:traceback\b
    |error\b(?!\s(?:rate|log|code|count|message)s?\b)(?!['"]\s*:\s*(?:None|null|false|0\b|''|""))
    |(?:\w+\s){0,2}\w*(?:error|exception)\s*[:(]
    |(?:invalid|bad|wrong|missing|unknown|unexpected)\s+(?:\w+\s+)?
        (?:arguments?|inputs?|json|param\w*|requests?|tools?|types?|values?)\b
    |failed\s+to\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_ERROR_KEYS = ("error", "errors", "is_error", "isError")
_NOTHING = re.compile(
    r"\s*(?:no\b.{0,60}?\b(?:found|results?|match(?:es)?|hits?|rows?|records?)\b"
    r"|(?:found\s+)?(?:nothing|none|0\s+(?:results|matches|hits|rows|records))\b"
    r"|not found\b)",
    re.IGNORECASE,
)
_STOP = re.compile(
    r"\b(?:stop (?:search|look|try|call|query|us|retry)\w*"
    r"|(?:do not|don't|must not|no need to) (?:search|look|call|query|try|retry|use)\b.{0,60}?"
    r"\b(?:again|more|further|any|tools?)\b"
    r"|no (?:more|further) (?:search|tool|call|quer|attempt)\w*"
    r"|(?:search|call|tool|loop)\w* (?:limit|budget) (?:is |was |has been )?"
    r"(?:reached|exceeded|exhausted|used up)"
    r"|answer (?:now|the user)|stop now)",
    re.IGNORECASE,
)
_ROWS = ("results", "items", "hits", "matches", "rows", "data", "documents", "records", "entries")
_FRAME = frozenset(
    {
        *("query", "q", "search", "term", "terms", "keywords", "filter", "filters"),
        *("page", "limit", "offset", "size", "total", "count", "took", "ok", "success", "message"),
    }
)
_REMARK = 800  # characters; longer texts are data, which may use the same words otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The current turn of the user, and what has happened in it.

    A user message that carries tool results, or that follows them and only asks to stop, belongs
    to the turn that is under way.

    Attributes:
        prompt: the user's newest question; empty when the conversation has none.
        step: number of model turns since that question.
        calls: tool calls of the model since then, in order.
        rounds: the tool results since then, one tuple for each model turn that called tools.
        remarks: texts that the agent put beside or after the tool results.
    """

    prompt: str
    step: int
    calls: tuple[ToolCall, ...]
    rounds: tuple[tuple[ToolResult, ...], ...]
    remarks: tuple[str, ...]

    @property
    def newest(self) -> tuple[ToolResult, ...]:
        """The results that the model has not answered yet."""
        return self.rounds[-1] if self.rounds else ()

    @property
    def failures(self) -> int:
        """Number of the latest rounds in a row of which each brought an error."""
        count = 0
        for results in reversed(self.rounds):
            if not any(is_error(result) for result in results):
                break
            count += 1
        return count

    @property
    def findings(self) -> tuple[ToolResult, ...]:
        """The results that brought something: no error, not empty, no mere request to stop."""
        return tuple(
            result
            for results in self.rounds
            for result in results
            if not (is_error(result) or is_empty(result) or asks_to_stop(result.text))
        )

    @property
    def stop_requests(self) -> int:
        """How often a tool result or a remark has clearly asked the model to stop calling tools."""
        texts = [result.text for results in self.rounds for result in results]
        return sum(asks_to_stop(text) for text in (*texts, *self.remarks))

    def called(self, result: ToolResult) -> ToolCall | None:
        """Return the call that a result answers, or None when it is not in the conversation."""
        return next((call for call in reversed(self.calls) if call.id == result.call_id), None)


def read(call: Call) -> Conversation:
    """Return the conversation as the model sees it in this call."""
    start = _start(call.messages)
    calls: list[ToolCall] = []
    rounds: list[tuple[ToolResult, ...]] = []
    remarks: list[str] = []
    results: list[ToolResult] = []
    step = 0
    for message in call.messages[start + 1 :]:
        if message.role == "assistant":
            if results:
                rounds.append(tuple(results))
                results = []
            calls.extend(part for part in message.content if isinstance(part, ToolCall))
            step += 1
        else:
            results.extend(part for part in message.content if isinstance(part, ToolResult))
            if message.role == "user" and message.text:
                remarks.append(message.text)
    if results:
        rounds.append(tuple(results))
    asked = start >= 0
    return Conversation(
        prompt=call.messages[start].text if asked else "",
        step=step,
        calls=tuple(calls),
        rounds=tuple(rounds),
        remarks=tuple(remarks),
    )


def _start(messages: tuple[Message, ...]) -> int:
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role != "user" or not any(isinstance(part, Text) for part in message.content):
            continue
        if _has_results(message):
            continue
        follows_results = index > 0 and _has_results(messages[index - 1])
        if not (follows_results and asks_to_stop(message.text)):
            return index
    return -1


def _has_results(message: Message) -> bool:
    return any(isinstance(part, ToolResult) for part in message.content)


def is_error(result: ToolResult) -> bool:
    """Tell whether a tool result reports an error, by its flag or clearly by its text."""
    return result.is_error or _says_error(result.text)


@lru_cache(maxsize=64)  # a result is looked at several times in each call of its turn
def _says_error(text: str) -> bool:
    value = _parsed(text)
    if isinstance(value, dict):
        return any(map(value.get, _ERROR_KEYS)) or value.get("status") == "error"
    if text.lstrip().startswith('{"'):
        return False  # half of a JSON object tells nothing for certain
    return _ERROR.match(text) is not None


def is_empty(result: ToolResult) -> bool:
    """Tell whether a tool result says that there is nothing to be had."""
    if not all(isinstance(part, Text) for part in result.content):
        return False
    return _says_nothing(result.text.strip())


@lru_cache(maxsize=64)
def _says_nothing(text: str) -> bool:
    if text in ("", "None", "null", "()", "set()"):
        return True
    value = _parsed(text)
    if isinstance(value, (dict, list)):
        return _hollow(value)
    if isinstance(value, str):  # JSON inside of JSON
        return _says_nothing(value.strip())
    return len(text) < _REMARK and _NOTHING.match(text) is not None


def _hollow(value: object) -> bool:
    """Tell whether a value brings nothing: its lists of findings are empty, or all of it is."""
    if not isinstance(value, dict):
        return not value
    rows = [value[name] for name in _ROWS if isinstance(value.get(name), (list, dict))]
    if rows:
        return all(map(_hollow, rows))
    framed = any(isinstance(inner, (list, dict)) for inner in value.values())
    return all(_hollow(inner) or (framed and name in _FRAME) for name, inner in value.items())


def asks_to_stop(text: str) -> bool:
    """Tell whether a text clearly asks the model to stop calling tools."""
    return len(text) <= _REMARK and _STOP.search(text) is not None


def _parsed(text: str) -> object:
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return None
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed
