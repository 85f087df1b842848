"""Scenarios as tests: one for each scenario, agent and combination of its matrix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaoskit import catalogue
from chaoskit.check import Verdict
from chaoskit.collected import Variant
from chaoskit.errors import ScenarioError, UsageError
from chaoskit.pytest_plugin.agents import AGENT, agent_of, named
from chaoskit.pytest_plugin.home import home_of_week
from chaoskit.pytest_plugin.one_port import alone_on_its_port
from chaoskit.pytest_plugin.postmortem import Remembered
from chaoskit.pytest_plugin.seeds import remember, session_seed
from chaoskit.pytest_plugin.telling import (
    journal_file,
    of_outcome,
    properties,
    story_of,
    telling,
)
from chaoskit.pytest_plugin.words import learn
from chaoskit.run import run
from chaoskit.scenario import SUFFIX, Scenario, load

__all__ = ["ScenarioFile", "ScenarioItem", "week"]

_WEEK = "chaos-week"


class ScenarioFile(pytest.Module):
    """A file with one scenario."""

    obj = None  # there is no module

    def collect(self) -> Iterable[ScenarioItem]:
        """Return the tests of the file.

        Raises:
            CollectError: with everything that is wrong in it, each with its line.
        """
        learn(self.config)
        try:
            scenario = load(self.path)
        except ScenarioError as error:
            told = "\n".join(str(problem) for problem in error.problems)
            raise self.CollectError(told) from None
        yield from _items(self, scenario, self.path.name.removesuffix(SUFFIX))

    def for_each_parameter(self, name: str, labels: Sequence[str]) -> Iterator[ScenarioItem]:
        """Yield a test, or one for each combination of parameters that its fixtures have."""
        self.obj = SimpleNamespace(_lived=_lived)  # where pytest looks for the function
        try:
            made = list(self._genfunctions("_lived", _lived))
        finally:
            self.obj = None
        for one in made:
            how: dict[str, Any] = {"fixtureinfo": one._fixtureinfo}  # noqa: SLF001 - as pytest does
            ids = [*labels]
            if (spec := getattr(one, "callspec", None)) is not None:
                ids += spec._idlist  # noqa: SLF001 - what `id` is joined from
                how |= {"callspec": replace(spec, _idlist=ids), "originalname": name}
            whole = f"{name}[{'-'.join(ids)}]" if ids else name
            yield ScenarioItem.from_parent(self, name=whole, callobj=_lived, **how)


class ScenarioItem(pytest.Function):
    """One scenario against one agent."""

    scenario: Scenario
    variant: Variant

    def reportinfo(self) -> tuple[Path, int, str]:
        """Tell where the test is written down: in the file, not in the plugin."""
        return self.path, 0, self.name


class _Week(ScenarioFile):
    """The shipped week, which is no file of the project's."""

    def collect(self) -> Iterable[ScenarioItem]:
        """Return a test for each day."""
        for _, scenario in catalogue.week(catalogue.load_all(catalogue.shipped())):
            yield from _items(self, scenario, f"day{scenario.day}")


def week(session: pytest.Session, others: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Return the tests of the shipped week, or of the days that are named, or that failed.

    Raises:
        pytest.UsageError: there is no such day.
    """
    option = session.config.option
    home = home_of_week(session, others)
    parent = _Week.from_parent(home, path=session.config.rootpath / _WEEK, nodeid=_WEEK)
    items: list[pytest.Item] = list(parent.collect())
    names = {item.name: {item.name, item.name.partition("[")[0]} for item in items}
    if option.chaos_named and not option.chaos_week and "" not in option.chaos_named:
        known = {name for both in names.values() for name in both}
        for name in option.chaos_named:
            if name not in known:
                told = ", ".join(sorted(known))
                raise pytest.UsageError(f"there is no {_WEEK}::{name}; the week has {told}")
        items = [item for item in items if names[item.name] & set(option.chaos_named)]
    elif option.chaos_failed:
        items = [item for item in items if item.name in option.chaos_failed]
    report = pytest.CollectReport(parent.nodeid, "passed", longrepr=None, result=[*items])
    parent.ihook.pytest_collectreport(report=report)  # they count like any other
    return items


def _items(parent: ScenarioFile, scenario: Scenario, name: str) -> Iterator[ScenarioItem]:
    config = parent.config
    agents = named(config) or [""]
    for variant in scenario.pytest.variants():
        for agent in [variant.agent] if variant.agent else agents:
            several = agent if len(agents) > 1 and not variant.agent else ""
            labels = [label for label in (several, variant.label) if label]
            for item in parent.for_each_parameter(name, labels):
                item.scenario, item.variant = scenario, variant
                item.stash[AGENT] = agent
                _mark(item, scenario)
                yield item


def _mark(item: ScenarioItem, scenario: Scenario) -> None:
    how = scenario.pytest
    for name in how.marks:
        item.add_marker(name)
    if scenario.day:
        if scenario.day > 9:
            item.config.addinivalue_line("markers", f"day{scenario.day}: a scenario of that day")
        item.add_marker(f"day{scenario.day}")
    if how.skip:
        item.add_marker(pytest.mark.skip(reason=how.skip))
    if how.xfail:
        item.add_marker(pytest.mark.xfail(reason=how.xfail))


def _lived(chaos_agent: Any, request: pytest.FixtureRequest) -> None:
    """Live through the scenario, and fail where a promise is broken or nothing is known."""
    item = cast("ScenarioItem", request.node)
    config = item.config
    remember(config)
    seed = session_seed(config) if item.variant.seed is None else item.variant.seed
    agent = agent_of(chaos_agent, config, item.variant.keywords)
    remembered = Remembered(config)
    try:
        with alone_on_its_port(agent, config):
            outcome = run(item.scenario, agent, seed=seed, raised=remembered.raised)
    except UsageError as error:
        raise pytest.fail.Exception(f"chaoskit: {error}", pytrace=False) from None
    item.user_properties += properties(outcome)
    if folder := config.option.chaos_journal:
        outcome.journal.write(journal_file(folder, item.nodeid))
    if outcome.verdict is Verdict.NOT_APPLICABLE:
        pytest.skip(outcome.reason)
    if outcome.verdict is not Verdict.PASS:
        told = of_outcome(outcome, telling(item, session_seed(config)))
        raise remembered.failure(told, story_of(outcome))
