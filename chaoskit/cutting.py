"""Where a response is cut: positions count pieces of the model's answer, never pings or headers.

A fault at a ping or at an unnamed event is invisible to clients, which drop those unread.
"""

from __future__ import annotations

from collections.abc import Sequence

from chaoskit.steps import Frame, Head, Send, Step

__all__ = ["content_frames", "frames_before", "split_steps"]


def content_frames(frames: Sequence[Frame]) -> list[int]:
    """Return the indices of the frames that carry a piece of text or of a tool call."""
    return [index for index, frame in enumerate(frames) if frame.kind in ("content", "tool")]


def frames_before(frames: Sequence[Frame], after: int) -> int:
    """Return how many frames come before a cut after `after` content frames.

    A shorter answer is cut after its last content frame, an empty one before its end.
    """
    content = content_frames(frames)
    if not content:
        ends = (index for index, frame in enumerate(frames) if frame.kind in ("end", "done"))
        return next(ends, len(frames))
    return content[0] if after == 0 else content[min(after, len(content)) - 1] + 1


def split_steps(
    steps: tuple[Step, ...], after: int, *, within: bool = False
) -> tuple[tuple[Step, ...], tuple[Step, ...]] | None:
    """Split a response after `after` content sends, or an unstreamed body after half of its bytes.

    A stream with fewer content sends is split after the last of them. None when no response was
    sent at all.

    Args:
        within: split in the middle of the piece that comes next, or of the last one.
    """
    head = next((step for step in steps if isinstance(step, Head)), None)
    if head is None:
        return None
    content = [i for i, step in enumerate(steps) if isinstance(step, Send) and step.content]
    if not head.chunked or not content:
        return _halves(steps, steps.index(head) + 1)
    if within:
        return _middle(steps, content[min(after, len(content) - 1)])
    at = content[0] if after == 0 else content[min(after, len(content)) - 1] + 1
    return steps[:at], steps[at:]


def _middle(steps: tuple[Step, ...], at: int) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Split in the middle of the send at an index."""
    send = steps[at]
    if not isinstance(send, Send) or len(send.data) < 2:
        return steps[:at], steps[at:]
    half = len(send.data) // 2
    first, second = Send(send.data[:half], send.content), Send(send.data[half:], send.content)
    return (*steps[:at], first), (second, *steps[at + 1 :])


def _halves(steps: tuple[Step, ...], body: int) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    left = sum(len(step.data) for step in steps if isinstance(step, Send)) // 2
    for index, step in enumerate(steps[body:], start=body):
        if not isinstance(step, Send):
            continue
        if left < len(step.data):
            first, second = step.data[:left], step.data[left:]
            before = (Send(first, step.content),) if first else ()
            return (*steps[:index], *before), (Send(second, step.content), *steps[index + 1 :])
        left -= len(step.data)
    return steps[:body], steps[body:]
