"""The body cannot be decompressed."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import ClassVar

from chaoskit.fault import Strike
from chaoskit.settings import settings
from chaoskit.steps import Finish, Head, Send, Step

__all__ = ["BrokenCompression"]

_FLIPPED = 20  # a byte behind the header of gzip, where its first block begins


@settings
class BrokenCompression:
    """The body says that it is gzip, and breaks as it is read; on a WebSocket nothing says so."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "broken_compression"
    when = { calls = "1" }
    """

    def steps(
        self,
        steps: tuple[Step, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Step, ...]:
        """Compress the whole body, and damage it."""
        head = next((step for step in steps if isinstance(step, Head)), None)
        body = b"".join(step.data for step in steps if isinstance(step, Send))
        if head is None or not head.status or not body or Finish() not in steps:
            return steps
        packer = zlib.compressobj(wbits=31)
        packed = bytearray(packer.compress(body) + packer.flush())
        at = min(_FLIPPED, len(packed) - 9)
        packed[at:-8] = b"\xff" * (len(packed) - 8 - at)
        headers = {**head.headers, "content-encoding": "gzip"}
        if "content-length" in headers:
            headers["content-length"] = str(len(packed))
        before = steps[: steps.index(head)]
        waits = (s for s in steps[len(before) + 1 :] if not isinstance(s, (Send, Finish)))
        return (*before, replace(head, headers=headers), *waits, Send(bytes(packed)), Finish())
