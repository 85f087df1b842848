"""The simulated provider as a server, for agents in any language and for any test runner.

    with serving() as server:
        subprocess.run(["node", "agent.js"], env={**os.environ, **server.environment()})
        server.verify()

Requests belong to a session: the one that they name by a header, by the path of the base URL or by
the API key (see `chaoskit.sessions`), or one for all. Each session has a world, a clock,
a journal and faults of its own, so tests do not disturb each other.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaoskit.again import ByHead
from chaoskit.agent import Agent
from chaoskit.canary import Canaries
from chaoskit.check import Judgement, Verdict
from chaoskit.clocks.real import RealClock
from chaoskit.control import answer, is_control
from chaoskit.dialects import TOOL_DIALECTS
from chaoskit.errors import UsageError
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.fault import ON_TOOLS
from chaoskit.hosts import Hosts
from chaoskit.journal import (
    Event,
    Journal,
    Requested,
    RuleAdded,
    RunEnded,
    RunStarted,
    Served,
)
from chaoskit.journal_on_disk import JournalOnDisk
from chaoskit.outcome import Judged
from chaoskit.plan import Plan, PlanState, Rule
from chaoskit.player import Host
from chaoskit.players.loopback import Loopback, served
from chaoskit.provider.latency import Latency
from chaoskit.provider.service import Service
from chaoskit.provider.settings import ProviderSettings
from chaoskit.provider.tokens import counter_at_hand
from chaoskit.records import Record, Records
from chaoskit.scenario import Scenario
from chaoskit.seed import number
from chaoskit.serving_files import Files
from chaoskit.sessions import environment_of, past_proxies, session_of, url_of
from chaoskit.toolbox import Toolbox
from chaoskit.toolserver import ToolServer
from chaoskit.verbs import Told, Verbs
from chaoskit.workload import Workload
from chaoskit.world import World

__all__ = ["Server", "Session", "not_in_production", "serving"]

USER = "x-chaos-user"
"""The header by which a request names its user; without it, everything is one user's."""

_STAGES = ("ENV", "APP_ENV", "ENVIRONMENT", "NODE_ENV", "PYTHON_ENV", "RAILS_ENV", "DJANGO_ENV")
_MEMORY = 1_000_000  # characters whose tokens are remembered: a server lives for long
_PRODUCTION = frozenset({"prod", "production", "live"})


_CLIENTS = Agent(name="clients of the server", answer=str, is_async=False)
_PROVIDER = Scenario(
    name="server",
    title="A provider",
    workload=Workload(prompt="-"),
    promises=(),
    provider=ProviderSettings(latency=Latency(first_token=0.0, tokens_per_second=1e9)),
)


