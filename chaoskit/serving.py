"""The simulated provider as a server, for agents in any language and for any test runner.

    with serving() as server:
        subprocess.run(["node", "agent.js"], env={**os.environ, **server.environment()})
        server.verify()

Requests belong to a session: the one that they name in the header `x-chaos-session`, or one for
all. Each session has a world, a journal and faults of its own, so tests do not disturb each other.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from chaoskit.agent import DUMMY_KEY, KEYS
from chaoskit.canary import Canaries
from chaoskit.clocks.real import RealClock
from chaoskit.control import SESSION, answer
from chaoskit.errors import UsageError
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.freely import UNKEPT, PromiseBroken, in_words, judge_freely
from chaoskit.journal import Event, Journal, RuleAdded, RunStarted, as_line
from chaoskit.outcome import Judged
from chaoskit.plan import Plan, PlanState, Rule
from chaoskit.player import Host
from chaoskit.players.loopback import Loopback, served
from chaoskit.provider.service import Service
from chaoskit.provider.tokens import counter_at_hand
from chaoskit.scenario import Scenario
from chaoskit.seed import number
from chaoskit.workload import Workload
from chaoskit.world import World

__all__ = ["SESSION", "Server", "Session", "serving"]

USER = "x-chaos-user"
"""The header by which a request names its user; without it, everything is one user's."""

_STAGES = ("ENV", "APP_ENV", "ENVIRONMENT", "NODE_ENV", "PYTHON_ENV", "RAILS_ENV", "DJANGO_ENV")
_PRODUCTION = frozenset({"prod", "production", "live"})


class Session:
    """One world behind the server, with its journal.

    Args:
        told: gets each event as it happens.
    """

    def __init__(
        self,
        scenario: Scenario,
        clock: RealClock,
        *,
        seed: int = 0,
        told: Callable[[Event], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self.journal = Journal()
        self._clock = clock
        self._told = told
        base = number(seed, scenario.name)
        canaries = Canaries(base)
        self.world = World(
            service=Service(scenario.provider, counter=counter_at_hand()),
            behaviour=scenario.behaviour,
            plan=PlanState(Plan(rules=scenario.faults, seed=base), canary=canaries.make),
            canaries=canaries,
            clock=clock,
            seed=base,
            max_calls=scenario.bounds.calls,
            max_usd=scenario.bounds.usd,
            emit=self._emit,
            scale=clock.scale,
        )
        self._emit(
            RunStarted(
                at=clock.now(),
                scenario=scenario.name,
                agent="clients of the server",
                seed=seed,
                healthy=False,
                clock=clock.name,
                counter=self.world.service.counter.name,
                users=0,
                rules=self.world.plan.plan.describe(),
            )
        )

    def add(self, rule: Rule) -> None:
        """Let a fault strike from now on."""
        self.world.plan.add(rule)
        self._emit(RuleAdded(at=self._clock.now(), rule=rule.describe()))

    def judge(self) -> tuple[Judged, ...]:
        """Return how the clients of the session are judged by what the provider saw of them.

        Promises on what a user got are passed by: a provider never hears of that.
        """
        kept = [one for one in self.scenario.promises if not one.check.outcome]
        return judge_freely(
            self.journal,
            self.world.plan.plan.rules,
            kept,
            unstruck='"optional": true on the fault opts out',
            silence="nothing",
        )

    def _emit(self, event: Event) -> None:
        self.journal.append(event)
        if self._told is not None:
            self._told(event)


class Server:
    """A running server and its sessions.

    Attributes:
        sessions: by their names; that of requests without one is the empty name.
    """

    def __init__(
        self, make: Callable[[], Session], *, scale: float, port: int, address: str
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self._make = make
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
        return self.sessions.get(name) or self.sessions.setdefault(name, self._make())

    def reset(self, name: str = "") -> None:
        """Begin a session anew, as if nobody had asked."""
        self.sessions.pop(name, None)

    def environment(self) -> dict[str, str]:
        """Return the variables by which the vendors' SDKs find the server, with dummy keys."""
        return {
            "ANTHROPIC_BASE_URL": self.url,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            **dict.fromkeys(KEYS, DUMMY_KEY),
        }

    def verify(self, name: str = "") -> None:
        """Judge a session by what has happened until now.

        Raises:
            PromiseBroken: a promise was broken, or nothing is known of it.
        """
        judged = self.session(name).judge()
        if bad := [one for one in judged if one.judgement.verdict in UNKEPT]:
            raise PromiseBroken("\n".join(map(in_words, bad)), judged)

    def _host(self, request: HttpRequest) -> Host:
        return self.session(request.headers.get(SESSION, "")).world

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
        scenario: provider, model, faults and promises; without one, a provider in good health.
        port: 0 for any that is free.
        address: where it listens; this machine alone can reach the default.
        scale: how many seconds of the world pass in a real one: Retry-After, outages and lifetimes
            shrink by it. It cannot shrink what clients wait of their own accord.
        journal: file that gets the events as they happen, as JSON Lines.

    Raises:
        UsageError: the port is taken, the file cannot be written, or the environment says that
            this is production.
    """
    _not_in_production()
    scenario = scenario or Scenario(
        name="server", title="A provider", workload=Workload(prompt="-"), promises=()
    )
    with contextlib.ExitStack() as stack:
        told = None if journal is None else stack.enter_context(_written(journal))
        clock = RealClock(scale=scale)
        server = Server(
            lambda: Session(scenario, clock, seed=seed, told=told),
            scale=scale,
            port=port,
            address=address,
        )
        stack.enter_context(served(server.loopback))
        yield server


@contextlib.contextmanager
def _written(path: Path) -> Iterator[Callable[[Event], None]]:
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    with file:

        def write(event: Event) -> None:
            file.write(f"{as_line(event)}\n")
            file.flush()

        yield write


def _identify(request: HttpRequest) -> tuple[str, int]:
    return request.headers.get(USER, "client"), 1


def _not_in_production(environment: Mapping[str, str] = os.environ) -> None:
    for name in _STAGES:
        if environment.get(name, "").lower() in _PRODUCTION:
            raise UsageError(
                f"{name}={environment[name]}: a simulated provider does not start where the "
                "environment says that this is production; unset it to go on"
            )
