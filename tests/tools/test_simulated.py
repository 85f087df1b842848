import asyncio
import json

import pytest

from chaoskit.dotted import Place
from chaoskit.fault import Result
from chaoskit.tool import SimulatedToolError, ToolSettings
from chaoskit.tools.patch import patched
from chaoskit.tools.simulated import SimulatedTool


def search(query, limit=5) -> list:
    return [query] * limit


async def search_later(query: str) -> str:
    if query == "boom":
        raise LookupError("no index")
    return f"found {query}"


def simulated(host, original=search, **settings):
    return SimulatedTool(ToolSettings(name="search", **settings), host, original)


def test_the_result_of_the_settings_comes_back_after_the_latency(host):
    """The host hears of the arguments before and of the result after."""
    assert simulated(host, result=["a"], latency="2s")("q", limit=1) == ["a"]
    assert host.events == [
        ("search", {"query": "q", "limit": 1}),
        (Result(value=["a"]), 2.0, False),
    ]


def test_the_result_is_a_new_object_each_time(host):
    """An agent that changes what it got changes nothing for later."""
    tool = simulated(host, result=[{"a": 1}])
    tool("q")[0]["a"] = 2
    assert tool("q") == [{"a": 1}]


def test_equal_arguments_get_equal_data(host):
    """Different ones get different data."""
    tool = simulated(host)
    assert tool("q") == tool("q")
    assert tool("q") != tool("r")


def test_a_function_that_returns_text_returns_json(host):
    """The annotation `-> str` decides, also as a string."""

    def text(query) -> "str": ...

    assert simulated(host, text, result={"a": ["ü"]})("q") == '{"a": ["ü"]}'
    assert simulated(host, text, result={"a": 1}, returns="value")("q") == {"a": 1}
    assert simulated(host, search, result={"a": 1}, returns="text")("q") == '{"a": 1}'


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), (("a", 1, 2), {}), (("a",), {"size": 2})])
def test_arguments_that_the_function_does_not_take_raise_as_it_would(host, args, kwargs):
    """The body does not run, so nothing is journalled."""
    with pytest.raises(TypeError, match=r"search\(\) "):
        simulated(host)(*args, **kwargs)
    assert host.events == []


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (lambda self, q: 0, (object(), "x"), {}, {"q": "x"}),
        (lambda **rest: 0, (), {"q": "x"}, {"q": "x"}),
        (lambda *rows: 0, (1, 2), {}, {"rows": [1, 2]}),
        (lambda arguments: 0, ({"q": 5},), {}, {"q": 5}),
        (lambda arguments: 0, ("raw",), {}, {"arguments": "raw"}),
        (None, (1,), {"q": 2}, {"arg1": 1, "q": 2}),
        (min, (1, 2), {}, {"arg1": 1, "arg2": 2}),
    ],
)
def test_arguments_are_recorded_by_name(host, function, args, kwargs, expected):
    """As the agent's own function would see them, of whatever type they are."""
    simulated(host, function, result="ok")(*args, **kwargs)
    assert host.events[0] == ("search", expected)


def test_an_error_of_the_settings_is_raised(host):
    """With exactly that text."""
    with pytest.raises(SimulatedToolError, match=r"^index is down$"):
        simulated(host, error="index is down")("q")
    assert host.events[1] == (Result(error="index is down"), 0.0, False)


def test_faults_change_the_result(host):
    """Whatever the host returns is what the agent gets."""
    host.change = lambda result: Result(value=[])
    assert simulated(host, result=["a"])("q") == []
    host.change = lambda result: Result(error="timed out")
    with pytest.raises(SimulatedToolError, match="timed out"):
        simulated(host, result=["a"])("q")


def test_a_real_tool_runs_itself(host):
    """Its result passes the host."""
    assert simulated(host, real=True)("q", 2) == ["q", "q"]
    assert host.events[1] == (Result(value=["q", "q"]), 0.0, False)


def test_the_exception_of_a_real_tool_comes_through_unless_a_fault_changes_it(host):
    """The same object, so that the agent's handlers work."""
    tool = simulated(host, search_later, real=True)
    with pytest.raises(LookupError, match="no index"):
        asyncio.run(tool.awaited("boom"))
    assert host.events[1] == (Result(error="LookupError: no index"), 0.0, True)
    host.change = lambda result: Result(value="fine")
    assert asyncio.run(tool.awaited("boom")) == "fine"


def test_a_plain_real_tool_raises_its_own_exception(host):
    """The message of the journal names its class."""
    with pytest.raises(ZeroDivisionError):
        simulated(host, lambda query: 1 / query, real=True)(0)
    assert host.events[1] == (Result(error="ZeroDivisionError: division by zero"), 0.0, True)


def test_a_failing_start_of_an_awaited_tool_is_its_exception_too(host):
    """A plain function may raise before there is anything to await."""
    with pytest.raises(ZeroDivisionError):
        asyncio.run(simulated(host, lambda query: 1 / query, real=True).awaited(0))


def test_the_repr_names_the_tool(host):
    """Tracebacks and debuggers show it."""
    assert repr(simulated(host)) == "<SimulatedTool search>"


def test_an_async_tool_pauses_the_task(host):
    """Simulated and real alike."""
    tool = simulated(host, search_later, result={"a": 1}, latency=3)
    assert asyncio.run(tool.awaited("q")) == '{"a": 1}'
    assert asyncio.run(simulated(host, search_later, real=True).awaited("q")) == "found q"
    assert (host.time, host.events[1][1]) == (3.0, 3.0)


def test_an_awaitable_of_a_plain_real_tool_is_finished_before_it_is_journalled(host):
    """The journal holds the result, not a coroutine."""
    tool = simulated(host, lambda query: search_later(query[0]), real=True)
    assert asyncio.run(tool(["q"])) == "found q"
    assert host.events[1][0] == Result(value="found q")


def test_a_wire_client_gets_the_result_as_a_value(host):
    """There is no function of an agent behind it."""
    tool = SimulatedTool(ToolSettings(name="search", result=["a"]), host)
    assert tool.respond({"query": 5}) == Result(value=["a"])
    assert host.events[0] == ("search", {"query": 5})


def test_an_agents_function_is_simulated_in_place(host):
    """Patch and simulation together: the real body does not run."""
    settings = ToolSettings(name="search", result={"rows": []})
    place = Place(owner=None, name="search_later", value=search_later)
    with patched(place, lambda original: SimulatedTool(settings, host, original)):
        assert json.loads(asyncio.run(search_later(query="q"))) == {"rows": []}
    assert asyncio.run(search_later("q")) == "found q"
