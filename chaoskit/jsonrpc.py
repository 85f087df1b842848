"""Answers of JSON-RPC, for faults that damage what is in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chaoskit.steps import Frame

__all__ = ["edited", "with_result"]


def edited(
    frames: tuple[Frame, ...], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[Frame, ...]:
    """Return the frames with their JSON-RPC answers changed; the same tuple where nothing is.

    Args:
        change: gets an answer, and returns another or the same object.
    """
    made = tuple(_edited(frame, change) for frame in frames)
    return frames if made == frames else made


def with_result(answer: dict[str, Any], **changed: object) -> dict[str, Any]:
    """Return an answer with parts of its result replaced; an error stays as it is.

    A part that is None is taken away.
    """
    result = answer.get("result")
    if not isinstance(result, dict):
        return answer
    made = {key: value for key, value in (result | changed).items() if value is not None}
    return {**answer, "result": made}


def _edited(frame: Frame, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Frame:
    if frame.kind != "content":
        return frame
    try:
        said = json.loads(frame.data)
    except (ValueError, RecursionError):
        return frame
    if not isinstance(said, dict) or said.get("jsonrpc") != "2.0" or "id" not in said:
        return frame
    made = change(said)
    if made is said or made == said:
        return frame
    return replace(frame, data=json.dumps(made, ensure_ascii=False, separators=(",", ":")))
