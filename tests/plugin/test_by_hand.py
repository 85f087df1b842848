"""Tests that are written by hand: the `chaos` fixture and its marker."""

import xml.etree.ElementTree as ET

import pytest

from chaoskit.faults import FAULTS


@pytest.fixture
def hand(project):
    """Write and run one test that uses the fixture."""

    def run(body, *args, more=""):
        source = f"import pytest, time\nfrom myagent import answer\n{more}\ndef test_it(chaos):\n"
        project.agent().tests(source + "\n".join(f"    {line}" for line in body.splitlines()))
        return project.run(*args)

    return run


def test_time_is_virtual_and_waits_are_exact(hand):
    """Three refusals of seven seconds cost milliseconds."""
    body = """
chaos.rate_limit(calls="1-2", retry_after=7).reply("hello")
began = time.time()
assert answer("x") == "hello"
assert 14 <= time.time() - began < 16
assert 14 <= chaos.clock.now() < 16
assert [call.attempt for call in chaos.calls] == [1, 2, 3]
assert 0 < chaos.cost_usd < 0.01
"""
    hand(body).assert_outcomes(passed=1)


def test_verbs_say_what_the_model_does(hand):
    """Call by call, and then it speaks for itself."""
    body = """
import anthropic
client = anthropic.Anthropic()
tool = {"name": "search_logs", "input_schema": {"type": "object", "properties": {}}}
def ask():
    return client.messages.create(model="claude-sonnet-4-6", max_tokens=99, tools=[tool],
        messages=[{"role": "user", "content": "x"}])
chaos.reply("one", "two").call_tool("search_logs", query=["a", "list"])
assert [ask().content[0].text, ask().content[0].text] == ["one", "two"]
(block,) = ask().content
assert (block.name, block.input) == ("search_logs", {"query": ["a", "list"]})
assert ask().content
"""
    hand(body).assert_outcomes(passed=1)


NEEDED = {
    "injected_instructions": "tool='send_email', ",
    "schema_drift": "tool='search_logs', rename={'query': 'text'}, ",
    "slow": "before=1, ",
    "slow_result": "seconds=1, ",
    "tool_vanished": "tool='search_logs', ",
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_is_a_verb(hand, name):
    """By its name in scenario files, extensions included."""
    result = hand(f"chaos.{name}({NEEDED.get(name, '')}turn=9).allow(unstruck=True)\nanswer('x')")
    result.assert_outcomes(passed=1)


def test_sentences_of_the_manual_work(hand):
    """What the documentation of the fixture says, as it stands there."""
    body = """
chaos.rate_limit(calls="1-3", retry_after=7)
chaos.outage("45m", provider="anthropic", start="1h")
chaos.malform_arguments("wrong_type").cut_stream(after=3).reply("…")
chaos.call_tool("search_logs", query=["…"])
chaos.scenario("day4")
chaos.allow(unstruck=True, silence=True)
"""
    hand(body).assert_outcomes(passed=1)


def test_users_ask_at_the_same_time(hand):
    """Each in a thread of its own; their answers come back in order."""
    body = """
chaos.rate_limit(calls="1", retry_after="1m")
answers = chaos.users(20, answer, prompt="Why, {user}?", arrive="10s")
assert len(answers) == 20 and all(answers)
assert 60 <= chaos.clock.now() < 90
assert len({call.user for call in chaos.calls}) == 20
chaos.verify("every_user_answered", within="2m")
"""
    hand(body).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('chaos.verify("every_user_answered")', "*PromiseBroken: UNKNOWN every turn*"),
        ('chaos.verify("every_user_answerd")', "*did you mean 'every_user_answered'*"),
        ('chaos.scenario("nope")', "*no shipped scenario called 'nope'*"),
        ("chaos.rate_limt(calls=1)", "*did you mean 'rate_limit'*"),
        ("chaos.rate_limit(cals=1)", "*did you mean 'calls'*"),
    ],
)
def test_traceback_ends_in_the_test(hand, line, told):
    """Where the reader can change something; --full-trace shows the rest."""
    result = hand(line)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([told])
    result.stdout.no_fnmatch_line("*chaoskit/*.py*")


def test_users_ask_the_agent_of_the_project(hand):
    """The one that is named, or that the fixture builds."""
    hand("assert all(chaos.users(2)) and chaos.ask('why?')").assert_outcomes(passed=1)


