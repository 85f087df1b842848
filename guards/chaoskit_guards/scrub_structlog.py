"""Scrubbing for structlog, which is not imported: its processors are plain callables."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

from chaoskit_guards.scrub import Scrubber

__all__ = ["ScrubbingProcessor"]


class ScrubbingProcessor:
    """Takes secrets out of every event; put it right before the renderer.

    Keys that begin with an underscore are structlog's own and stay. An exception whose traceback
    shows a secret becomes the scrubbed text under `exception`, whoever formats it later.
    """

    def __init__(self, scrubber: Scrubber | None = None) -> None:
        self._scrubber = scrubber or Scrubber()

    def __call__(
        self, _logger: object, _name: str, event_dict: MutableMapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the event without secrets."""
        cleaned: dict[str, Any] = {}
        for key, value in event_dict.items():
            if key.startswith("_") or key == "exc_info":
                cleaned[key] = value
            else:
                cleaned.update(self._scrubber.scrub_dict({key: value}))
        trace = _traceback(cleaned.get("exc_info"))
        safe = self._scrubber.scrub_text(trace)
        if safe != trace:
            del cleaned["exc_info"]
            cleaned["exception"] = safe
        return cleaned


def _traceback(exc_info: object) -> str:
    if isinstance(exc_info, BaseException):
        return "".join(traceback.format_exception(exc_info))
    found = exc_info if isinstance(exc_info, tuple) else sys.exc_info() if exc_info else ()
    error = found[1] if len(found) == 3 else None
    return "".join(traceback.format_exception(error)) if error is not None else ""
