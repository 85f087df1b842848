"""Nothing leaves the machine while a run is active, by whatever client."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Collection, Iterator
from types import FrameType
from typing import Any

from chaoskit.errors import NetworkRefused
from chaoskit.failure import is_own
from chaoskit.player import Host
from chaoskit.route import is_local

__all__ = ["banned", "caller"]


@contextlib.contextmanager
def banned(host: Host, *, allow: Collection[str] = ()) -> Iterator[None]:
    """Refuse connections and look-ups of any host but this machine's own and the allowed ones.

    Sockets of the operating system's other families (pipes between processes) are not touched.
    """
    allowed = frozenset(allow)
    resolved: set[str] = set()

    def check(target: object) -> None:
        name = target.decode() if isinstance(target, (bytes, bytearray)) else str(target or "")
        if name in allowed or name in resolved or is_local(name):
            return
        who = caller()
        host.blocked(name, who)
        raise NetworkRefused(
            f"{who} tried to reach {name!r} while a chaos run is active; nothing was sent. "
            "Simulate the host, or name it in the scenario: network = { allow = [...] }"
        )

    real_lookup = socket.getaddrinfo

    def getaddrinfo(name: Any, *args: Any, **kwargs: Any) -> Any:
        check(name)
        found = real_lookup(name, *args, **kwargs)
        if name in allowed:
            resolved.update(str(entry[4][0]) for entry in found)
        return found

    def guarded(method: str) -> Any:
        original = getattr(socket.socket, method)

        def send(sock: socket.socket, *args: Any) -> Any:
            address = args[-1]
            if sock.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
                check(address[0])
            return original(sock, *args)

        return send

    with contextlib.ExitStack() as undo:
        for owner, name, replacement in (
            (socket, "getaddrinfo", getaddrinfo),
            *((socket.socket, method, guarded(method)) for method in _METHODS),
        ):
            if name in vars(owner):
                undo.callback(setattr, owner, name, getattr(owner, name))
            else:
                undo.callback(delattr, owner, name)  # it was inherited
            setattr(owner, name, replacement)
        yield


_METHODS = ("connect", "connect_ex", "sendto")


def caller() -> str:
    """Return `file:line` of the innermost frame that is the agent's own."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - inspect.stack() reads every source file
    outermost = "an unknown place"
    while frame is not None:
        name = frame.f_code.co_filename
        if is_own(name):
            return f"{os.path.basename(name)}:{frame.f_lineno}"  # noqa: PTH119 - a pure string
        outermost = f"{os.path.basename(name)}:{frame.f_lineno}"  # noqa: PTH119 - as above
        frame = frame.f_back
    return outermost