def test_user_whose_agent_failed_has_no_answer(hand):
    """And the test fails, because agents must not crash."""
    body = """
chaos.hang()
assert chaos.users(1, lambda prompt: 1 / 0) == (None,)
chaos.allow(unstruck=True, silence=True)
"""
    result = hand(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*FAIL no turn ends in an exception*"])


def test_scenario_lends_its_world_faults_and_promises(project):
    """The demo agent fails the fourth day by hand as well."""
    project.agent("chaoskit.demo:naive").tests(
        "def test_it(chaos):\n    chaos.scenario('day4')\n    chaos.users(1, prompt='Search for news.')\n"
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["the run was ended: calls: more than 240", "*FAIL each turn stops within 25*"]
    )


def test_tools_and_providers_can_be_set(hand):
    """As in scenario files."""
    body = """
chaos.provider(limits={"requests_per_minute": 1}).model("scripted", turns=[{"text": "yes"}])
assert answer("x") == "yes"
began = chaos.clock.now()
assert answer("y") == "yes"
assert chaos.clock.now() - began > 50
"""
    hand(body).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("chaos.cut_streem()", "*no verb 'cut_streem'*did you mean 'cut_stream'?*"),
        (
            "chaos.rate_limit(retry_aftr=7)",
            "*no setting 'retry_aftr'; did you mean 'retry_after'?*",
        ),
        ("chaos.rate_limit(retry_after='soon')", "*'soon' is not a duration*"),
        ("chaos.rate_limit(calls='some')", "*'some': write 3, '2-3'*"),
        ("chaos.fault('rain')", "*there is no fault called 'rain'*"),
        ("chaos.scenario('day99')", "*no shipped scenario called 'day99'*"),
        ("chaos.promise('every_user_anwered')", "*did you mean 'every_user_answered'?*"),
        ("chaos.users(0)", "*users: must be at least 1*"),
        ("answer('x'); chaos.provider(cache=False)", "*belongs before the first request*"),
    ],
)
def test_mistakes_are_told_with_what_to_write_instead(hand, body, told):
    """Each in one line."""
    hand(body).stdout.fnmatch_lines([told])


def test_marker_has_the_same_words(project):
    """With one value, several, or keywords; on a class and on its tests."""
    project.agent().tests(
        "import pytest, time\nfrom myagent import answer\n"
        "@pytest.mark.chaos(rate_limit={'calls': '1', 'retry_after': 30})\n"
        "class TestAll:\n"
        "    @pytest.mark.chaos(reply='marked')\n"
        "    def test_one(self):\n"
        "        began = time.time()\n"
        "        assert answer('x') == 'marked' and time.time() - began >= 30\n"
        "    @pytest.mark.chaos(reply=['a', 'b'], hang=True, unstruck=True)\n"
        "    def test_two(self, chaos):\n"
        "        chaos.allow(silence=True)\n"
    )
    project.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "word",
    [
        "call_tool={'tool': 'search', 'query': ['a']}",
        "call_tool=['search', {'query': ['a']}]",
        "call_tool=['search', '{\"query\": [\"a\"]}']",
    ],
)
def test_marker_lets_the_model_call_a_tool(project, word):
    """Its arguments are called whatever the tool calls them."""
    project.agent().tests(
        f"import anthropic, pytest\n@pytest.mark.chaos({word}, fault={{'name': 'slow', 'before': 9}})\n"
        "def test_it(chaos):\n"
        "    reply = anthropic.Anthropic().messages.create(model='claude-sonnet-4-6', max_tokens=99,\n"
        "        tools=[{'name': 'search', 'input_schema': {'type': 'object', 'properties': {}}}],\n"
        "        messages=[{'role': 'user', 'content': 'x'}])\n"
        "    assert reply.content[0].input == {'query': ['a']} and chaos.clock.now() > 9\n"
    )
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("chaos('outage')", "*the chaos marker takes keywords only*"),
        ("chaos(outag='1m')", "*outag='1m': there is no verb 'outag'*did you mean 'outage'?*"),
        ("chaos(outage='soon')", "*outage='soon': *'soon' is not a duration*"),
    ],
)
def test_marker_that_is_wrong_is_told(project, marker, told):
    """Before the test runs."""
    project.agent().tests(
        f"import pytest\n@pytest.mark.{marker}\ndef test_it():\n    raise SystemExit\n"
    )
    project.run().stdout.fnmatch_lines([told])


@pytest.mark.parametrize("plugin", ["asyncio", "anyio"])
def test_async_tests_live_in_virtual_time(project, plugin):
    """Their loops are made by other plugins, early or late."""
    project.agent().tests(
        "import anthropic, asyncio, pytest\n"
        "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
        "@pytest.fixture\ndef client():\n    return anthropic.AsyncAnthropic()\n"
        f"@pytest.mark.{plugin}\n"
        "async def test_it(chaos, client):\n"
        "    chaos.rate_limit(calls='1', retry_after='1m').hang(calls='2')\n"
        "    began = asyncio.get_running_loop().time()\n"
        "    reply = await client.with_options(timeout=300).messages.create(\n"
        "        model='claude-sonnet-4-6', max_tokens=9,\n"
        "        messages=[{'role': 'user', 'content': 'x'}])\n"
        "    assert reply.content and len(chaos.calls) == 3\n"
        "    assert 360 <= asyncio.get_running_loop().time() - began < 370\n"
        "    await asyncio.gather(*(asyncio.sleep(3600) for _ in range(5)))\n"
        "    assert 3960 <= chaos.clock.now() < 3970\n"
        "    async def agent(prompt):\n        await asyncio.sleep(9)\n        return prompt\n"
        "    assert chaos.users(3, agent, prompt='so') == ('so',) * 3\n"
    )
    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("backend", ["'trio'", "('trio', {})"])
