"""A simulated world for tests that are written by hand.

    with Chaos() as chaos:
        chaos.rate_limit(calls="1-3", retry_after=7).cut_stream(after=3, calls="4")
        assert answer("Why did the deploy fail?")
        chaos.verify()

Inside, the code of the test lives in virtual time, and what it asks any provider is answered here.
Each verb adds a fault, or says what the model answers. Keywords are those of scenario files: what
narrows a rule (`calls`, `turn`, `probability`, `model`, `tool`, …) and the fault's own settings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from types import ModuleType, TracebackType
from typing import Any, Self

from chaoskit.agent import Agent, load_agent
from chaoskit.alone import having_the_process
from chaoskit.clocks.virtual import VirtualClock
from chaoskit.errors import UsageError
from chaoskit.evidence import turns
from chaoskit.journal import Journal
from chaoskit.plan import Rule
from chaoskit.records import Record
from chaoskit.scenario import Scenario
from chaoskit.stage import Stage
from chaoskit.verbs import Told, Verbs, plain, read
from chaoskit.who import standing_in
from chaoskit.workload import Workload
from chaoskit.world import World

__all__ = ["Chaos"]

USER = "test"
"""Who asks what the test asks itself, outside of `users`."""


class Chaos(Verbs):
    """A world with its faults, its clock and its journal. Enter it once, by `with`.

    Args:
        name: what the random generators are derived from, with the seed.
        agent: who answers where `users` and `ask` are given no agent.
        home: the module in which the agent's tools are looked for.
        judged: judge the test by the promises that every agent should keep.
        raised: gets each exception that leaves an agent of `users`, and whose turn it was.
    """

    def __init__(
        self,
        *,
        name: str = "test",
        seed: int = 0,
        agent: Callable[[], Any] | None = None,
        home: ModuleType | None = None,
        judged: bool = True,
        unstruck: bool = False,
        silent: bool = False,
        raised: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        scenario = Scenario(name=name, title=name, workload=Workload(prompt="-"), promises=())
        told = Told(scenario.behaviour)
        super().__init__(word="chaos", told=told, judged=judged, unstruck=unstruck, silent=silent)
        self._agent = agent
        scenario = replace(scenario, behaviour=told)
        owner = Agent(name=name, answer=str, is_async=False, module=home)
        self._stage = Stage(scenario, owner, seed=seed, quiet=False, immune=False, raised=raised)
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(having_the_process())
            stack.enter_context(standing_in(USER))
            stack.enter_context(self._stage)
            self._entered = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered.__exit__(kind, error, trace)

    # What can be looked at.

    @property
    def clock(self) -> VirtualClock:
        """The clock of the world: `now()` in seconds since the test began, `sleep(seconds)`."""
        return self._stage.clock

    @property
    def journal(self) -> Journal:
        """Everything that happened, in typed events."""
        return self._stage.journal

    @property
    def world(self) -> World:
        """The simulated provider with its faults."""
        return self._stage.world

    def add(self, rule: Rule) -> None:
        """Let a fault strike from now on."""
        self._stage.add(rule)

    # What the world is like.

    def tool(self, name: str, **settings: Any) -> Self:
        """Answer for a tool of the agent: `tool("search", result={"text": "nothing"})`."""
        known: dict[str, Any] = {name: {} for name in self._stage.toolbox.records}
        (made,) = read("tools", [{"name": name, **plain(settings)}], records=known)
        self._stage.toolbox.declare(made)
        return self

    def function(self, name: str) -> Callable[..., object]:
        """Return a tool of this world as a function, for agents that are given theirs.

        Raises:
            UsageError: no such tool was declared.
        """
        return self._stage.toolbox.function(name)

    def collection(self, name: str, *rows: dict[str, Any], **settings: Any) -> Self:
        """Add records that tools read and change: `collection("orders", {"id": "A-1"})`."""
        made = read("records", {name: {"rows": list(rows), **plain(settings)}})
        self._stage.toolbox.records.declare(name, made[name])
        return self

    def records(self, collection: str) -> list[Record]:
        """Return the records of a collection as they are now."""
        return self._stage.toolbox.records.all(collection)

    def _took(self, scenario: Scenario) -> None:
        for name, collection in scenario.records.items():
            self._stage.toolbox.records.declare(name, collection)
        for tool in scenario.tools:
            self._stage.toolbox.declare(tool)
        self._stage.tools.settings = scenario.mcp
        self._stage.scenario = replace(
            self._stage.scenario, bounds=scenario.bounds, events=scenario.events
        )

    # Who asks.

    def users(
        self, count: int, agent: Any = None, prompt: str = "", **workload: Any
    ) -> tuple[str | None, ...]:
        """Let users ask an agent, each in a thread or task of its own, until all have an answer.

        Args:
            agent: a callable or `module:callable`; the test's own agent unless given.
            workload: `arrive`, `turns`, `every`, `prompts`, `session`, as in scenario files.

        Returns:
            The last answer of each user; None where the agent failed.

        Raises:
            UsageError: there is no agent, or a setting is wrong.
        """
        asked = {"prompt": prompt or "Why did the last deploy fail?"}
        asked = {} if "prompts" in workload else asked
        made = read("workload", {"users": count, **asked, **plain(workload)})
        one = self._the(agent)
        failures: list[BaseException] = []

        def live() -> None:
            try:
                self._stage.live(one, made)
            except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
                failures.append(error)

        thread = threading.Thread(target=live, name="users")
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
        latest: dict[str, str | None] = dict.fromkeys(made.names())
        for turn in turns(self.journal):
            if turn.user in latest and turn.started is not None:
                latest[turn.user] = turn.answered.answer if turn.answered else None
        return tuple(latest.values())

    def ask(self, prompt: str, agent: Any = None) -> str | None:
        """Let one user ask an agent; None where the agent failed."""
        return self.users(1, agent, prompt)[0]

    def _the(self, agent: Any) -> Agent:
        if agent is None and self._agent is not None:
            agent = self._agent()
        if agent is None:
            raise UsageError("there is no agent: pass one, or name the test's own")
        found = agent if isinstance(agent, Agent) else None
        if found is None:
            found = load_agent(agent) if isinstance(agent, str) else Agent.of(agent)
        if found.outside is not None:
            raise UsageError(
                f"{found.name} needs real time, and this world's is virtual; start it from the "
                "test itself, with `chaos_server`"
            )
        return found