class Session(Verbs):
    """One world behind the server, with its journal. Its clock begins when it does.

    What goes wrong in it is said by the verbs of the `chaos` fixture. Tools that the scenario
    declares are served, but clients may have their own, which no server reaches: rules on what
    becomes of a tool call are optional here.

    Args:
        url: base URL of the server.
        told: gets each event as it happens.
        settle: waits until what the clients have sent has arrived.
        word: what the test calls it, for messages.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        name: str = "",
        url: str = "",
        scale: float = 1.0,
        seed: int = 0,
        told: Callable[[Event], None] | None = None,
        settle: Callable[[], None] = lambda: None,
        word: str = "session",
    ) -> None:
        behaviour = Told(scenario.behaviour)
        super().__init__(word=word, told=behaviour)
        self._promises += [one for one in scenario.promises if not one.check.outcome]
        self.name = name
        self.clock = RealClock(scale=scale)
        self._url = url
        self._journal: Journal = JournalOnDisk()
        self._hear = told
        self._settle = settle
        base = number(seed, scenario.name, *filter(None, (name,)))
        canaries = Canaries(base)
        rules = tuple(map(self._fit, scenario.faults))
        self._world = World(
            service=Service(
                scenario.provider, counter=counter_at_hand(memory=_MEMORY), loaded=False
            ),
            behaviour=behaviour,
            plan=PlanState(Plan(rules=rules, seed=base), canary=canaries.make),
            canaries=canaries,
            clock=self.clock,
            seed=base,
            max_calls=scenario.bounds.calls,
            max_usd=scenario.bounds.usd,
            emit=self._journal.append if told is None else self._emit,
            scale=scale,
            together=True,
        )
        self.toolbox = Toolbox(
            declared=scenario.tools,
            records=Records(scenario.records, seed=base),
            agent=_CLIENTS,
            world=self._world,
            seed=base,
        )
        self.tools = ToolServer(
            world=self._world,
            tools=self.toolbox,
            dialects=TOOL_DIALECTS,
            settings=scenario.mcp,
            seed=base,
            max_calls=scenario.bounds.calls,
            scale=scale,
            own=True,
        )
        self.hosts = Hosts(self.tools, self._world)
        self._emit(
            RunStarted(
                at=self.clock.now(),
                scenario=scenario.name,
                agent=_CLIENTS.name,
                seed=seed,
                healthy=False,
                clock=self.clock.name,
                counter=self._world.service.counter.name,
                users=0,
                rules=self._world.plan.plan.describe(),
            )
        )

    @property
    def world(self) -> World:
        """The simulated provider with its faults."""
        return self._world

    @property
    def journal(self) -> Journal:
        """Everything that happened, in typed events, until what the clients have sent by now."""
        self._settle()
        return self._journal

    @property
    def asked(self) -> bool:
        """Whether anybody has asked for anything."""
        return bool(self.journal.of(Requested, Served))

    @property
    def mcp_url(self) -> str:
        """URL of its MCP server.

        Raises:
            UsageError: no URL can carry the name.
        """
        return f"{self.url}/mcp"

    @property
    def url(self) -> str:
        """Base URL for SDKs of Anthropic; those of OpenAI want `/v1` behind it.

        Whatever is sent there belongs to this session.

        Raises:
            UsageError: no URL can carry the name.
        """
        return url_of(self._url, self.name)

    def environment(self) -> dict[str, str]:
        """Return the variables by which the vendors' SDKs find the session, with dummy keys.

        Where this process has a proxy, they name the server among those that need none.
        """
        return environment_of(self._url, self.name) | past_proxies(self._url, os.environ)

    def judge(self) -> tuple[Judged, ...]:
        """Return how the clients of the session are judged by what the provider saw of them.

        Promises on what a user got are passed by: a provider never hears of that.
        """
        judged = super().judge()
        if not (reason := self.clock.stopped):
            return judged
        ended = Judgement(verdict=Verdict.UNKNOWN, reason=f"the session was ended: {reason}")
        return (*judged, Judged(name="bounds", sentence="it is not ended", judgement=ended))

    def add(self, rule: Rule) -> None:
        """Let a fault strike from now on.

        Raises:
            UsageError: it damages what tools return, is not optional, and no tool is served.
        """
        if rule.stage in ON_TOOLS and not rule.optional and not self.toolbox.serves:
            raise UsageError(
                f"{type(rule.fault).__name__} damages what a tool returns, and no server reaches "
                "the tools of its clients; run the agent by `chaoskit run --agent "
                "MODULE:CALLABLE`, or serve a scenario that declares [[tools]]"
            )
        self._world.plan.add(rule)
        self._emit(RuleAdded(at=self.clock.now(), rule=rule.describe()))

    def records(self, collection: str) -> list[Record]:
        """Return the records of a collection as they are now.

        Raises:
            UsageError: there is no such collection.
        """
        self._settle()
        return self.toolbox.records.all(collection)

    def end(self) -> None:
        """Take note of what the records look like, and let whoever waits in the world go."""
        for remained in self.toolbox.remains():
            self._emit(remained)
        reason = self.clock.stopped or "finished"
        self._emit(RunEnded(at=self.clock.now(), reason=reason))

    def _fit(self, rule: Rule) -> Rule:
        return replace(rule, optional=True) if rule.stage in ON_TOOLS else rule

    def _emit(self, event: Event) -> None:
        self._journal.append(event)
        if self._hear is not None:
            self._hear(event)


class Server:
    """A running server and its sessions.

    Args:
        make: begins a session, by its name and the keywords of `begin`.

    Attributes:
        sessions: by their names; that of requests without one is the empty name.
    """

    def __init__(
        self, make: Callable[..., Session], *, scale: float, port: int, address: str
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self._make = make
        self._meant = ByHead(_meant)
        self._begun = {""}  # names; those of sessions that were reset, too
        self._lock = threading.Lock()  # requests and tests begin sessions, on threads of their own
        self.loopback = Loopback(
            self._host,
            aside=self._aside,
            identify=_identify,
            scale=scale,
            port=port,
            address=address,
        )

    @property
    def url(self) -> str:
        """Base URL for SDKs of Anthropic; those of OpenAI want `/v1` behind it."""
        return self.loopback.url

    def session(self, name: str = "") -> Session:
        """Return a session, which begins when it is first asked for."""
        session = self.sessions.get(name)
        if session is not None:
            return session
        with self._lock:
            if name not in self.sessions:
                self.sessions[name] = self._make(name)
                self._begun.add(name)
            return self.sessions[name]

    def begin(self, name: str, **how: Any) -> Session:
        """Begin a session in place of one of that name; `seed` and `word` are those of its own."""
        made = self._make(name, **how)
        with self._lock:
            self.sessions[name] = made
            self._begun.add(name)
        return made

    def reset(self, name: str = "") -> None:
        """Begin a session anew, as if nobody had asked."""
        with self._lock:
            self.sessions.pop(name, None)
            self._begun.add(name)

    def known(self, name: str) -> bool:
        """Tell whether anybody ever began a session; the one without a name is always there."""
        return name in self._begun

    def names(self) -> list[str]:
        """Return the names of the sessions that there are, in order."""
        return sorted(filter(None, tuple(self.sessions)))

    def environment(self) -> dict[str, str]:
        """Return the variables by which the vendors' SDKs find the server, with dummy keys."""
        return self.session().environment()

    def verify(self, name: str = "") -> None:
        """Judge a session by what has happened until now.

        Raises:
            PromiseBroken: a promise was broken, or nothing is known of it.
        """
        self.session(name).verify()

    def _host(self, request: HttpRequest) -> Host | None:
        """Return whom a request is for; None where it is the server's own."""
        name = self._meant(request)
        return None if name is None else self.session(name).hosts.of(request)

    def _aside(self, request: HttpRequest) -> HttpReply:
        return answer(self, request)