def test_trio_is_refused_with_what_to_do(project, backend):
    """Before the test begins; on asyncio the same test passes."""
    project.agent().tests(
        "import pytest\nfrom myagent import answer\n"
        f"@pytest.fixture(params=['asyncio', {backend}], ids=['asyncio', 'trio'])\n"
        "def anyio_backend(request):\n    return request.param\n"
        "@pytest.mark.anyio\n@pytest.mark.chaos(reply='yes')\n"
        "async def test_it():\n    assert answer('x') == 'yes'\n"
        "def test_sync(chaos, anyio_backend):\n    assert answer('x')\n"
    )
    result = project.run()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["trio brings its own event loop*", '*return "asyncio"'])
    result.stdout.no_fnmatch_line("*deadlock*")


def test_run_that_exceeds_its_bounds_is_ended(hand):
    """A loop that never ends fails the test instead of hanging it."""
    result = hand("chaos.scenario('day4')\nwhile True:\n    answer('again')")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the run was ended: calls: more than 240", "*again: pytest *"])


def test_nothing_leaves_the_machine(hand):
    """A host that nobody simulates is refused, and nothing is patched afterwards."""
    body = """
import httpx
chaos.allow(silence=True)
with pytest.raises(httpx.ConnectError, match="chaos run is active"):
    httpx.get("https://example.com")
"""
    hand(body).assert_outcomes(passed=1)
    import time

    assert time.time() < 1_893_488_400  # the worlds begin in 2030


def test_failure_of_the_test_itself_tells_the_story(hand):
    """pytest's own comparison, and below it what happened in the world."""
    result = hand("chaos.fail(503, calls=1)\nassert answer('x') == 'y'")
    result.stdout.fnmatch_lines(
        [
            ">   *assert answer('x') == 'y'",
            "E   *AssertionError: assert *",
            "*- chaos -*",
            "what happened to test:",
            "*call 1 to anthropic claude-sonnet-4-6*",
            "*fault: ServerError",
            "again: pytest test_mine.py::test_it --chaos-seed=0",
        ]
    )


@pytest.mark.parametrize(
    "line", ["assert answer('x') == 'y'", "answer('x'); 1 / 0", "chaos.hang()"]
)
def test_junit_has_what_a_failed_test_came_to(hand, line):
    """Whether its body failed or a promise."""
    result = hand(f"answer('x')\n{line}", "--junitxml=junit.xml", "--chaos-seed=3")
    result.assert_outcomes(failed=1)
    (case,) = ET.parse("junit.xml").iter("testcase")
    found = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert int(found["chaos_calls"]) >= 1
    assert float(found["chaos_cost_usd"]) > 0
    assert found["chaos_seed"] == "3"


def test_failure_without_a_story_tells_none(hand):
    """And the end of a run is no exception during another."""
    told = hand("pass").stdout.str()
    assert "no request reached a simulated provider" in told
    assert "what happened" not in told
    told = hand("chaos.scenario('day4')\nwhile True:\n    answer('again')").stdout.str()
    assert "the run was ended: calls: more than 240" in told
    assert "another exception" not in told


LATE = """
import pytest
from myagent import answer

@pytest.fixture
def late(request):
    return request.getfixturevalue("chaos")

@pytest.mark.parametrize("how", ["unstruck", "kept", "failed", "skipped"])
def test_early(late, how):
    live(late, how)

@pytest.mark.parametrize("how", ["unstruck", "kept", "failed", "skipped"])
def test_late(request, how):
    live(request.getfixturevalue("chaos"), how)

def live(chaos, how):
    chaos.rate_limit(calls=9 if how == "unstruck" else 1)
    answer("x")
    if how == "skipped":
        pytest.skip("so be it")
    assert how != "failed"
"""


def test_world_that_is_asked_for_late_is_judged_as_well(project):
    """By name, in a fixture or in the test itself; but not where the test said how it ended."""
    result = project.agent().tests(LATE).run("-rA")
    result.assert_outcomes(passed=3, failed=3, skipped=2, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "FAILED test_mine.py::test_early[[]unstruck] *",
            "FAILED test_mine.py::test_early[[]failed] *",
            "PASSED test_mine.py::test_late[[]unstruck]",
            "ERROR test_mine.py::test_late[[]unstruck] *",
            "FAILED test_mine.py::test_late[[]failed] *",
            "*never struck: RateLimited*",
        ]
    )
