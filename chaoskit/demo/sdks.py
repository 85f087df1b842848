"""What the official SDKs that are installed make of each fault.

    python -m chaoskit.demo.sdks

prints a table in Markdown. Each cell is what a client saw in this process and, by a socket of this
machine, outside of it; where the two differ, the cell says so.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect
import random
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from chaoskit.behaviour import Scene
from chaoskit.behaviours import Helpful
from chaoskit.canary import Canaries
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.demo.sdk_faults import PLAIN, STREAMED
from chaoskit.exchange import Call, Message, Text
from chaoskit.fault import Fault
from chaoskit.hosts import Hosts
from chaoskit.plan import Plan, PlanState, Rule
from chaoskit.players.intercept import intercepted
from chaoskit.players.loopback import Loopback
from chaoskit.provider.service import Service
from chaoskit.seed import derive
from chaoskit.world import World

__all__ = ["COLUMNS", "Column", "cell", "observed", "table", "tables"]

_KEY = "dummy"
_PROMPT = "Why did the last deploy of the shop fail, and who saw it?"
_SAID = [{"role": "user", "content": _PROMPT}]
_CLAUDE: dict[str, Any] = {"model": "claude-opus-4-6", "max_tokens": 500, "messages": _SAID}
_CHAT: dict[str, Any] = {"model": "gpt-4.1", "messages": _SAID}
_RESPONSES: dict[str, Any] = {"model": "gpt-4.1", "input": _SAID}
_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One way to ask.

    Attributes:
        sdk: name of the distribution.
        ask: takes a client of it and returns the answer, the stream, or the manager of one.
        final: the method of a stream helper that returns the whole.
    """

    title: str
    sdk: str
    streamed: bool
    ask: Callable[[Any], Any]
    final: str = ""


COLUMNS = (
    Column(
        title="anthropic: create",
        sdk="anthropic",
        streamed=False,
        ask=lambda client: client.messages.create(**_CLAUDE),
    ),
    Column(
        title="openai: chat.completions.create",
        sdk="openai",
        streamed=False,
        ask=lambda client: client.chat.completions.create(**_CHAT),
    ),
    Column(
        title="openai: responses.create",
        sdk="openai",
        streamed=False,
        ask=lambda client: client.responses.create(**_RESPONSES),
    ),
    Column(
        title="anthropic: create(stream=True)",
        sdk="anthropic",
        streamed=True,
        ask=lambda client: client.messages.create(stream=True, **_CLAUDE),
    ),
    Column(
        title="anthropic: stream()",
        sdk="anthropic",
        streamed=True,
        ask=lambda client: client.messages.stream(**_CLAUDE),
        final="get_final_message",
    ),
    Column(
        title="openai: chat, stream=True",
        sdk="openai",
        streamed=True,
        ask=lambda client: client.chat.completions.create(stream=True, **_CHAT),
    ),
    Column(
        title="openai: responses, stream=True",
        sdk="openai",
        streamed=True,
        ask=lambda client: client.responses.create(stream=True, **_RESPONSES),
    ),
    Column(
        title="openai: responses.stream()",
        sdk="openai",
        streamed=True,
        ask=lambda client: client.responses.stream(**_RESPONSES),
        final="get_final_response",
    ),
)


def cell(column: Column, fault: Fault | None) -> str:
    """Return what a client sees of a fault, whichever way it is reached."""
    seen = observed(column, fault, _described)
    usual = seen.pop(_USUAL)
    others = [f"; {how}: {what}" for how, what in seen.items() if what != usual]
    return usual + "".join(others)


def observed(column: Column, fault: Fault | None, describe: Callable[[Any], str]) -> dict[str, str]:
    """Return what a client sees, for each way of reaching the simulation.

    Args:
        describe: of what the client gets when it gets no exception.
    """
    return {how: play(column, fault, describe) for how, play in _PLAYS.items()}


