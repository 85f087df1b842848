"""The world of one scenario behind a port, for an agent that is a command.

It is what `stage` is for agents in this process; time is the machine's, or passes faster by the
scale of the command.
"""

from __future__ import annotations

import math
import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from chaoskit.agent import DUMMY_KEY, Agent
from chaoskit.canary import Canaries
from chaoskit.clocks.real import RealClock
from chaoskit.command import Command, kill
from chaoskit.dialects import TOOL_DIALECTS
from chaoskit.drive import Driver
from chaoskit.errors import RunStopped, UsageError
from chaoskit.evidence import lasting
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.hosts import Hosts
from chaoskit.journal import Event, Journal, Noted, Planted, RunEnded, RunStarted
from chaoskit.plan import Plan, PlanState
from chaoskit.player import Ending, Exchange
from chaoskit.players.loopback import Loopback, served
from chaoskit.provider.service import Service
from chaoskit.provider.tokens import counter_at_hand
from chaoskit.records import Records
from chaoskit.scenario import Scenario
from chaoskit.seed import number
from chaoskit.sessions import KEY, environment_of, session_of
from chaoskit.stage import guests, happenings
from chaoskit.toolbox import Toolbox
from chaoskit.toolserver import ToolServer
from chaoskit.watch import Watch
from chaoskit.who import who
from chaoskit.workload import Workload
from chaoskit.world import World

__all__ = ["Wire", "fits"]

_HEADERS = ("x-api-key", "authorization")
_REMOVED = ("ANTHROPIC_AUTH_TOKEN",)
_DIRECT = "127.0.0.1,localhost"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
"""Where clients are told of a proxy: it is the server itself, which refuses other hosts."""
_OBEY = {"NODE_USE_ENV_PROXY": "1"}  # Node looks at the variables only where this says so
_NOTE = "timers and work of the agent itself are not scaled, and no two runs are quite the same"


def fits(scenario: Scenario, command: Command) -> None:
    """Make sure that a scenario can end within its bound on the machine's time.

    Raises:
        UsageError: its users alone take longer.
    """
    work, bounds = scenario.workload, scenario.bounds
    least = work.arrive * (1 - 1 / work.users) + work.every * (work.turns - 1)
    if least > bounds.real * command.scale:
        scale = math.ceil(2 * least / bounds.real)
        raise UsageError(
            f"{scenario.name} takes {lasting(least)} and more on its own clock, and may take "
            f"{lasting(bounds.real)} of the machine's (bounds.real), which is where a command "
            f"runs: add --time-scale {scale}, or time_scale = {scale} below [tool.chaoskit]"
        )


