import sys
import types

import pytest

from chaoskit.behaviour import Scene
from chaoskit.behaviours import Function
from chaoskit.errors import UsageError
from chaoskit.exchange import Call, Reply, Text
from chaoskit.seed import derive


def ask(path):
    scene = Scene(rng=derive(1), user="user-1", turn=3, step=0)
    return Function(path=path).reply(Call(dialect="a", provider="a", model="m"), scene)


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("behaviours_of_mine")
    made.text = lambda call, scene: f"{call.model} in turn {scene.turn}"
    made.reply = lambda call, scene: Reply(content=(), stop="refusal")
    made.wrong = lambda call, scene: 5
    made.constant = 5
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return made.__name__


def test_a_text_becomes_the_answer(module):
    """The short way."""
    assert Reply(content=(Text("m in turn 3"),)) == ask(f"{module}:text")


def test_a_reply_is_passed_on(module):
    """The full way."""
    assert ask(f"{module}:reply").stop == "refusal"


@pytest.mark.parametrize("name", ["wrong", "constant", "absent"])
def test_what_is_no_behaviour_is_the_users_mistake(module, name):
    """The message names the path."""
    with pytest.raises(UsageError, match=f"{module}:{name}"):
        ask(f"{module}:{name}")


@pytest.mark.parametrize("path", ["nowhere", "no.such.module:x", ":x", "json:"])
def test_a_path_that_leads_nowhere_is_the_users_mistake(path):
    """Also when it is no path at all."""
    with pytest.raises(UsageError):
        ask(path)
