"""The package says what it holds, and loads nothing before it is used."""

import subprocess
import sys

import pytest

import chaoskit_guards


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
        "import sys, chaoskit_guards; "
        "loaded = [m for m in sys.modules if m.startswith('chaoskit_guards.')]; "
        "print(loaded, 'anthropic' in sys.modules, 'asyncio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False False"


@pytest.mark.parametrize("module", ["retry", "breaker", "budget", "router", "vet"])
def test_a_guard_loads_no_third_party_package(module):
    """Each needs the standard library only."""
    code = (
        f"import sys, chaoskit_guards.{module}; "
        "roots = {m.partition('.')[0] for m in sys.modules}; "
        "print(sorted(roots & {'anthropic', 'openai', 'httpx', 'httpx2', 'pydantic', 'chaoskit'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