def table(columns: tuple[Column, ...], faults: tuple[tuple[str, Fault], ...]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield f"| fault | {' | '.join(column.title for column in columns)} |"
    yield f"|{'---|' * (len(columns) + 1)}"
    for name, fault in faults:
        yield f"| {name} | {' | '.join(cell(column, fault) for column in columns)} |"


def tables() -> Iterator[str]:
    """Yield the lines of the whole report."""
    names = ("anthropic", "openai")
    yield "### " + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    yield ""
    yield from table(tuple([c for c in COLUMNS if not c.streamed]), PLAIN)
    yield ""
    yield from table(tuple([c for c in COLUMNS if c.streamed]), STREAMED)


def _world(clock: VirtualClock, fault: Fault | None) -> World:
    rules = () if fault is None else (Rule(fault=fault),)
    canaries = Canaries(1)
    return World(
        service=Service(),
        behaviour=Helpful(),
        plan=PlanState(Plan(rules=rules, seed=1), canary=canaries.make),
        canaries=canaries,
        clock=clock,
        seed=1,
        max_calls=1_000,
        max_usd=1_000.0,
        emit=lambda _: None,
    )


class _Counted:
    """A world that counts the requests that reach it."""

    def __init__(self, world: World) -> None:
        self.requests = 0
        self.claims = world.claims
        self.delivered = world.delivered
        self.blocked = world.blocked
        self._world = world

    def exchange(self, request: Any) -> Any:
        self.requests += 1
        return self._world.exchange(request)


def _client(sdk: str, *, sync: bool, url: str = "") -> Any:
    """Return a client as a program would build it; certificates are none of its business here."""
    library = importlib.import_module(sdk)
    kind = {"anthropic": "Anthropic", "openai": "OpenAI"}[sdk]
    http = getattr(library, "DefaultHttpxClient" if sync else "DefaultAsyncHttpxClient")
    made = getattr(library, kind if sync else f"Async{kind}")
    base = {"base_url": url if sdk == "anthropic" else f"{url}/v1"} if url else {}
    return made(
        api_key=_KEY, max_retries=1, timeout=_TIMEOUT, http_client=http(verify=_TLS), **base
    )


_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # making one with certificates takes long


def _in_process(column: Column, fault: Fault | None, describe: Callable[[Any], str]) -> str:
    clock = VirtualClock(real_limit=60)
    with clock.running(random.Random(1)):  # noqa: S311 - nothing secret
        host = _Counted(_world(clock, fault))
        with intercepted(host, clock), _client(column.sdk, sync=True) as client:
            try:
                outcome = describe(_drained(column, column.ask(client)))
            except Exception as error:  # noqa: BLE001 - which one it is, is the question
                outcome = _raised(error)
    return outcome + _attempts(host)


def _in_process_async(column: Column, fault: Fault | None, describe: Callable[[Any], str]) -> str:
    clock = VirtualClock(real_limit=60)
    with clock.running(random.Random(1)):  # noqa: S311 - nothing secret
        host = _Counted(_world(clock, fault))
        with intercepted(host, clock):
            outcome = asyncio.run(_asked(column, "", describe))
    return outcome + _attempts(host)


def _on_a_socket(column: Column, fault: Fault | None, describe: Callable[[Any], str]) -> str:
    clock = VirtualClock(real_limit=60)
    with clock.running(random.Random(1)):  # noqa: S311 - nothing secret
        host = _Counted(_world(clock, fault))

        async def main() -> str:
            server = Loopback(Hosts(host).of, aside=_nothing_else, identify=lambda _: ("", 0))
            async with server:
                return await _asked(column, server.url, describe)

        outcome = asyncio.run(main())
    return outcome + _attempts(host)


_USUAL = "in process"
_PLAYS = {
    _USUAL: _in_process,
    "async": _in_process_async,
    "on a socket": _on_a_socket,
}


def _nothing_else(request: Any) -> Any:
    raise AssertionError(f"nobody asks for {request.path}")


async def _asked(column: Column, url: str, describe: Callable[[Any], str]) -> str:
    async with _client(column.sdk, sync=False, url=url) as client:
        try:
            made = column.ask(client)
            made = await made if inspect.isawaitable(made) else made
            return describe(await _drained_async(column, made))
        except Exception as error:  # noqa: BLE001 - which one it is, is the question
            return _raised(error)


def _drained(column: Column, made: Any) -> Any:
    """Return the answer, or all events of a stream, or what its helper made of them."""
    if not column.streamed:
        return made
    with made as stream:
        return getattr(stream, column.final)() if column.final else list(stream)


async def _drained_async(column: Column, made: Any) -> Any:
    if not column.streamed:
        return made
    async with made as stream:
        if column.final:
            return await getattr(stream, column.final)()
        return [event async for event in stream]


def _described(found: Any) -> str:
    """Return what a client has got, when it has got no exception."""
    if found is None:
        return "returns `None`"
    if isinstance(found, str):
        return "returns the body as `str`"
    text = "".join(map(_piece, found)) if isinstance(found, list) else _text(found)
    if text is None:
        return "returns an object full of `None`"
    whole = _whole()
    if text == whole:
        return "the whole answer"
    return "silent: less text" if len(text) < len(whole) else "silent: more text"


def _piece(event: Any) -> str:
    """Return the text that an event of a stream adds."""
    delta = getattr(event, "delta", None)
    if isinstance(delta, str):
        return delta
    for choice in getattr(event, "choices", None) or ():
        delta = choice.delta
    return getattr(delta, "text", None) or getattr(delta, "content", None) or ""


def _text(answer: Any) -> str | None:
    """Return the text of a whole answer, None where it has none of its parts."""
    if getattr(answer, "choices", None):
        return str(answer.choices[0].message.content)
    if getattr(answer, "output", None):
        return str(answer.output_text)
    if getattr(answer, "content", None):
        return "".join(getattr(block, "text", "") for block in answer.content)
    return None


def _raised(error: Exception) -> str:
    cause = error.__cause__
    library = type(cause).__module__.partition(".")[0] if cause is not None else ""
    told = f" from `{type(cause).__name__}`" if library in ("httpx", "httpx2") else ""
    own = type(error).__module__.partition(".")[0]
    name = f"{own}.{type(error).__name__}" if own in ("httpx", "httpx2") else type(error).__name__
    return f"`{name}`{told}"


def _attempts(host: _Counted) -> str:
    return ", retried" if host.requests > 1 else ""


@cache
def _whole() -> str:
    """Return the text of the answer that nothing has damaged."""
    call = Call(
        dialect="openai_chat",
        provider="openai",
        messages=(Message(role="user", content=(Text(_PROMPT),)),),
    )
    scene = Scene(rng=derive(1, "scene", "", 0, 0), user="", turn=0, step=0)
    return Helpful().reply(call, scene).text


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in tables()))
