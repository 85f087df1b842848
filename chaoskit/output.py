"""What a process writes to a pipe: read to the end, kept in part."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import IO

__all__ = ["Output"]

_AT_ONCE = 65_536  # bytes
_GRACE = 1.0  # seconds that what outlives the process may hold the pipe open


class Output:
    """Reads a pipe on a thread of its own, so that whoever writes never waits.

    Args:
        most: how many bytes are kept, the last ones.
        full: called where there are more, and reading ends; without it, earlier ones are forgotten.

    Attributes:
        flooded: there were more, and `full` was called.
    """

    def __init__(
        self, pipe: IO[bytes], *, most: int, full: Callable[[], None] | None = None
    ) -> None:
        self.flooded = False
        self._pipe = pipe
        self._most = most
        self._full = full
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, name="chaoskit-output", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return what was kept, once the process has ended.

        A process that it left behind, in a group of its own, may go on writing: nobody waits.
        """
        self._thread.join(_GRACE)
        return bytes(self._kept[-self._most :]).decode("utf-8", "replace")

    def _read(self) -> None:
        kept = self._kept
        with self._pipe as pipe:
            while data := pipe.read(_AT_ONCE):
                kept += data
                if len(kept) <= self._most:
                    continue
                if self._full is not None:
                    self.flooded = True
                    self._full()
                    return
                if len(kept) > 2 * self._most:
                    del kept[: -self._most]
