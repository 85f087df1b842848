"""The public names of both packages."""

import json
import subprocess
import sys
from types import ModuleType

import pytest

import chaoskit
import chaoskit_guards


@pytest.mark.parametrize("package", [chaoskit, chaoskit_guards])
def test_what_is_listed_is_what_there_is(package):
    """`__all__` is sorted, complete, and every name in it can be had."""
    assert package.__all__ == sorted(package.__all__)
    assert set(package.__all__) == set(package._HOME)
    for name in package.__all__:
        assert not isinstance(getattr(package, name), ModuleType)


def test_an_unknown_name_is_an_attribute_error():
    """Lazy loading does not change what a misspelt name raises."""
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        chaoskit.rum  # noqa: B018 - it raises


def loaded(statement):
    """The modules that a fresh interpreter has loaded after a statement."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_the_packages_loads_nothing_heavy():
    """Neither package imports an SDK, an HTTP library or a validator until it is used."""
    heavy = {"anthropic", "openai", "httpx", "httpx2", "pydantic", "faker", "genai_prices", "rich"}

    assert not heavy & loaded("import chaoskit")
    assert not (heavy | {"asyncio", "logging"}) & loaded("import chaoskit_guards")


def test_session_of_a_server_begins_without_prices_and_sdks():
    """To load them takes longer than all the rest of the fixture."""
    begin = "from chaoskit.serving import serving\nwith serving() as server: server.begin('t')"

    assert not {"anthropic", "openai", "httpx2", "genai_prices"} & loaded(begin)


def test_help_loads_no_sdk():
    """`chaoskit --help` is quick because it imports no SDK and no price list."""
    modules = loaded("import chaoskit.cli")

    assert not {"anthropic", "openai", "faker", "genai_prices", "chaoskit.run"} & modules
