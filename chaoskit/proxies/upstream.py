"""What a real server is for a proxy in lines: something to talk to, and that may end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["Give", "Upstream"]

Give = Callable[[bytes], None]
"""Takes each line that the server says, without its end."""


class Upstream(Protocol):
    """A real server."""

    async def start(self, give: Give) -> None:
        """Begin to talk.

        Raises:
            UsageError: there is no such server.
        """
        ...

    def send(self, line: bytes) -> None:
        """Say a line, without its end."""
        ...

    async def ended(self) -> str:
        """Wait until the server ends by itself; return how, in words."""
        ...

    @property
    def code(self) -> int:
        """The exit code of a server that ended."""
        ...

    async def stop(self) -> None:
        """Stop talking; what was started is ended."""
        ...
