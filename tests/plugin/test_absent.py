"""A session that does not use chaoskit does not notice that it is installed."""

import json

import pytest

HEAVY = (
    "pydantic",
    "httpx",
    "httpx2",
    "rich",
    "jsonschema",
    "faker",
    "anthropic",
    "openai",
    "typer",
)


def test_nothing_is_loaded_that_is_not_used(pytester, monkeypatch):
    """No library but pytest's own, and of ours the plugin and what names the agent."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        "import json, pathlib, sys\n"
        "def test_plain():\n"
        "    pathlib.Path('loaded.json').write_text(json.dumps(sorted(sys.modules)))\n"
    )
    result = pytester.runpytest_subprocess("-p", "chaoskit.pytest_plugin")
    result.assert_outcomes(passed=1)
    loaded = json.loads((pytester.path / "loaded.json").read_text())
    assert not [name for name in loaded if name in HEAVY]
    assert {name for name in loaded if name.startswith("chaoskit")} <= {
        "chaoskit",
        "chaoskit.agent",
        "chaoskit.errors",
        "chaoskit.project",
        "chaoskit.pytest_plugin",
        "chaoskit.pytest_plugin.keys",
    }


def test_nothing_is_said_kept_or_changed(pytester, monkeypatch):
    """No header, no summary, no key in the environment, nothing in the cache."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    pytester.makepyfile(
        "import os\nKEY = os.environ.get('ANTHROPIC_API_KEY')\n"
        "def test_plain():\n    assert KEY is None and 'ANTHROPIC_API_KEY' not in os.environ\n"
    )
    result = pytester.runpytest_inprocess("-q", "-p", "no:asyncio")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*chaos*")
    assert not list(pytester.path.glob(".pytest_cache/**/chaoskit*"))


def test_help_has_one_group(pytester):
    """Four options that belong together."""
    result = pytester.runpytest_inprocess("--help", "-p", "no:asyncio")
    result.stdout.fnmatch_lines(
        [
            "chaoskit:*",
            "*--chaos-agent=*",
            "*--chaos-week*",
            "*--chaos-seed=*",
            "*--chaos-journal=*",
        ]
    )
    result.stdout.no_fnmatch_line("*--chaos-only*")
    result.stdout.no_fnmatch_line("*--chaos-named*")


@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("--markers", "@pytest.mark.chaos(**verbs): what goes wrong in this test, *"),
        ("--fixtures", "    A simulated world: the test lives in virtual time, *"),
        ("--fixtures", "    The agent under test: override it *"),
    ],
)
def test_lists_read_like_a_manual(pytester, option, line):
    """What pytest prints of markers and fixtures says how to use them."""
    pytester.runpytest_inprocess(option, "-p", "no:asyncio").stdout.fnmatch_lines([line])
