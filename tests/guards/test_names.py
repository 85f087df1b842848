"""The package says what it holds, and loads nothing before it is used."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import chaoskit_guards

HOME = str(Path(chaoskit_guards.__file__).parents[1])
OTHERS = {
    "anthropic",
    "chaoskit",
    "httpx",
    "httpx2",
    "openai",
    "opentelemetry",
    "pydantic",
    "redis",
    "structlog",
    "tiktoken",
}


def test_every_public_name_is_there():
    """And the list is sorted."""
    assert chaoskit_guards.__all__ == sorted(chaoskit_guards.__all__)
    assert set(chaoskit_guards.__all__) == set(chaoskit_guards._HOME)
    for name in chaoskit_guards.__all__:
        assert getattr(chaoskit_guards, name) is not None
    assert set(chaoskit_guards.__all__) <= set(dir(chaoskit_guards))


def test_an_unknown_name_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError, match="Braker"):
        chaoskit_guards.Braker  # noqa: B018 - reading it is the test


def test_importing_it_loads_no_guard_and_no_sdk():
    """Not even one of the standard library's larger modules."""
    code = (
        "import sys; before = set(sys.modules); import chaoskit_guards; "
        "added = {m.partition('.')[0] for m in sys.modules if m not in before}; "
        "print(sorted(added - {'importlib', 'warnings'}), len(added) < 4)"
    )
    run = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {HOME!r}); {code}"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['chaoskit_guards'] True"


@pytest.mark.parametrize(
    "module",
    [
        "agent",
        "bounded",
        "breaker",
        "budget",
        "idempotent",
        "limited",
        "otel",
        "output",
        "parallel",
        "retry",
        "router",
        "scrub_structlog",
        "session_store",
        "tool_runner",
        "transport",
        "vet",
        "warm",
        "window",
    ],
)
def test_a_guard_loads_no_third_party_package(module):
    """Each needs the standard library only."""
    code = (
        f"import sys, chaoskit_guards.{module}; "
        "roots = {m.partition('.')[0] for m in sys.modules}; "
        f"print(sorted(roots & {OTHERS!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


GUARDS = {
    "breaker",
    "budget",
    "cachebench",
    "fit",
    "idempotent",
    "loop",
    "parallel",
    "retry",
    "router",
    "scrub",
    "session_store",
    "stop",
    "tokens",
    "vet",
    "warm",
    "window",
}
COMPOSED = {  # all else stands alone
    "agent": {"budget", "loop", "parallel", "retry", "scrub", "stop", "tokens", "window"},
    "bounded": {"breaker"},
    "fit": {"tokens"},
    "limited": {"tokens"},
    "output": {"tokens", "vet"},
    "router": {"breaker", "tokens"},
    "tool_runner": {"parallel", "scrub"},
    "transport": {"breaker", "budget", "scrub", "tokens"},
    "warm": {"tokens"},
    "cachebench": {"tokens"},  # a prefix knows its size, and so whether it can be cached
    "window": {"tokens"},
}
PARTS = {"retry_run": "retry", "retry_config": "retry", "circuit": "breaker", "route": "router"}


@pytest.mark.parametrize("module", sorted(GUARDS | set(COMPOSED)))
def test_a_guard_loads_no_other_guard_unless_it_is_made_of_it(module):
    """Who uses one pays for one."""
    code = (
        f"import sys, chaoskit_guards.{module}; "
        "print(*(m.partition('.')[2] for m in sys.modules if m.startswith('chaoskit_guards.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    guards = (loaded & (GUARDS | set(COMPOSED))) - {module}
    parts = {PARTS[part] for part in loaded & set(PARTS)} - {module}
    allowed = COMPOSED.get(module, set())

    assert guards == allowed
    assert parts <= allowed | ({"retry"} if module == "transport" else set())


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("AgentLoop", {"clock", "sleep", "async_sleep", "rng"}),
        ("AsyncGuardedTransport", {"clock", "sleep", "async_sleep", "rng"}),
        ("BoundedTools", {"clock"}),
        ("BudgetWindow", {"clock", "sleep", "async_sleep"}),
        ("CacheBenchmark", set()),
        ("CacheWarmer", {"clock", "sleep"}),
        ("CircuitBreaker", {"clock", "rng"}),
        ("FallbackRouter", {"clock", "sleep", "async_sleep", "rng"}),
        ("GuardedTransport", {"clock", "sleep", "async_sleep", "rng"}),
        ("IdempotentTools", {"clock", "sleep", "async_sleep"}),
        ("LimitedTools", set()),
        ("LoopGuard", set()),
        ("MessageWindow", set()),
        ("OutputParser", set()),
        ("ResultLimiter", set()),
        ("SessionStore", {"clock"}),
        ("Scrubber", set()),
        ("StopEvaluator", set()),
        ("ToolRunner", {"clock"}),
        ("Vet", set()),
        ("with_retry", {"clock", "sleep", "async_sleep", "rng"}),
    ],
)
def test_a_guard_is_told_who_listens_and_what_time_it_is(name, takes):
    """As keywords, so that tests own time and chance; each takes what it uses."""
    parameters = inspect.signature(getattr(chaoskit_guards, name)).parameters
    keywords = {key for key, it in parameters.items() if it.kind is it.KEYWORD_ONLY}

    assert keywords >= takes | {"listener"}
    assert keywords & {"clock", "sleep", "async_sleep", "rng"} == takes
