"""The pytest plugin: options, fixtures and markers. What they do is loaded when it is needed.

Scenario files are tests, `--chaos-week` adds the shipped week, and the `chaos` fixture is a world
for tests written by hand.
"""

from __future__ import annotations

from argparse import SUPPRESS
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from chaoskit.chaos import Chaos
    from chaoskit.serving import Server, Session

__all__ = ["chaos", "chaos_agent", "chaos_server"]

_WEEK = "chaos-week"
_SUFFIX = ".chaos.toml"
_OURS = (_SUFFIX, _WEEK)
_MOST = 20  # lines of what an agent logged in a scenario
WORLD = pytest.StashKey[Any]()
"""The world that a fixture of ours gave a test, directly or by way of others."""

_MARKER = (
    "chaos(**verbs): what goes wrong in this test, in the words of the `chaos` fixture: "
    '`chaos(rate_limit={"calls": "1-3", "retry_after": 7}, outage="45m", reply="…")`; '
    '`scenario="day2"` takes the world of a scenario; `unstruck=True`, `silence=True` and '
    "`unkept=True` opt out of what a test is judged by; `seed=…` sets its seed."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add one group of options, and what may stand in the ini file."""
    group = parser.getgroup("chaoskit", "chaoskit: live production before you ship")
    group.addoption(
        "--chaos-agent",
        action="append",
        metavar="MODULE:CALLABLE",
        help="The agent under test, `answer(prompt) -> str`, sync or async; or `command: node "
        "agent.js`, in any language; or the URL of a service that runs. Several "
        "give a test each. Default: `agent` of [tool.chaoskit] in pyproject.toml, or the ini "
        "option `chaos_agent`, or whatever your `chaos_agent` fixture returns.",
    )
    group.addoption(
        "--chaos-week",
        action="store_true",
        help="Run the shipped week as well. Its tests are called chaos-week::day1 to "
        "chaos-week::day7, and can be named like any other.",
    )
    group.addoption(
        "--chaos-seed",
        metavar="SEED",
        help="A number, `last` for that of the run before, or `random`. The same seed gives the "
        "same run; each test has its own, from this and its name. Default: 0.",
    )
    group.addoption(
        "--chaos-journal",
        metavar="DIR",
        help="Keep what happened in each test, as JSON Lines.",
    )
    group.addoption(
        "--chaos-port",
        metavar="PORT",
        type=int,
        help="For an agent that is a URL: where it looks for the simulated provider. Default: "
        "`port` of [tool.chaoskit], or 8642.",
    )
    group.addoption("--chaos-named", action="append", default=[], help=SUPPRESS)
    group.addoption("--chaos-failed", action="append", default=[], help=SUPPRESS)
    group.addoption("--chaos-only", action="store_true", help=SUPPRESS)
    parser.addini("chaos_agent", "The agent under test, for chaoskit.", type="args", default=[])
    parser.addini("chaos_seed", "The seed of chaoskit's tests.", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    """Take `chaos-week::day2` for what it is: no path, and the only thing to run if it is alone."""
    named = [word for word in args if _names_the_week(word, early_config.invocation_params.dir)]
    if named:
        rest = [word for word in args if word not in named]
        days = [f"--chaos-named={word.partition('::')[2]}" for word in named]
        alone = [] if parser.parse_known_args(rest).file_or_dir else ["--chaos-only"]
        args[:] = [*rest, *days, *alone]
        early_config.known_args_namespace.chaos_named = days
    from chaoskit.pytest_plugin.keys import for_session  # noqa: PLC0415 - not to be loaded twice

    for_session(early_config)


def _names_the_week(word: str, folder: Path) -> bool:
    head = word.partition("::")[0]
    return head == _WEEK and not (folder / head).exists()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and settle on one seed for all processes."""
    config.addinivalue_line("markers", _MARKER)
    for day in range(1, 10):
        config.addinivalue_line("markers", f"day{day}: a scenario of day {day}")
    given = config.option.chaos_seed
    if isinstance(given, int):  # a worker is told
        return
    if getattr(config.option, "lf", False):
        from chaoskit.pytest_plugin.failed import days_that_failed  # noqa: PLC0415 - when needed

        config.option.chaos_failed = days_that_failed(config)
    if given or config.getini("chaos_seed"):
        from chaoskit.pytest_plugin.seeds import seed_of  # noqa: PLC0415 - when it is needed

        config.option.chaos_seed = seed_of(config, given or config.getini("chaos_seed"))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tell seed and agents, where something names them."""
    if not _is_named(config):
        return []
    from chaoskit.pytest_plugin.seeds import header  # noqa: PLC0415 - when it is needed

    return [header(config)]


def _is_named(config: pytest.Config) -> bool:
    option = config.option
    if option.chaos_agent or option.chaos_week or option.chaos_named or option.chaos_seed:
        return True
    from chaoskit.project import project_of  # noqa: PLC0415 - not to be loaded twice

    return bool(config.getini("chaos_agent") or project_of(config.rootpath).folder)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Tell the seed, where it turns out only now that there is something of ours."""
    if config.option.verbose < 0 or _is_named(config):
        return []
    if not any({"chaos", "chaos_agent"} & set(getattr(item, "fixturenames", ())) for item in items):
        return []
    from chaoskit.pytest_plugin.seeds import header  # noqa: PLC0415 - when it is needed

    return [header(config)]


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Look at no file where only tests of the week were named."""
    return True if config.option.chaos_only else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take scenario files for files of tests."""
    if not file_path.name.endswith(_SUFFIX):
        return None
    from chaoskit.pytest_plugin.items import ScenarioFile  # noqa: PLC0415 - when it is needed

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let clients be built while modules that speak of chaos are imported."""
    from chaoskit.pytest_plugin.keys import while_collecting  # noqa: PLC0415 - when it is needed

    with while_collecting(collector):
        return (yield)


def pytest_sessionstart() -> None:
    """Forget what an earlier session in this process could not collect."""
    _broken.clear()


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Take note of what could not be collected."""
    if report.failed:
        _broken.append(report.nodeid)


_broken: list[str] = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Run the other tests although scenario files are wrong; the session fails all the same."""
    if _broken and all(name.endswith(_SUFFIX) for name in _broken):
        session.config.option.continue_on_collection_errors = True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the week where it is asked for, and the fixture where the marker asks for it."""
    option = session.config.option
    if option.chaos_week or option.chaos_named or option.chaos_failed:
        from chaoskit.pytest_plugin.items import week  # noqa: PLC0415 - when it is needed

        items += week(session, items)
    for item in items:
        names = getattr(item, "fixturenames", None)
        if names is None:
            continue
        if item.get_closest_marker("chaos") and not {"chaos", "chaos_server"} & set(names):
            names.insert(0, "chaos")
        if "chaos" in names and "chaos_agent" not in names:
            from chaoskit.pytest_plugin.agents import early  # noqa: PLC0415 - when it is needed

            if early(item):
                names.append("chaos_agent")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let clients be built by the fixtures of tests that live in a world."""
    from chaoskit.pytest_plugin.keys import while_running  # noqa: PLC0415 - not to be loaded twice

    with while_running(item):
        return (yield)


@pytest.fixture
def chaos_agent(request: pytest.FixtureRequest) -> Any:
    """The agent under test: override it to build one for each test.

    Return a callable, `module:callable`, a URL, or a `chaoskit.Agent`; use other fixtures, and
    clean up after `yield`. Without an override it is what `--chaos-agent`, [tool.chaoskit] or the
    ini option `chaos_agent` names.
    """
    from chaoskit.pytest_plugin.agents import configured  # noqa: PLC0415 - when it is needed

    return configured(request)


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> Iterator[Chaos]:
    """A simulated world: the test lives in virtual time, and every provider in it is simulated.

    Verbs say what goes wrong, and chain: `chaos.rate_limit(calls="1-3", retry_after=7)`,
    `chaos.outage("45m", provider="anthropic")`, `chaos.malform_arguments("wrong_type")`,
    `chaos.cut_stream(after=3)`, `chaos.reply("…")`, `chaos.call_tool("search", query=["…"])`,
    `chaos.scenario("day2")`; every fault of `chaoskit list faults` is a verb. `chaos.users(20,
    agent)` lets users ask an agent. Look at `chaos.calls`, `chaos.cost_usd`, `chaos.journal` and
    `chaos.clock`. When the test ends it is judged by the promises that every agent should keep,
    each fault must have struck, and somebody must have asked a model: `chaos.allow(…)` opts out.
    """
    from chaoskit.pytest_plugin.by_hand import world  # noqa: PLC0415 - when it is needed

    with world(request) as made:
        yield made


@pytest.fixture(scope="session")
def _chaos_server() -> Iterator[Server]:
    from chaoskit.pytest_plugin.served import running  # noqa: PLC0415 - when it is needed

    with running() as server:
        yield server


@pytest.fixture
def chaos_server(request: pytest.FixtureRequest, _chaos_server: Server) -> Iterator[Session]:
    """A simulated provider on a port of this machine, for agents that are other processes.

    `chaos_server.url` is its base URL (OpenAI's SDKs want `/v1` behind it), and
    `chaos_server.environment()` the variables by which the SDKs of both vendors find it. The verbs
    are those of `chaos`, and the test is judged alike when it ends; time is real. All tests share a
    server; each has a session of its own, which its URL and its keys name.
    """
    from chaoskit.pytest_plugin.served import session  # noqa: PLC0415 - when it is needed

    with session(request, _chaos_server) as made:
        yield made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Judge a test that has a world of its own, when its body is over."""
    world = pyfuncitem.stash.get(WORLD, None)
    if world is None:
        return (yield)
    from chaoskit.pytest_plugin.by_hand import judged  # noqa: PLC0415 - when it is needed

    with judged(pyfuncitem, world):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what happened in the world of a test that failed by itself, and no flood of its log."""
    report = yield
    if call.when == "call" and report.failed and item.nodeid.partition("::")[0].endswith(_OURS):
        report.sections = [(name, _end_of(text)) for name, text in report.sections]
    world = item.stash.get(WORLD, None)
    if call.when == "call" and world is not None:
        from chaoskit.pytest_plugin.by_hand import explain, passed  # noqa: PLC0415 - when needed

        if report.failed:
            explain(item, report, world)
        elif report.passed:
            passed(item)
    return report


def _end_of(text: str) -> str:
    lines = text.splitlines()
    gone = len(lines) - _MOST
    return "\n".join([f"… {gone} lines before", *lines[-_MOST:]]) if gone > 0 else text


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the scorecard of the scenarios that were run."""
    stats = terminalreporter.stats
    reports = [report for found in stats.values() for report in found]
    if any(name == "chaos_verdict" for one in reports for name, _ in _properties(one)):
        from chaoskit.pytest_plugin.summary import scorecard  # noqa: PLC0415 - when it is needed

        scorecard(terminalreporter, reports)


def _properties(report: Any) -> list[tuple[str, object]]:
    return getattr(report, "user_properties", None) or []
