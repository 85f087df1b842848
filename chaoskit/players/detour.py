"""Leads requests of `aiohttp` to a server of the run, over a socket and on the run's time.

Clients on `httpx` are answered inside the process. Those on aiohttp, such as the async path of
litellm, bring a transport that cannot be stood in for; so their requests take a detour to the
loopback server, whatever their URL says, and are performed there like those of other processes.
So do WebSockets, which `detour_websockets` leads there.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

from chaoskit.errors import ChaoskitError, InternalError
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.hosts import Hosts
from chaoskit.player import Host, Passing
from chaoskit.players.detour_websockets import Askers, led
from chaoskit.players.loopback import Loopback
from chaoskit.watch_aiohttp import parts_of_aiohttp
from chaoskit.who import who

__all__ = ["detoured"]

_USER, _TURN = "x-chaos-user", "x-chaos-turn"


@contextlib.contextmanager
def detoured(host: Host, sent: Callable[[str, str], None]) -> Iterator[None]:
    """Send what is for simulated hosts, and is not on httpx, to a server; enter it in a run.

    It is for aiohttp, and for WebSockets of the `websockets` library. What a real host is to carry
    out goes there as it is, and is shown before to `sent`, part by part, as is what is meant for
    anybody else.
    """
    with contextlib.ExitStack() as stack:
        askers = Askers()
        server = _Lazy(host, askers, stack)
        if importlib.util.find_spec("aiohttp") is not None:
            import aiohttp  # noqa: PLC0415 - optional

            session: Any = aiohttp.ClientSession
            original = session._request  # noqa: SLF001 - every request goes through it
            stack.callback(setattr, session, "_request", original)
            session._request = _leading(original, host, server, sent)  # noqa: SLF001 - as above
        if _has_websockets():
            stack.enter_context(led(host, askers, lambda: server.port))
        yield


def _has_websockets() -> bool:
    """Tell whether the library is there, and not older than what the openai SDK needs."""
    there = importlib.util.find_spec("websockets") is not None
    return there and importlib.util.find_spec("websockets.asyncio") is not None


def _leading(
    original: Callable[..., Any], host: Host, server: _Lazy, sent: Callable[[str, str], None]
) -> Callable[..., Any]:
    async def _request(session: Any, method: str, str_or_url: Any, **options: Any) -> Any:
        url = session._build_url(str_or_url)  # noqa: SLF001 - its base URL is nowhere else
        headers = session._prepare_headers(options.get("headers"))  # noqa: SLF001 - likewise
        told = {name.lower(): value for name, value in headers.items()}
        asked = HttpRequest(
            method=method.upper(),
            host=url.host or "",
            path=url.path,
            query=url.query_string,
            headers=told,
        )
        if not host.claims(asked) or (isinstance(host, Passing) and host.passes(asked)):
            for part, text in parts_of_aiohttp(session, url, headers, options):
                sent(text, f"{url.host}, {part}")
            return await original(session, method, str_or_url, **options)
        user, turn = who()
        headers.update({"host": url.raw_authority, _USER: quote(user), _TURN: str(turn)})
        there = url.with_scheme("http").with_host("127.0.0.1").with_port(server.port)
        return await original(session, method, there, **{**options, "headers": headers})

    return _request


class _Lazy:
    """A server on a thread of the run, started when it is first asked for."""

    def __init__(self, host: Host, askers: Askers, stack: contextlib.ExitStack) -> None:
        self._host = host
        self._askers = askers
        self._stack = stack
        self._lock = threading.Lock()
        self._server: Loopback | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        with self._lock:
            if self._server is None:
                server = Loopback(Hosts(self._host).of, aside=_nobody, identify=self._asker)
                self._stack.enter_context(_beside(server))
                self._server = server
            return self._server.port

    def _asker(self, request: HttpRequest) -> tuple[str, int]:
        return self._askers.of(request) or _asker(request)


@contextlib.contextmanager
def _beside(server: Loopback) -> Iterator[None]:
    """Run a server on a thread that belongs to the run, with a loop that keeps the run's time."""
    started, ended = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    failures: list[ChaoskitError] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        try:
            async with server:
                started.set()
                await ended.wait()
        except ChaoskitError as error:
            failures.append(error)
        finally:
            started.set()

    def body() -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=body, name="chaoskit-detour", daemon=True)
    thread.start()
    started.wait()
    if failures:
        raise InternalError(f"no server for aiohttp: {failures[0]}")
    try:
        yield
    finally:
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loops[0].call_soon_threadsafe(ended.set)
        thread.join()


def _asker(request: HttpRequest) -> tuple[str, int]:
    turn = request.headers.get(_TURN, "")
    return unquote(request.headers.get(_USER, "")), int(turn) if turn.isdecimal() else 0


def _nobody(request: HttpRequest) -> HttpReply:
    body = json.dumps({"error": {"message": f"no provider has {request.path}"}}).encode()
    return HttpReply.whole(404, {"content-type": "application/json"}, body)