class Wire:
    """A simulated world behind a port. Enter it once, and let a command live in it.

    Args:
        told: gets each event as it happens.
    """

    def __init__(
        self,
        scenario: Scenario,
        agent: Agent,
        command: Command,
        *,
        seed: int = 0,
        healthy: bool = False,
        told: Callable[[Event, int], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.agent = agent
        self.command = command
        self.journal = Journal()
        self.base = number(seed, scenario.name)
        self.clock = RealClock(scale=command.scale)
        self.canaries = Canaries(self.base, made=self._planted)
        self._told = told
        self._seed, self._healthy = seed, healthy
        self._turns: dict[str, int] = {}
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()  # a process is either killed by a stop or has ended
        self.world = World(
            service=Service(scenario.provider, counter=counter_at_hand()),
            behaviour=scenario.behaviour,
            plan=PlanState(Plan(rules=scenario.faults, seed=self.base), canary=self.canaries.make),
            canaries=self.canaries,
            clock=self.clock,
            seed=self.base,
            max_calls=scenario.bounds.calls,
            max_usd=scenario.bounds.usd,
            emit=self.emit,
            scale=command.scale,
            together=True,
        )
        self.watch = Watch(self.canaries, self.emit, who, self.clock.now)
        self.toolbox = Toolbox(
            declared=scenario.tools,
            records=Records(scenario.records, seed=self.base),
            agent=agent,
            world=self.world,
            seed=self.base,
        )
        tools = ToolServer(
            world=self.world,
            tools=self.toolbox,
            dialects=TOOL_DIALECTS,
            settings=scenario.mcp,
            seed=self.base,
            max_calls=scenario.bounds.calls,
            scale=command.scale,
            own=True,
        )
        host = Hosts(tools, _OneKey(self.world))
        self._server = Loopback(
            lambda _: host, aside=self._elsewhere, identify=self._asker, scale=command.scale
        )
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self.emit(
            RunStarted(
                at=0.0,
                scenario=self.scenario.name,
                agent=self.agent.name,
                seed=self._seed,
                healthy=self._healthy,
                clock=self.clock.name,
                counter=self.world.service.counter.name,
                users=self.scenario.workload.users,
                rules=self.world.plan.plan.describe(),
            )
        )
        bound = self.scenario.bounds.real
        reason = (
            f"real time: more than {bound:g} s (bounds.real); with a higher --time-scale more of "
            "the world's time fits in"
        )
        limit = threading.Timer(bound, self.clock.stop, (reason,))
        limit.daemon = True
        self.clock.on_stop(self._kill)
        with ExitStack() as stack:
            stack.enter_context(served(self._server))
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
        name = "real time" if self.command.scale == 1 else f"time ×{self.command.scale:g}"
        self.emit(Noted(at=end, kind=name, text=_NOTE))
        for remained in self.toolbox.remains():
            self.emit(remained)
        self.emit(RunEnded(at=end, reason=reason))

    def emit(self, event: Event) -> None:
        """Append an event to the journal."""
        self.journal.append(event)
        if self._told is not None:
            self._told(event, len(self.journal))

    def live(self, workload: Workload) -> None:
        """Let the users of a workload ask the command, until each of them has an answer."""
        driver = Driver(
            agent=replace(self.agent, answer=self._ask),
            clock=self.clock,
            emit=self.emit,
            seen=self.watch.seen,
            hide=self.canaries.redact,
            last_call=self.world.last.get,
        )
        driver.play(
            guests(workload, self.base),
            happenings(self.scenario, self.world.service.deploy),
            limit=self.scenario.bounds.virtual,
        )

    def _ask(self, prompt: str, *, user: str, session: str) -> str:
        """Run the command for one turn of one user."""
        _, turn = who()
        self._turns[user] = turn
        environment = {name: text for name, text in os.environ.items() if name not in _REMOVED}
        direct = (_DIRECT, *self.scenario.network.allow)
        for name in ("NO_PROXY", "no_proxy"):
            environment[name] = ",".join(filter(None, (environment.get(name), *direct)))
        environment |= dict.fromkeys(_PROXIES, self._server.url) | _OBEY
        environment |= environment_of(self._server.url, user)
        environment |= {"CHAOS_USER": user, "CHAOS_SESSION": session, "CHAOS_TURN": str(turn)}
        try:
            finished = self.command.run(
                prompt, environment, started=self._started, ended=self._ended
            )
        finally:
            self._turns.pop(user, None)
        self._server.settle()
        if self.clock.stopped:
            raise RunStopped(self.clock.stopped)
        self.watch.seen("stderr", finished.errors, "stderr of the command")
        return self.command.answer_of(finished)

    def _started(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.add(process)
            if self.clock.stopped:
                kill(process)

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)

    def _kill(self) -> None:
        with self._lock:
            for process in self._running:
                kill(process)

    def _asker(self, request: HttpRequest) -> tuple[str, int]:
        """Return whose turn a request belongs to; without a name, it is that of the only one."""
        asking = dict(self._turns)
        user = session_of(request)
        if user not in asking and len(asking) == 1:
            user = next(iter(asking))
        return user or "client", asking.get(user, 1)

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

    def _planted(self, label: str) -> None:
        user, turn = who()
        self.emit(Planted(at=self.clock.now(), user=user, turn=turn, canary=label))


class _OneKey:
    """The world, for which all users of an agent have one API key, as they have in production."""

    def __init__(self, world: World) -> None:
        self._world = world

    def claims(self, request: HttpRequest) -> bool:
        """Tell whether the request is for the simulated provider."""
        return self._world.claims(request)

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
    body = f"{message}\n".encode()
    headers = {"content-type": "text/plain", "content-length": str(len(body))}
    return HttpReply(status=status, headers=headers, body=body)
