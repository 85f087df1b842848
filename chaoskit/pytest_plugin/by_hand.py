"""Worlds for tests written by hand: made from the fixture and its markers, judged at the end."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from chaoskit.chaos import Chaos
from chaoskit.errors import RunStopped, UsageError
from chaoskit.freely import UNKEPT, PromiseBroken
from chaoskit.pytest_plugin import WORLD
from chaoskit.pytest_plugin.agents import asked_for
from chaoskit.pytest_plugin.postmortem import Remembered
from chaoskit.pytest_plugin.seeds import remember, session_seed
from chaoskit.pytest_plugin.telling import journal_file, of_judged, telling, told_story
from chaoskit.pytest_plugin.words import learn
from chaoskit.report.timeline import whose
from chaoskit.verbs import Verbs

__all__ = ["explain", "judge_late", "judged", "passed", "said", "words_of", "world"]

_OWN = ("seed", "unstruck", "silence", "unkept")
_JUDGED = pytest.StashKey[bool]()
_OWED = pytest.StashKey[bool]()
_REMEMBERED = pytest.StashKey[Remembered]()
_TOLD = pytest.StashKey[bool]()


@contextlib.contextmanager
def world(request: pytest.FixtureRequest) -> Iterator[Chaos]:
    """Make the world of a test and enter it."""
    node, config = request.node, request.config
    _refuse_trio(request)
    remember(config)
    learn(config)
    words = words_of(node)
    node.stash[_JUDGED] = node.stash[_TOLD] = False
    remembered = node.stash[_REMEMBERED] = Remembered(config)
    made = Chaos(
        name=node.name,
        seed=words.get("seed", session_seed(config)),
        agent=lambda: asked_for(request),
        raised=remembered.raised,
        home=request.module,
    )
    with made:
        said(made, words)
        node.stash[WORLD] = made
        yield made
    del node.stash[WORLD]  # it may be run again
    if folder := config.option.chaos_journal:
        made.journal.write(journal_file(folder, node.nodeid))
    judge_late(node, made)


def _refuse_trio(request: pytest.FixtureRequest) -> None:
    """Fail a test that is run by trio, as anyio's fixture or the marker of pytest-trio says."""
    if not inspect.iscoroutinefunction(inspect.unwrap(request.function)):
        return
    names = request.fixturenames
    backend = request.getfixturevalue("anyio_backend") if "anyio_backend" in names else ""
    backend = backend if isinstance(backend, str) else backend[0]
    if backend == "trio" or request.node.get_closest_marker("trio"):
        pytest.fail(
            "trio brings its own event loop, which does not run on virtual time. Run the tests "
            "that use `chaos` on asyncio:\n"
            '    @pytest.fixture\n    def anyio_backend():\n        return "asyncio"\n'
            "in their module or in conftest.py",
            pytrace=False,
        )


def words_of(node: pytest.Item) -> dict[str, Any]:
    """Return what the markers of a test say, the nearest last."""
    words: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("chaos"))):
        if mark.args:
            pytest.fail(f"the chaos marker takes keywords only, not {mark.args!r}", pytrace=False)
        words |= mark.kwargs
    return words


def said(made: Verbs, words: Mapping[str, Any]) -> None:
    """Say to a world what the markers of its test say."""
    made.allow(**{word: words[word] for word in _OWN[1:] if word in words})
    for word, value in words.items():
        if word not in _OWN:
            _say(made, word, value)


def _say(chaos: Verbs, verb: str, value: Any) -> None:
    """Say one word of the marker as the fixture would."""
    try:
        method = getattr(chaos, verb)
        if value is True:
            method()
        elif isinstance(value, Mapping):
            named = dict(value)
            method(*[named.pop(name) for name in _nameless(method) if name in named], **named)
        elif isinstance(value, (list, tuple)):
            method(*value)
        else:
            method(value)
    except (AttributeError, TypeError, UsageError) as error:
        told = f"the chaos marker: {verb}={value!r}: {error}"
        raise pytest.fail.Exception(told, pytrace=False) from None


def _nameless(method: Callable[..., Any]) -> list[str]:
    """Return what a verb takes by place only, so that its keywords can have any name."""
    return [
        one.name
        for one in inspect.signature(method).parameters.values()
        if one.kind is one.POSITIONAL_ONLY and one.default is one.empty
    ]


@contextlib.contextmanager
def judged(item: pytest.Function, chaos: Verbs) -> Iterator[None]:
    """Fail a test whose body went well and whose promises did not."""
    __tracebackhide__ = True
    ended = ""
    item.stash[_JUDGED] = True
    try:
        yield
    except RunStopped:
        ended = f"the run was ended: {chaos.world.clock.stopped}\n"
    except (UsageError, PromiseBroken) as error:
        if not item.config.option.fulltrace:
            _end_where_we_begin(error)
        raise
    finally:
        item.user_properties += [
            ("chaos_seed", session_seed(item.config)),
            ("chaos_calls", len(chaos.calls)),
            ("chaos_cost_usd", round(chaos.cost_usd, 6)),
            ("chaos_virtual_seconds", round(chaos.world.clock.now(), 3)),
        ]
    _judge(item, chaos, ended)


def passed(item: pytest.Item) -> None:
    """Take note that a test passed whose world was asked for only while it ran."""
    item.stash[_OWED] = not item.stash.get(_JUDGED, False)


def judge_late(item: pytest.Item, chaos: Verbs) -> None:
    """Fail a test that passed before anybody knew of its world."""
    if item.stash.get(_OWED, False):
        _judge(item, chaos)


def _judge(item: pytest.Item, chaos: Verbs, ended: str = "") -> None:
    __tracebackhide__ = True
    found = chaos.judge()
    bad = [one for one in found if one.judgement.verdict in UNKEPT]
    if bad or ended:
        item.stash[_TOLD] = True
        told = f"{ended}{of_judged(bad)}\n\n{_story(item, chaos, bad)}"
        remembered = item.stash.setdefault(_REMEMBERED, Remembered(item.config))
        raise remembered.failure(told, whose(chaos.journal, bad)) from None


def _end_where_we_begin(error: Exception) -> None:
    """Cut a traceback after its last frame of the user's; pytest and its debugger stop there."""
    trace, last = error.__traceback__, None
    while trace is not None:
        if not trace.tb_frame.f_globals.get("__name__", "").startswith("chaoskit."):
            last = trace
        trace = trace.tb_next
    if last is not None:
        last.tb_next = None


def explain(item: pytest.Item, report: pytest.TestReport, chaos: Verbs) -> None:
    """Add the story of the test to the report of a failure that does not tell it already."""
    if not item.stash.get(_TOLD, False) and chaos.calls:
        report.sections.append(("chaos", _story(item, chaos)))


def _story(item: pytest.Item, chaos: Verbs, bad: Any = ()) -> str:
    again = telling(item, session_seed(item.config))
    return "\n\n".join(filter(None, (told_story(chaos.journal, bad), f"again: {again}")))