@contextlib.contextmanager
def serving(
    scenario: Scenario | None = None,
    *,
    port: int = 0,
    address: str = "127.0.0.1",
    scale: float = 1.0,
    seed: int = 0,
    journal: Path | None = None,
) -> Iterator[Server]:
    """Serve the simulated provider on a thread of its own while the body runs.

    Args:
        scenario: provider, model, faults and promises; without one, a provider in good health that
            answers at once.
        port: 0 for any that is free.
        address: where it listens; this machine alone can reach the default.
        scale: how many seconds of the world pass in a real one: Retry-After, outages and lifetimes
            shrink by it. It cannot shrink what clients wait of their own accord.
        journal: file that gets the events as they happen, as JSON Lines; a session NAME has a file
            of its own beside it, `FILE.NAME.jsonl` for `FILE.jsonl`.

    Raises:
        UsageError: the port is taken, the file cannot be written, or the environment says that
            this is production.
    """
    not_in_production()
    scenario = scenario or _PROVIDER
    with contextlib.ExitStack() as stack:
        kept = None if journal is None else stack.enter_context(contextlib.closing(Files(journal)))

        def make(name: str, **how: Any) -> Session:
            given = {"seed": seed, "told": None if kept is None else kept.of(name), **how}
            return Session(scenario, name=name, url=server.url, scale=scale, settle=settle, **given)

        def settle() -> None:
            server.loopback.settle()

        server = Server(make, scale=scale, port=port, address=address)
        stack.enter_context(served(server.loopback))
        yield server


def _meant(request: HttpRequest) -> str | None:
    """Return the session that a request is for; None where it is the server's own."""
    return None if is_control(request) else session_of(request)


def _identify(request: HttpRequest) -> tuple[str, int]:
    return request.headers.get(USER, "client"), 1


def not_in_production(environment: Mapping[str, str] = os.environ) -> None:
    """Make sure that nobody takes the simulation for the real thing.

    Raises:
        UsageError: the environment says that this is production.
    """
    for name in _STAGES:
        if environment.get(name, "").lower() in _PRODUCTION:
            raise UsageError(
                f"{name}={environment[name]}: a simulated provider does not start where the "
                "environment says that this is production; unset it to go on"
            )
