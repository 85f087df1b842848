"""The world of one scenario behind a port, for an agent in another process.

It is what `stage` is for agents in this process; time is the machine's, or passes faster by the
scale of the agent.
"""

from __future__ import annotations

import hashlib
import math
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from chaoskit.agent import DUMMY_KEY, Agent
from chaoskit.clocks.real import RealClock
from chaoskit.errors import RunStopped, UsageError
from chaoskit.evidence import lasting
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.gate import Gate
from chaoskit.hosts import Hosts
from chaoskit.journal import Event, Noted
from chaoskit.outside import Outside, Question, Talk
from chaoskit.player import Ending, Exchange
from chaoskit.players.loopback import Loopback, served
from chaoskit.scenario import Scenario
from chaoskit.scene import Scene
from chaoskit.sessions import KEY
from chaoskit.who import who
from chaoskit.workload import Workload
from chaoskit.world import World

__all__ = ["Wire", "fits"]

_HEADERS = ("x-api-key", "authorization")
_NOTE = "timers and work of the agent itself are not scaled, and no two runs are quite the same"
_IN_TURN = (
    "its calls do not say for whom they are, so its users were asked one after the other: let it "
    "hand on the header x-chaos-session, or traceparent as OpenTelemetry does"
)


def fits(scenario: Scenario, outside: Outside) -> None:
    """Make sure that a scenario can end within its bound on the machine's time.

    Raises:
        UsageError: its users alone take longer, or the agent cannot be reached.
    """
    work, bounds = scenario.workload, scenario.bounds
    least = work.arrive * (1 - 1 / work.users) + work.every * (work.turns - 1)
    if least > bounds.real * outside.scale:
        scale = math.ceil(2 * least / bounds.real)
        raise UsageError(
            f"{scenario.name} takes {lasting(least)} and more on its own clock, and may take "
            f"{lasting(bounds.real)} of the machine's (bounds.real), which is where the agent "
            f"runs: add --time-scale {scale}, or time_scale = {scale} below [tool.chaoskit]"
        )
    outside.ready()


class Wire(Scene):
    """A simulated world behind a port. Enter it once, and let an agent live in it.

    Args:
        told: gets each event as it happens.
    """

    def __init__(
        self,
        scenario: Scenario,
        agent: Agent,
        outside: Outside,
        *,
        seed: int = 0,
        healthy: bool = False,
        told: Callable[[Event, int], None] | None = None,
    ) -> None:
        self.clock = RealClock(scale=outside.scale)
        super().__init__(
            scenario, agent, self.clock, seed=seed, healthy=healthy, told=told, together=True
        )
        self._outside = outside
        self._gate = Gate(open=outside.apart)
        self._run = uuid.uuid4().hex[:8]
        host = Hosts(self._tool_server(scale=outside.scale, own=True), _OneKey(self.world))
        self._server = Loopback(
            host.of,
            aside=self._elsewhere,
            identify=self._gate.whose,
            scale=outside.scale,
            port=outside.port,
        )
        self._talk: Talk | None = None
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self._begin()
        bound = self.scenario.bounds.real
        reason = (
            f"real time: more than {bound:g} s (bounds.real); with a higher --time-scale more of "
            "the world's time fits in"
        )
        limit = threading.Timer(bound, self.clock.stop, (reason,))
        limit.daemon = True
        self.clock.on_stop(self._stop)
        with ExitStack() as stack:
            stack.enter_context(served(self._server))
            self._talk = self._outside.talk(
                self._server.url, self.watch.seen, allow=self.scenario.network.allow
            )
            stack.callback(limit.cancel)
            limit.start()
            self._entered = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end, reason = self.clock.now(), self.clock.stopped or "finished"
        self.clock.stop(reason)  # whoever still waits in the world has nothing to wait for
        self._entered.__exit__(kind, error, trace)
        name = "real time" if self._outside.scale == 1 else f"time ×{self._outside.scale:g}"
        self.emit(Noted(at=end, kind=name, text=_NOTE))
        for what, text in self._remarks():
            self.emit(Noted(at=end, kind=what, text=text))
        self._end(end, reason)

    def live(self, workload: Workload) -> None:
        """Let the users of a workload ask the agent, until each of them has an answer."""
        self._play(replace(self.agent, answer=self._ask), workload, admit=self._gate.enter)

    def _ask(
        self, prompt: str, *, user: str, session: str, history: list[dict[str, Any]] | None = None
    ) -> str:
        """Ask the agent for one turn of one user."""
        _, turn = who()
        trace = hashlib.blake2b(f"{self._run}/{user}/{turn}".encode(), digest_size=16).hexdigest()
        if not self._outside.apart:
            session = f"{session}.{self._run}"  # the service may remember those of other runs
        question = Question(
            prompt=prompt,
            user=user,
            session=session,
            turn=turn,
            trace=trace,
            history=history or [],
        )
        try:
            return self._gate.ask(question, self._asked)
        except Exception:
            if self.clock.stopped:
                raise RunStopped(self.clock.stopped) from None
            raise

    def _asked(self, question: Question) -> str:
        if self._talk is None:
            raise RunStopped("the run has not begun")
        try:
            return self._talk.ask(question)
        finally:
            self._server.settle()

    def _stop(self) -> None:
        self._gate.stop(self.clock.stopped)
        if self._talk is not None:
            self._talk.stop()

    def _remarks(self) -> list[tuple[str, str]]:
        remarks = []
        if self._outside.wiring:
            remarks.append(("environment of the service", self._outside.wiring))
        if self._gate.one_by_one:
            remarks.append(("one by one", _IN_TURN))
        if count := self._gate.nameless:
            text = f"{count} calls said not for whom they are, and count as those of one client"
            remarks.append(("not told apart", text))
        return remarks

    def _elsewhere(self, request: HttpRequest) -> HttpReply:
        """Refuse what is for no provider, as the proxy that the command was given."""
        host = request.path if request.method == "CONNECT" else request.host
        if host == self._server.url.partition("://")[2]:
            return _text(404, f"no provider has {request.method} {request.path}")
        name = host.rpartition(":")[0] or host
        self.world.blocked(name, "the command")
        return _text(
            403,
            f"{name} is another host, and a chaos run is active; nothing was sent. Name it in the "
            "scenario: network = { allow = [...] }",
        )


class _OneKey:
    """The world, for which all users of an agent have one API key, as they have in production."""

    def __init__(self, world: World) -> None:
        self._world = world

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request is for the simulated provider."""
        return self._world.claims(request)

    def largest(self, request: HttpRequest) -> int:
        """Return how many bytes the body of a request may have."""
        return self._world.largest(request)

    def exchange(self, request: HttpRequest) -> Exchange:
        """Answer a request."""
        headers = dict(request.headers)
        for name in _HEADERS:
            head, mark, _ = headers.get(name, "").partition(KEY)
            if mark and head.strip().lower() in ("", "bearer"):
                headers[name] = f"{head}{DUMMY_KEY}"
        return self._world.exchange(replace(request, headers=headers))

    def delivered(self, exchange: Exchange, how: Ending, *, sent_content: bool) -> None:
        """Take note of how an exchange ended for the client."""
        self._world.delivered(exchange, how, sent_content=sent_content)

    def blocked(self, host: str, caller: str) -> None:
        """Take note of an attempt to reach another host."""
        self._world.blocked(host, caller)


def _text(status: int, message: str) -> HttpReply:
    return HttpReply.whole(status, {"content-type": "text/plain"}, f"{message}\n".encode())
