"""A real server that is a command, and talks in lines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal

from chaoskit.errors import UsageError
from chaoskit.proxies.upstream import Give

__all__ = ["CommandServer"]

_LONGEST = 64 * 1024 * 1024  # bytes of a message
_GRACE = 2.0  # seconds that a server has to end by itself, and then once more after SIGTERM


class CommandServer:
    """Starts a command, which talks on standard input and output; its errors go where ours go."""

    def __init__(self, command: str) -> None:
        self._command = command
        self.code = 0

    async def start(self, give: Give) -> None:
        """Start the command.

        Raises:
            UsageError: it cannot be started.
        """
        try:
            self._process = await asyncio.create_subprocess_exec(
                *shlex.split(self._command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=_LONGEST,
            )
        except (OSError, ValueError, TypeError) as error:
            told = getattr(error, "strerror", None) or error
            raise UsageError(f"the server {self._command!r} cannot be started: {told}") from None
        self._reading = asyncio.get_running_loop().create_task(self._read(give))

    async def _read(self, give: Give) -> None:
        output = self._process.stdout
        while output is not None and (line := await output.readline()):
            give(line.rstrip(b"\r\n"))

    def send(self, line: bytes) -> None:
        """Write a line to the command's standard input."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):  # its end is noticed by its output
                self._process.stdin.write(line + b"\n")

    async def ended(self) -> str:
        """Wait until the command ends by itself."""
        await self._reading
        code = await self._process.wait()
        self.code = 128 - code if code < 0 else code or 1
        return f"the server {self._command!r} ended with exit code {code}"

    async def stop(self) -> None:
        """End the command as clients do: by its input, then by a signal, then by force."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _GRACE)
                break
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
