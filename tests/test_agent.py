"""Loading the agent under test."""

import functools
import os
import sys

import pytest

from chaoskit.agent import Agent, load_agent
from chaoskit.errors import AgentNotFound


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder on the path in which modules of an agent can be written."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder, name, text):
    """Write a module."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def test_sync_and_async_callables_are_told_apart():
    """Functions, partials and objects with an async `__call__` are recognised."""

    async def coroutine(prompt):
        return prompt

    class Sync:
        def __call__(self, prompt):
            return prompt

    class Async:
        async def __call__(self, prompt):
            return prompt

    agents = [len, coroutine, functools.partial(coroutine), Sync(), Async()]

    assert [Agent.of(item).is_async for item in agents] == [False, True, True, False, True]


def test_only_the_keywords_of_the_signature_are_passed():
    """An agent gets user, session and history when its signature asks for them."""

    def plain(prompt):
        return prompt

    def wanting(prompt, *, history=(), user=""):
        return prompt

    def anything(prompt, **rest):
        return prompt

    assert Agent.of(plain).keywords == ()
    assert Agent.of(wanting).keywords == ("user", "history")
    assert Agent.of(anything).keywords == ()


def test_dummy_keys_stand_in_the_environment_while_the_agent_is_imported(package, monkeypatch):
    """A client built at import finds a key, and not the real one."""
    real = "real" + "-key"
    monkeypatch.setenv("ANTHROPIC_API_KEY", real)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write(
        package,
        "keyed",
        "import os\nkeys = os.environ['ANTHROPIC_API_KEY'], os.environ['OPENAI_API_KEY']\n"
        "def answer(prompt):\n    return keys\n",
    )

    keys = load_agent("keyed:answer").answer("")

    assert real not in keys
    assert all(keys)
    assert os.environ["ANTHROPIC_API_KEY"] == real
    assert "OPENAI_API_KEY" not in os.environ


def test_startup_is_found_beside_the_agent(package):
    """A module's `startup` belongs to the agent in it."""
    write(package, "warm", "def startup():\n    return 1\ndef answer(prompt):\n    return prompt\n")

    assert load_agent("warm:answer").startup() == 1


def test_a_file_can_be_named(package):
    """`path/to/file.py:callable` works without the folder being importable."""
    folder = package / "elsewhere"
    folder.mkdir()
    write(folder, "mine", "import helper_of_mine\ndef answer(prompt):\n    return 'ok'\n")
    write(folder, "helper_of_mine", "")

    assert load_agent(f"{folder / 'mine.py'}:answer").answer("") == "ok"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("no_colon", "write module:callable"),
        ("there_is_no_such_module:answer", "no module 'there_is_no_such_module'"),
        ("broken:answer", "ZeroDivisionError"),
        ("needy:answer", "No module named 'not_installed_here'"),
        ("lazy:answer", "No module named 'not_installed_here'"),
        ("fine:anwser", "it has answer"),
        ("fine:NUMBER", "not callable"),
        ("nowhere/agent.py:answer", "there is no file"),
    ],
)
def test_a_wrong_name_gets_one_clear_error(package, spec, told):
    """Each mistake in naming an agent says what is wrong."""
    write(package, "broken", "1 / 0\n")
    write(package, "needy", "import not_installed_here\n")
    write(package, "lazy", "def __getattr__(name):\n    import not_installed_here\n")
    write(package, "fine", "NUMBER = 3\ndef answer(prompt):\n    return prompt\n")

    with pytest.raises(AgentNotFound, match=told):
        load_agent(spec)
