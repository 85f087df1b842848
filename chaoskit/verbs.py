"""The words in which a test says what goes wrong, and by which it is judged.

Each verb adds a fault, or says what the model answers. Keywords are those of scenario files: what
narrows a rule (`calls`, `turn`, `probability`, `model`, `tool`, …) and the fault's own settings.
"""

from __future__ import annotations

import difflib
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Self

from chaoskit import catalogue
from chaoskit.again import Latest
from chaoskit.behaviour import Behaviour, Scene
from chaoskit.behaviours import Helpful, Scripted, Stubborn
from chaoskit.errors import UsageError
from chaoskit.exchange import Call, Reply, Stop, Text, ToolCall
from chaoskit.faults import FAULTS
from chaoskit.freely import UNKEPT, PromiseBroken, in_words, judge_freely
from chaoskit.journal import Journal, Replied, Requested
from chaoskit.outcome import Judged
from chaoskit.plan import Rule
from chaoskit.promise import Promise
from chaoskit.provider.service import Service
from chaoskit.run import judge
from chaoskit.scenario import Scenario
from chaoskit.scenario_problems import keys_of
from chaoskit.scenario_tables import parts
from chaoskit.when import When
from chaoskit.world import World

__all__ = ["Told", "Verbs", "plain", "read"]

_WHEN = {field.name: field.name.rstrip("_") for field in fields(When)} | {
    "start": "from",
    "lasting": "for",
}
_PLACELESS = ("workload", "tools", "events", "network", "pytest", "healthy")
"""Tables of a scenario on what no provider has a hand in: its users, their tools and network."""

_PURE = (Helpful, Scripted, Stubborn)
_REMEMBERED = 64  # replies of a model that is asked the same again
_BLANK = {
    "title": "a test",
    "workload": {"prompt": "-"},
    "promises": [{"check": "no_crash"}],
}


class _Once(Behaviour):
    """Says one thing, whatever the conversation."""

    def __init__(self, part: Text | ToolCall) -> None:
        self.part = part

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Answer a call."""
        del call, scene
        stop: Stop = "tool_use" if isinstance(self.part, ToolCall) else "end"
        return Reply(content=(self.part,), stop=stop)


class Told(Behaviour):
    """Says what the test tells it to, call by call, and then what the world's own model says."""

    def __init__(self, otherwise: Behaviour) -> None:
        self.otherwise = otherwise
        self.waiting: deque[Behaviour] = deque()
        self._said: Latest[int, tuple[Call, Behaviour, str, int, Reply]] = Latest(_REMEMBERED)

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Answer a call."""
        if not self.waiting:
            return self._own_words(call, scene)
        return self.waiting.popleft().reply(call, scene)

    def _own_words(self, call: Call, scene: Scene) -> Reply:
        """Return what the world's own model says; asked the same again, it says the same again."""
        model = self.otherwise
        if not isinstance(model, _PURE):
            return model.reply(call, scene)
        match self._said.get(id(call)):
            case (Call() as known, said_by, user, turn, reply) if (
                known is call and said_by is model and (user, turn) == (scene.user, scene.turn)
            ):
                return reply
        reply = model.reply(call, scene)
        self._said.keep(id(call), (call, model, scene.user, scene.turn, reply))
        return reply


