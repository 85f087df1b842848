"""How many tokens something is: texts, messages, tools and whole conversations of any vendor.

Texts are estimated without a vocabulary and without the network; each model has its own scale and
its own correction, learned from what the provider bills.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chaoskit_guards.estimate import bound_text, estimate_text
from chaoskit_guards.forks import own_lock
from chaoskit_guards.media import document_tokens, image_tokens, inline_tokens
from chaoskit_guards.models import facts_of
from chaoskit_guards.shapes import as_mapping, body_of, is_tool, part_of, tool_calls_of
from chaoskit_guards.usage import read_usage

__all__ = ["ERROR_BAND", "MESSAGE_OVERHEAD", "TokenCounter", "count_tokens"]

ERROR_BAND = 0.25
"""Half width of the band around an estimate, for texts of the kinds that it was fitted on."""

MESSAGE_OVERHEAD = 4
"""Tokens that frame one message: role and separators."""

TOOL_OVERHEAD = 8
"""Tokens that frame one tool definition."""

_written = json.JSONEncoder(ensure_ascii=False, default=str).encode

_MOST_MODELS = 64
_PARTS = ("system", "instructions", "system_instruction", "tools", "messages", "input", "contents")


def _json(value: object) -> str:
    try:
        return _written(value)
    except (TypeError, ValueError):
        return str(value)


class TokenCounter:
    """Counts texts, messages, tools and whole conversations; corrects itself from real usage.

    Counting is additive: the count of a list is the sum of the counts of its members.
    """

    def __init__(
        self,
        *,
        text: Callable[[str], int] = estimate_text,
        correction: float = 1.0,
        model: str = "",
    ) -> None:
        """Count for one model, or for any.

        Args:
            text: counts a single text; one that is given is taken to be the model's own.
            correction: what counts are multiplied by at first; `observe` learns it.
            model: whose pictures are meant, and to whose vocabulary an estimate is scaled.
        """
        if not 0 < correction < math.inf:
            raise ValueError(f"correction must be a positive number, not {correction!r}")
        facts = facts_of(model)
        self.model = model
        self._text = text
        self._image = facts.image
        self._start = correction
        self._lock = own_lock(self)
        self._estimated = 0.0
        self._actual = 0.0
        self._correction = correction
        if text in (estimate_text, bound_text):
            self._correction *= facts.token_scale
        self._models: dict[str, TokenCounter] = {}

    @property
    def band(self) -> float:
        """Half width of the band around a count: 0 for exact counts, and for those never below."""
        return ERROR_BAND if self._text is estimate_text else 0.0

    @property
    def correction(self) -> float:
        """Factor between the raw estimate and what the provider has billed so far."""
        return self._correction

    def for_model(self, model: str) -> TokenCounter:
        """Return the counter of one model, always the same one; it learns apart from the others."""
        if model == self.model:
            return self
        with self._lock:
            known = self._models.get(model)
            if known is None:
                known = TokenCounter(text=self._text, correction=self._start, model=model)
                if len(self._models) >= _MOST_MODELS:
                    self._models.clear()
                self._models[model] = known
            return known

    def cautious(self) -> TokenCounter:
        """Return a counter that errs upwards, at this counter's correction.

        It was fitted to be nowhere below the o200k vocabulary, in a hundred languages, code and
        data; only letters at random can exceed it. It never says more than one token a byte. A
        counter with a vocabulary is returned as it is.
        """
        if self._text is not estimate_text:
            return self
        made = TokenCounter(text=bound_text, model=self.model)
        made._correction = max(made._correction, self._correction)
        return made

    def observe(self, estimated: float, actual: float) -> None:
        """Learn from one request: this counter said `estimated`, the usage said `actual`.

        Later requests weigh more than earlier ones; numbers that make no sense are ignored.
        """
        if not (0 < estimated < math.inf and 0 < actual < math.inf):
            return
        with self._lock:
            raw = estimated / self._correction
            self._estimated = 0.9 * self._estimated + raw
            self._actual = 0.9 * self._actual + actual
            self._correction = min(4.0, max(0.25, self._actual / self._estimated))

    def learn(self, request: Mapping[str, Any], response: object) -> None:
        """Learn from the answer to a request what prompts cost at the model that answered.

        `request` has the keywords of the vendor's call; a response without usage teaches nothing.
        """
        usage = read_usage(response)
        if usage is None:
            return
        counter = self.for_model(str(request.get("model") or "")) if request.get("model") else self
        counter.observe(sum(counter(request.get(name)) for name in _PARTS), usage.total)

    def __call__(self, value: object) -> int:
        """Return the tokens of a text, a message, a content block, a tool, or a list of those."""
        return math.ceil(self._raw(value) * self._correction)

    def _raw(self, value: object) -> int:
        if isinstance(value, str):
            return self._text(value)
        if value is None:
            return 0
        if isinstance(value, (bytes, bytearray)):
            return self._text(value.decode("utf-8", "replace"))
        mapping = as_mapping(value)
        if mapping is not None:
            return self._mapping(mapping)
        if isinstance(value, (list, tuple, Iterable)):
            return sum(map(self._raw, value))
        return self._text(str(value))

    def _mapping(self, value: Mapping[str, Any]) -> int:
        kind = value.get("type")
        if is_tool(value):
            return TOOL_OVERHEAD + self._text(_json(value))
        if body_of(value) == "parts":
            return MESSAGE_OVERHEAD + sum(map(self._part, value["parts"]))
        if "role" in value:
            total = MESSAGE_OVERHEAD + self._content(value.get("content"))
            for call in tool_calls_of(value):
                total += self._raw(_function_call(call))
            if value.get("function_call"):
                total += self._text(_json(value["function_call"]))
            if value.get("tool_call_id"):
                total += self._text(str(value["tool_call_id"]))
            return total
        if isinstance(kind, str):
            return self._block(kind, value)
        return self._text(_json(dict(value)))

    def _part(self, value: object) -> int:
        part = as_mapping(value)
        if part is None:
            return self._raw(value)
        if isinstance(part.get("text"), str):
            return self._text(part["text"])
        if (tokens := inline_tokens(part, self._image)) is not None:
            return tokens
        call = part_of(part, "functionCall", "function_call")
        answer = part_of(part, "functionResponse", "function_response")
        if (body := call or answer) is None:
            return self._text(_json(dict(part)))
        inner = body.get("args", body.get("response", {}))
        head = f"{body.get('id') or ''} {body.get('name', '')}"
        return MESSAGE_OVERHEAD + self._text(head) + self._text(_json(inner))

    def _content(self, content: object) -> int:
        if isinstance(content, (str, list, tuple)) or content is None:
            return self._raw(content)
        return self._raw(as_mapping(content) or content)

    def _block(self, kind: str, block: Mapping[str, Any]) -> int:
        match kind:
            case "text" | "input_text" | "output_text":
                return self._raw(block.get("text"))
            case "thinking":
                return self._raw(block.get("thinking"))
            case "image" | "image_url" | "input_image":
                return image_tokens(block, self._image)
            case "document" | "file" | "input_file":
                return document_tokens(block, self._raw)
            case "tool_use" | "server_tool_use":
                return (
                    MESSAGE_OVERHEAD
                    + self._text(f"{block.get('id', '')} {block.get('name', '')}")
                    + self._text(_json(block.get("input", {})))
                )
            case "tool_result":
                return (
                    MESSAGE_OVERHEAD
                    + self._text(str(block.get("tool_use_id", "")))
                    + self._content(block.get("content"))
                )
            case _ if kind.endswith("_call_output"):
                return (
                    MESSAGE_OVERHEAD
                    + self._text(str(block.get("call_id", "")))
                    + self._content(block.get("output"))
                )
            case _ if kind.endswith("_call"):
                return MESSAGE_OVERHEAD + self._raw(_function_call(block))
            case _:
                return self._text(_json(dict(block)))


def _function_call(call: object) -> str:
    mapping = as_mapping(call) or {}
    body = as_mapping(mapping.get("function")) or mapping
    arguments = body.get("arguments", body.get("input", ""))
    text = arguments if isinstance(arguments, str) else _json(arguments)
    return f"{mapping.get('call_id') or mapping.get('id') or ''} {body.get('name', '')} {text}"


count_tokens = TokenCounter()
"""The counter that the other guards use when they are given none."""
