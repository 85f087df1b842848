"""Any counter as a counter of messages, and no message counted twice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from chaoskit_guards.shapes import freeze, plain_text
from chaoskit_guards.tokens import TokenCounter

__all__ = ["Counts", "message_counter"]

_MOST = 8_192
_MOST_TOKENS = 4_000_000
_SMALL = 0.05


class Counts:
    """The tokens of messages, kept by what the messages say."""

    def __init__(self, counter: Callable[[Any], float]) -> None:
        self._counter = message_counter(counter)
        learner: object = counter
        self._learns = learner if isinstance(learner, TokenCounter) else None
        self._correction = 1.0 if self._learns is None else self._learns.correction
        self._known: dict[object, int] = {}
        self._held = 0

    def __call__(self, message: Mapping[str, Any], key: object = None) -> int:
        """Return the tokens of a message; `key` is its frozen form, where somebody has it."""
        key = freeze(message) if key is None else key
        known = self._known.get(key)
        if known is None:
            known = self._counter(message)
            if len(self._known) >= _MOST or self._held > _MOST_TOKENS:
                self._known, self._held = {}, 0  # the keys hold the texts
            self._known[key] = known
            self._held += known
        return known

    def refresh(self) -> bool:
        """Forget all counts where the counter has learned that they are wrong; tell whether so.

        A small correction is not worth a cut in another place, which a prompt cache pays for.
        """
        if self._learns is None:
            return False
        correction = self._learns.correction
        if abs(correction / self._correction - 1) <= _SMALL:
            return False
        self._correction = correction
        self._known, self._held = {}, 0
        return True

    def beside(self, value: object) -> int:
        """Return the tokens of what is sent beside the messages."""
        return self({"content": value}) if value else 0


def message_counter(counter: Callable[[Any], float]) -> Callable[[Mapping[str, Any]], int]:
    """Return a counter of messages, whatever `counter` itself wants: text, a message or a list."""
    knows_messages = isinstance(counter, TokenCounter)

    def count(message: Mapping[str, Any]) -> int:
        content = message.get("content")
        if knows_messages:
            beside = message.keys() == {"content"}
            return _whole(counter(content if beside else message))
        alone = isinstance(content, str) and not (message.keys() - {"role", "content"})
        text = str(content) if alone else plain_text(message)
        failure: Exception | None = None
        for form in (text, message, [message]):
            try:
                value = counter(form)
            except (TypeError, KeyError, AttributeError, IndexError) as error:
                failure = failure or error
                continue
            return _whole(value)
        raise TypeError("the token counter accepts neither text nor messages") from failure

    return count


def _whole(value: float) -> int:
    if not 0 <= value < math.inf:
        raise ValueError(f"the token counter says {value!r}, which is not a count")
    return math.ceil(value)