class Verbs:
    """A world that a test talks to. Whoever inherits it has the world and its journal.

    Args:
        word: what the test calls it, for messages.
        told: what the world's model says first.
        judged: judge by the promises that every agent should keep.
        unstruck: faults may never strike.
        silent: nobody needs to ask a model.
    """

    def __init__(
        self,
        *,
        word: str,
        told: Told,
        judged: bool = True,
        unstruck: bool = False,
        silent: bool = False,
    ) -> None:
        self._word = word
        self._told = told
        self._judged = judged
        self._unstruck = unstruck
        self._silent = silent
        self._promises: list[Promise] = []

    @property
    def world(self) -> World:
        """The simulated provider with its faults."""
        raise NotImplementedError

    @property
    def journal(self) -> Journal:
        """Everything that happened, in typed events."""
        raise NotImplementedError

    def add(self, rule: Rule) -> None:
        """Let a fault strike from now on."""
        raise NotImplementedError

    @property
    def calls(self) -> tuple[Requested, ...]:
        """The requests that reached a simulated provider, HTTP attempts all."""
        return tuple(self.journal.of(Requested))

    @property
    def cost_usd(self) -> float:
        """What the provider would charge until now, in US dollars."""
        return sum(reply.cost_usd for reply in self.journal.of(Replied))

    # What goes wrong.

    def fault(self, name: str, /, *, optional: bool = False, **settings: Any) -> Self:
        """Let a fault strike, by its name in scenario files.

        Args:
            name: `chaoskit list faults` shows them.
            optional: it is fine when it never strikes.
            settings: the fault's own, and what narrows the rule; `start` and `lasting` stand for
                `from` and `for`, which Python keeps for itself.

        Raises:
            UsageError: there is no such fault or setting, or a value is wrong.
        """
        own = set(keys_of(FAULTS[name]))
        table: dict[str, Any] = {"fault": name, "optional": optional}
        when: dict[str, Any] = {}
        for key, value in settings.items():
            if key in own:
                table[key] = plain(value)
            elif key in _WHEN:
                when[_WHEN[key]] = plain(value)
            else:
                raise UsageError(_no_setting(name, key, own))
        (rule,) = read("faults", [table | ({"when": when} if when else {})])
        self.add(rule)
        return self

    def rate_limit(self, **settings: Any) -> Self:
        """Refuse calls with 429: `rate_limit(calls="1-3", retry_after=7)`."""
        return self.fault("rate_limited", **settings)

    def overload(self, **settings: Any) -> Self:
        """Refuse calls with 529, or the vendor's like."""
        return self.fault("overloaded", **settings)

    def fail(self, status: int = 500, **settings: Any) -> Self:
        """Refuse calls with a server error: `fail(502, html=True)`."""
        return self.fault("server_error", status=status, **settings)

    def outage(self, lasting: float | str | None = None, **settings: Any) -> Self:
        """Be down, in every way there is: `outage("45m", provider="anthropic")`."""
        start = settings.pop("start", self.world.clock.now())
        if lasting is not None:
            settings["lasting"] = lasting
        return self.fault("outage", start=start, **settings)

    def refuse_connections(self, **settings: Any) -> Self:
        """Let nobody listen."""
        return self.fault("connect_error", **settings)

    def hang(self, **settings: Any) -> Self:
        """Accept requests and never answer."""
        return self.fault("hang", **settings)

    def slow_down(self, **settings: Any) -> Self:
        """Answer late: `slow_down(before="30s")`."""
        return self.fault("slow", **settings)

    def cut_stream(self, after: int = 1, **settings: Any) -> Self:
        """Break the connection after so many pieces of an answer."""
        return self.fault("cut_stream", after=after, **settings)

    def end_stream_early(self, after: int = 1, **settings: Any) -> Self:
        """End a stream without its terminator, which no SDK reports."""
        return self.fault("unfinished_stream", after=after, **settings)

    def error_mid_stream(self, after: int = 1, **settings: Any) -> Self:
        """Report an error inside of a stream, after HTTP 200."""
        return self.fault("error_mid_stream", after=after, **settings)

    def stall(self, after: int = 1, **settings: Any) -> Self:
        """Stop in the middle of an answer while the connection stays open."""
        return self.fault("stall", after=after, **settings)

    def malform_arguments(self, kind: str | None = None, **settings: Any) -> Self:
        """Call tools against their schema: `malform_arguments("wrong_type")`."""
        return self.fault("malformed_arguments", **_given(kind=kind), **settings)

    def call_unknown_tool(self, **settings: Any) -> Self:
        """Call a tool that nobody offered."""
        return self.fault("unknown_tool", **settings)

    def say_nothing(self, **settings: Any) -> Self:
        """Answer without content."""
        return self.fault("empty_completion", **settings)

    def find_nothing(self, tool: str | None = None, **settings: Any) -> Self:
        """Let a tool of the agent come back empty."""
        return self.fault("empty_result", **_given(tool=tool), **settings)

    def fail_tool(self, tool: str | None = None, **settings: Any) -> Self:
        """Let a tool of the agent fail."""
        return self.fault("error_result", **_given(tool=tool), **settings)

    def leak_secret(self, tool: str | None = None, **settings: Any) -> Self:
        """Put a secret into the result of a tool; it must not turn up elsewhere."""
        return self.fault("leaked_secret", **_given(tool=tool), **settings)

    def __getattr__(self, name: str) -> Callable[..., Self]:
        __tracebackhide__ = True
        if name.startswith("_") or name not in FAULTS:
            verbs = [*(verb for verb in dir(type(self)) if not verb.startswith("_")), *FAULTS]
            near = difflib.get_close_matches(name, verbs, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AttributeError(f"there is no verb {name!r}, and no fault of that name{hint}")
        return lambda **settings: self.fault(name, **settings)

    # What the world is like.

    def reply(self, text: str, *more: str) -> Self:
        """Let the model say this, one text for each call; afterwards it speaks for itself."""
        self._told.waiting.extend(_Once(Text(one)) for one in (text, *more))
        return self

    def call_tool(
        self, tool: str, given: str | Mapping[str, Any] | None = None, /, **arguments: Any
    ) -> Self:
        """Let the model call a tool: `call_tool("search", query=["a list"])`.

        Args:
            given: the arguments as a mapping, or as the text that the model writes, which may be
                broken JSON.
        """
        named = {**given, **arguments} if isinstance(given, Mapping) else arguments
        text = given if isinstance(given, str) else json.dumps(plain(named), ensure_ascii=False)
        self._told.waiting.append(_Once(ToolCall(id="", name=tool, arguments=text)))
        return self

    def turns(self, *turns: Mapping[str, Any] | str) -> Self:
        """Let the model say these turns, one for each call, then speak for itself.

        Args:
            turns: texts, or tables as in the `turns` of a scripted behaviour.

        Raises:
            UsageError: one of them is no turn.
        """
        tables = [{"text": turn} if isinstance(turn, str) else plain(turn) for turn in turns]
        if tables:
            script = read("behaviour", {"use": "scripted", "turns": tables})
            self._told.waiting.extend(Scripted(turns=(turn,)) for turn in script.turns)
        return self

    def world_of(self, table: Mapping[str, Any]) -> tuple[str, ...]:
        """Take what the tables of a scenario say; return which of them have no place here.

        Nothing is taken where anything is wrong.

        Raises:
            UsageError: a table is wrong, or requests were made already and it came too late.
        """
        made = _made(table)
        rules = [self._fit(rule) for rule in made["faults"]]
        promises = made["promises"] if "promises" in table else ()
        if "provider" in table:
            self._untouched("provider")
            self.world.service = Service(made["provider"], counter=self.world.service.counter)
        if "behaviour" in table:
            self._told.otherwise = made["behaviour"]
        if "bounds" in table:
            self.world.bound(calls=made["bounds"].calls, usd=made["bounds"].usd)
        for rule in rules:
            self.add(rule)
        self._promises += [one for one in promises if not one.check.outcome]
        return tuple(key for key in table if key in _PLACELESS)

    def model(self, use: str, **settings: Any) -> Self:
        """Let another kind of model answer: `model("stubborn")`; see `chaoskit list behaviours`."""
        self._told.otherwise = read("behaviour", {"use": use, **plain(settings)})
        return self

    def provider(self, **settings: Any) -> Self:
        """Set limits, latency, models or prices: `provider(limits={"requests_per_minute": 50})`.

        Raises:
            UsageError: requests were made already, or a setting is wrong.
        """
        self._untouched("provider")
        world = self.world
        made = read("provider", plain(settings))
        world.service = Service(made, counter=world.service.counter)
        return self

    def scenario(self, name: str | Path) -> Self:
        """Take world, faults and promises of a scenario: a file, or a shipped one (`"day2"`).

        Promises that the test gives nothing to judge, such as those on users, are passed by.

        Raises:
            UsageError: there is none or several, or requests were made already.
            ScenarioError: the file is wrong.
        """
        self._untouched("scenario")
        found = catalogue.load_all(catalogue.find([str(name)]))
        if len(found) != 1:
            raise UsageError(f"{name!r} stands for {len(found)} scenarios; name one of them")
        ((_, scenario),) = found
        world = self.world
        world.service = Service(scenario.provider, counter=world.service.counter)
        self._told.otherwise = scenario.behaviour
        self._took(scenario)
        for rule in map(self._fit, scenario.faults):
            self.add(rule)
        self._promises += [replace(one, optional=True) for one in scenario.promises]
        world.bound(calls=scenario.bounds.calls, usd=scenario.bounds.usd)
        return self

    def _fit(self, rule: Rule) -> Rule:
        """Return a rule of a scenario as it applies to this world."""
        return rule

    def _took(self, scenario: Scenario) -> None:
        """Take what else of a scenario the world has a place for."""

    # What is judged.

    def promise(self, check: str, **settings: Any) -> Self:
        """Judge the test by this as well, when it ends: `promise("bounded_usd", max_usd=0.1)`."""
        self._promises += read("promises", [{"check": check, **plain(settings)}])
        return self

    def allow(self, *, unstruck: bool = False, silence: bool = False, unkept: bool = False) -> Self:
        """Opt out of what a test is judged by when it ends.

        Args:
            unstruck: faults may never strike.
            silence: nobody needs to ask a model.
            unkept: the promises that every agent should keep may be broken.
        """
        self._unstruck = self._unstruck or unstruck
        self._silent = self._silent or silence
        self._judged = self._judged and not unkept
        return self

    def verify(self, check: str = "", **settings: Any) -> Self:
        """Judge what has happened until now: one promise, or everything.

        Raises:
            PromiseBroken: a promise was broken, or nothing is known of it.
        """
        if check:
            judged = judge(tuple(read("promises", [{"check": check, **settings}])), self.journal)
        else:
            judged = self.judge()
        if bad := [item for item in judged if item.judgement.verdict in UNKEPT]:
            raise PromiseBroken("\n".join(map(in_words, bad)), judged)
        return self

    def judge(self) -> tuple[Judged, ...]:
        """Return how the test is judged: each promise, and whether everything struck and spoke."""
        return judge_freely(
            Journal(self.journal),  # it may lie in a file, and is read again and again
            self.world.plan.plan.rules,
            self._promises,
            automatic=self._judged,
            unstruck="" if self._unstruck else _UNSTRUCK.format(self._word),
            silence="" if self._silent else f"{self._word}.allow(silence=True)",
        )

    def _untouched(self, verb: str) -> None:
        if self.calls:
            raise UsageError(f"{self._word}.{verb}(…) belongs before the first request")


_UNSTRUCK = "optional=True on the fault, or {}.allow(unstruck=True), opts out"


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def plain(value: Any) -> Any:
    """Return a value as a scenario file would hold it."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, set, frozenset)):
        return [plain(inner) for inner in value]
    return value


def read(section: str, value: Any, **others: Any) -> Any:
    """Return a part of a scenario, written as in a file; `others` are parts that it refers to.

    Raises:
        UsageError: something in it is wrong.
    """
    return _made({**others, section: value})[section]


def _made(table: Mapping[str, Any]) -> dict[str, Any]:
    wrong, made = parts({**_BLANK, **table})
    if wrong:
        raise UsageError(
            "; ".join(
                f"{'.'.join(str(step) for step in item.path if not isinstance(step, int))}: "
                f"{item.message}" + (f" ({item.advice})" if item.advice else "")
                for item in wrong
            )
        )
    return made


def _no_setting(fault: str, key: str, own: set[str]) -> str:
    near = difflib.get_close_matches(key, [*own, *_WHEN], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(own)) or 'none'}"
    return f"{fault} has no setting {key!r}; {hint}"
