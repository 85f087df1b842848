import functools
import types

import pytest

from chaoskit.tools.find import find

AGENT = """
import functools, json
from shop_tools import lookup as find_customer, send

TABLE = {"list_orders": lambda user: [], "nested": {"refund": {"handler": send}}}
SPECS = [{"type": "function", "function": {"name": "search_logs"}}, {"name": "track", "fn": send}]

def search_logs(query): return query

half = functools.partial(search_logs, 5)

class Tools:
    def cancel(self, order): return order
    @staticmethod
    def close(order): return order

class Tool:
    def __init__(self, name, func, coroutine=None):
        self.name, self.func, self.coroutine = name, func, coroutine

async def _later(x): return x
weather = Tool("get_weather", lambda city: city, _later)
loads = json.loads
"""
TOOLS = """
def lookup(name): return name
def send(text): return text
def only_here(x): return x
"""


@pytest.fixture
def agent(make_module):
    make_module("shop_tools", TOOLS)
    make_module("shop.other", "def elsewhere(x): return x\nTABLE = {'far': elsewhere}\n")
    return make_module("shop", AGENT)


@pytest.mark.parametrize(
    ("tool", "owner", "name"),
    [
        ("search_logs", "module", "search_logs"),
        ("find_customer", "module", "find_customer"),
        ("lookup", "module", "find_customer"),
        ("half", "module", "half"),
        ("list_orders", "dict", "list_orders"),
        ("refund", "dict", "handler"),
        ("track", "dict", "fn"),
        ("far", "dict", "far"),
        ("elsewhere", "module", "elsewhere"),
        ("cancel", "type", "cancel"),
        ("close", "type", "close"),
    ],
)
def test_the_function_of_a_tool_is_found(agent, tool, owner, name):
    """By its name, by the name it goes by, in tables, in other modules, on classes."""
    (place,) = find(tool, agent)
    assert (type(place.owner).__name__, place.name) == (owner, name)
    assert callable(place.value)


def test_both_functions_of_a_tool_object_are_found(agent):
    """A framework keeps a plain and an async one."""
    assert [place.name for place in find("get_weather", agent)] == ["func", "coroutine"]


@pytest.mark.parametrize("tool", ["absent", "loads", "partial", "Tools", "json", "only_here"])
def test_what_is_not_the_agents_is_not_found(agent, tool):
    """Neither the standard library, nor classes, nor modules of other packages."""
    assert find(tool, agent) == ()


def test_a_function_of_the_agent_under_a_foreign_decorator_is_found(agent):
    """`functools.lru_cache` and its like leave `__wrapped__` behind."""
    agent.cached = functools.lru_cache(agent.search_logs)
    assert [place.name for place in find("cached", agent)] == ["cached"]


def test_objects_with_treacherous_attributes_are_not_asked(agent):
    """A property is not run, and a strange `name` is not compared."""

    class Lazy:
        @property
        def name(self):
            raise AssertionError

    agent.lazy = Lazy()
    agent.strange = types.SimpleNamespace(name=["search"])
    assert find("absent", agent) == ()


FRAMEWORK = """
class Invoker:
    def __init__(self, invoke):
        self._invoke = invoke

    async def __call__(self, context, text):
        return await self._invoke(context, text)

class FunctionTool:
    def __init__(self, name, on_invoke):
        self.name, self.on_invoke = name, on_invoke

def function_tool(function):
    async def invoke(context, text):
        if False:
            later = 1
        lambda: later  # a cell that is never filled
        return function(text)
    return FunctionTool(function.__name__, Invoker(invoke))
"""


def test_function_in_a_closure_of_a_tool_object_is_found(make_module, tmp_path):
    """As frameworks keep it that hand out an object in place of the function."""
    make_module("site_framework", FRAMEWORK)
    agent = make_module(
        "closing",
        "from site_framework import function_tool, FunctionTool, Invoker\n"
        "@function_tool\ndef search_logs(query): return query\n"
        "stranger = FunctionTool('stranger', Invoker(print))\n",
    )
    (place,) = find("search_logs", agent)
    assert (place.value("x"), place.value.__name__) == ("x", "search_logs")
    assert [found.value for found in find("stranger", agent)] == []
