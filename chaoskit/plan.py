"""Rules become decisions: which fault strikes which call.

A plan is a value: rules and a seed. What happened so far lives in a `PlanState`, which counts for
each user apart, so that the decision for one user never depends on what the others do meanwhile.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from chaoskit import seed as seeds
from chaoskit.exchange import Refusal
from chaoskit.fault import Fault, Stage, Strike, about, stage_of
from chaoskit.match import Numbers, Predicate, Subject
from chaoskit.registry import Registry
from chaoskit.settings import given
from chaoskit.when import When

__all__ = ["Decision", "Plan", "PlanState", "Rule", "When"]

# A client that waits exactly as long as it was asked to must not be early by a rounding error.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of damage, and the calls that it is meant for.

    Attributes:
        optional: it is fine when this rule had nothing to do.
        sticky: a client that comes back before the time its Retry-After asked for is refused again.
    """

    fault: Fault
    when: When = field(default_factory=When)
    optional: bool = False
    sticky: bool = True

    def __post_init__(self) -> None:
        stage_of(self.fault)

    @property
    def stage(self) -> Stage:
        """The stage at which the fault works."""
        return stage_of(self.fault)

    def describe(self) -> str:
        """Return the rule as one line for people."""
        changed = ", ".join(f"{name}={value!r}" for name, value in given(self.fault).items())
        name = type(self.fault).__name__
        return f"{name}({changed}): {self.when.describe()}" + (" (optional)" * self.optional)

    def to_dict(self, faults: Registry[Fault]) -> dict[str, Any]:
        """Return the rule as it stands in a scenario file."""
        table: dict[str, Any] = {"fault": faults.name_of(type(self.fault)), **_dump(self.fault)}
        if when := _dump(self.when):
            table["when"] = when
        if self.optional:
            table["optional"] = True
        if not self.sticky:
            table["sticky"] = False
        return table

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], faults: Registry[Fault]) -> Rule:
        """Return the rule written by `to_dict`.

        Raises:
            UsageError: there is no such fault.
            pydantic.ValidationError: a setting is wrong.
        """
        rest = dict(table)
        make = faults[rest.pop("fault")]
        own = {name: rest.pop(name) for name in ("optional", "sticky") if name in rest}
        return cls(when=When(**rest.pop("when", {})), **own, fault=make(**rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The rules of a run and its seed. The empty plan changes nothing."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0

    def describe(self) -> tuple[str, ...]:
        """Return one line for each rule."""
        return tuple(rule.describe() for rule in self.rules)

    def to_dict(self, faults: Registry[Fault]) -> dict[str, Any]:
        """Return the plan in the words of a scenario file."""
        return {"seed": self.seed, "faults": [rule.to_dict(faults) for rule in self.rules]}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], faults: Registry[Fault]) -> Plan:
        """Return the plan written by `to_dict`.

        Raises:
            UsageError: there is no such fault.
            pydantic.ValidationError: a setting is wrong.
        """
        rules = tuple(Rule.from_dict(rule, faults) for rule in table["faults"])
        return cls(rules=rules, seed=table["seed"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One fault is to strike one call.

    Attributes:
        rule: index of the rule in the plan.
        again: set when the call is `early`: the refusal to give instead of asking the fault.
        early: the client came back before the time that this rule's last refusal asked for.
        waited: seconds since that refusal; 0 when there was none.
    """

    rule: int
    fault: Fault
    strike: Strike
    subject: Subject
    again: Refusal | None = None
    waited: float = 0.0

    @property
    def early(self) -> bool:
        """Whether the client came back too early."""
        return self.again is not None


_Place: TypeAlias = tuple[int, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Asked:
    refusal: Refusal
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class _Ready:
    """A rule, prepared for fast decisions."""

    index: int
    rule: Rule
    chooses: Predicate
    calls: Numbers | None


class PlanState:
    """Decides for one run, and remembers what it has to.

    Ask `decide` once for each call and stage; tell `struck` about each decision that did damage.

    Attributes:
        watches: there is a rule, so what calls are like has to be known.
    """

    def __init__(self, plan: Plan, *, canary: Callable[[str], str]) -> None:
        self.plan = Plan(seed=plan.seed)
        self.watches = False
        self._canary = canary
        self._ready: dict[Stage, tuple[_Ready, ...]] = {}
        self._calls: Counter[tuple[int, str, str]] = Counter()
        self._strikes: Counter[tuple[int, str]] = Counter()
        self._reported: set[tuple[str, int]] = set()
        self._asked: dict[_Place, _Asked] = {}
        for rule in plan.rules:
            self.add(rule)

    def add(self, rule: Rule) -> None:
        """Add a rule to the plan; calls are counted for it from now on."""
        when, stage, index = rule.when, rule.stage, len(self.plan.rules)
        self.plan = replace(self.plan, rules=(*self.plan.rules, rule))
        ready = _Ready(
            index,
            rule,
            when.chooses(stage, about=about(rule.fault)),
            None if when.calls is None else Numbers.parse(when.calls),
        )
        self._ready[stage] = (*self._ready.get(stage, ()), ready)
        self.watches = True

    def works_at(self, stage: Stage) -> bool:
        """Tell whether any rule works at a stage."""
        return stage in self._ready

    def decide(self, subject: Subject, stage: Stage) -> tuple[Decision, ...]:
        """Return the faults that are to strike a call at a stage, in the order of the rules.

        A call that comes before the time that a Retry-After asked for gets that refusal again and
        is not counted by any rule.
        """
        rules = self._ready.get(stage, ())
        if subject.reported:
            self._reported.add((subject.user, subject.turn))
        if not rules:
            return ()
        if stage == "admit" and (early := self._early(rules, subject)):
            return (early,)
        return tuple(
            decision for ready in rules if (decision := self._decide(ready, subject)) is not None
        )

    def struck(self, decision: Decision, outcome: object = None) -> None:
        """Remember that a decision did damage; `outcome` is what its fault returned."""
        if decision.early:
            return
        subject = decision.subject
        self._strikes[decision.rule, subject.user] += 1
        if (
            isinstance(outcome, Refusal)
            and outcome.retry_after
            and self.plan.rules[decision.rule].sticky
        ):
            self._asked[_place(decision.rule, self.plan.rules[decision.rule].when, subject)] = (
                _Asked(outcome, subject.now, subject.now + outcome.retry_after)
            )

    def _decide(self, ready: _Ready, subject: Subject) -> Decision | None:
        index, when = ready.index, ready.rule.when
        if not ready.chooses(subject):
            return None
        tool = subject.called[0] if subject.operation == "run_tool" and subject.called else ""
        self._calls[index, subject.user, tool] += 1
        n = self._calls[index, subject.user, tool]
        if ready.calls is not None and n not in ready.calls:
            return None
        count = self._strikes[index, subject.user]
        if when.times is not None and count >= when.times:
            return None
        if when.until == "reported" and (subject.user, subject.turn) in self._reported:
            return None
        if when.probability < 1:
            drawn = seeds.number(self.plan.seed, "rule", index, subject.user, tool, n)
            if drawn >= when.probability * 2**64:
                return None
        asked = self._asked.get(_place(index, when, subject))
        return Decision(
            rule=index,
            fault=ready.rule.fault,
            strike=self._strike(subject, count, index, tool, n),
            subject=replace(subject, n=n),
            waited=0.0 if asked is None else subject.now - asked.at,
        )

    def _early(self, rules: tuple[_Ready, ...], subject: Subject) -> Decision | None:
        for ready in rules:
            asked = self._asked.get(_place(ready.index, ready.rule.when, subject))
            if asked is None or asked.until - subject.now <= _TOLERANCE:
                continue
            count = self._strikes[ready.index, subject.user]
            left = _rounded(asked.until - subject.now, asked.refusal.retry_after_form)
            return Decision(
                rule=ready.index,
                fault=ready.rule.fault,
                strike=self._strike(subject, count, ready.index, "early", count),
                subject=subject,
                again=replace(asked.refusal, retry_after=left),
                waited=subject.now - asked.at,
            )
        return None

    def _strike(self, subject: Subject, count: int, *path: int | str) -> Strike:
        return Strike(
            rng=seeds.derive(self.plan.seed, "strike", subject.user, *path),
            now=subject.now,
            user=subject.user,
            count=count,
            canary=partial(_label, self._canary, subject.user),
        )


def _place(rule: int, when: When, subject: Subject) -> _Place:
    """Return for whom a wait is meant; a rule that names a tool has waits for that tool alone."""
    tool = subject.called[0] if when.tool is not None and subject.called else ""
    return rule, subject.user, subject.provider, subject.model, subject.operation, tool


def _label(canary: Callable[[str], str], user: str, where: str) -> str:
    return canary(f"{where}/{user}")


def _rounded(seconds: float, form: str) -> float:
    scale = 1000 if form == "ms" else 1
    return math.ceil(seconds * scale - 1e-6) / scale


def _dump(value: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = TypeAdapter(type(value)).dump_python(
        value, mode="json", by_alias=True, exclude_defaults=True
    )
    return dumped
