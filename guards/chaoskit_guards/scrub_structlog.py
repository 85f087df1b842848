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
        try:
            return self._cleaned(event_dict)
        except Exception as error:  # noqa: BLE001 - neither may a secret get out nor logging raise
            return {"event": f"[log event could not be scrubbed: {type(error).__name__}]"}

    def _cleaned(self, event_dict: Mapping[str, Any]) -> dict[str, Any]:
        own = {k for k in event_dict if k.startswith("_") or k == "exc_info"}
        safe = iter(
            self._scrubber.scrub_dict({k: v for k, v in event_dict.items() if k not in own}).items()
        )
        cleaned = dict((k, v) if k in own else next(safe) for k, v in event_dict.items())
        trace = _traceback(cleaned.get("exc_info"))
        shown = self._scrubber.scrub_text(trace)
        if shown != trace:
            del cleaned["exc_info"]
            cleaned["exception"] = shown
        return cleaned


def _traceback(exc_info: object) -> str:
    if isinstance(exc_info, BaseException):
        return "".join(traceback.format_exception(exc_info))
    found = exc_info if isinstance(exc_info, tuple) else sys.exc_info() if exc_info else ()
    error = found[1] if len(found) == 3 else None
    return "".join(traceback.format_exception(error)) if error is not None else ""
