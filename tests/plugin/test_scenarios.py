"""Scenario files are tests like any other, and so is the shipped week."""

import shlex
import sys
import xml.etree.ElementTree as ET

import pytest

MATRIX = """
[pytest]
marks = ["night"]
matrix = {{ seeds = [1, 2], {axis} = ["claude-sonnet-4-6", "claude-haiku-4-5"] }}
"""
CHOOSY = """
import anthropic


async def answer(prompt, model):
    reply = await anthropic.AsyncAnthropic().messages.create(
        model=model, max_tokens=50, messages=[{"role": "user", "content": prompt}]
    )
    return reply.content[0].text
"""


def names(result):
    """What `--collect-only -q` lists."""
    return [line for line in result.outlines if "::" in line]


def test_file_is_a_test_called_after_it(project):
    """Beside ordinary tests, in any folder under the test paths."""
    project.agent().scenario("night").scenario("deep/er/morning").tests("def test_it(): pass")
    assert sorted(names(project.run("--collect-only"))) == [
        "deep/er/morning.chaos.toml::morning",
        "night.chaos.toml::night",
        "test_mine.py::test_it",
    ]
    project.run().assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("chosen", "ran"),
    [
        (["night.chaos.toml"], ["night"]),
        (["night.chaos.toml::night"], ["night"]),
        (["-k", "morning"], ["morning"]),
        (["-m", "day2"], ["morning", "night"]),
        (["-m", "day3"], []),
        (["--deselect", "morning.chaos.toml"], ["night"]),
        (["."], ["morning", "night"]),
    ],
)
def test_tests_are_chosen_as_usual(project, chosen, ran):
    """By path, node id, word and marker."""
    project.agent().scenario("night").scenario("morning")
    found = names(project.run("--collect-only", *chosen))
    assert [name.rpartition("::")[2] for name in found] == ran


def test_failed_tests_run_again(project):
    """`--lf` and `-x` see scenarios and days of the week alike."""
    project.agent("chaoskit.demo:naive").scenario("good").scenario("bad", calls="1-9")
    first = project.run("bad.chaos.toml", "good.chaos.toml", "chaos-week::day4")
    first.assert_outcomes(failed=2, passed=1)
    again = project.run("bad.chaos.toml", "good.chaos.toml", "chaos-week::day4", "--lf")
    again.assert_outcomes(failed=2)
    project.run("--lf", "-x", "chaos-week", ".").assert_outcomes(failed=1)


@pytest.fixture
def broken_week(project):
    """A project after its week, of which two days failed."""
    failed = '{"chaos-week::day1": true, "chaos-week::day4": true}'
    project.agent("chaoskit.demo:naive").scenario("good")
    return project.file(".pytest_cache/v/cache/lastfailed", failed)


@pytest.mark.parametrize(
    ("args", "ran"),
    [
        (["--lf"], ["chaos-week::day1", "chaos-week::day4"]),
        (["--lf", "-k", "day4"], ["chaos-week::day4"]),
        (["--lf", "-o", "testpaths=."], ["chaos-week::day1", "chaos-week::day4"]),
        (["--lf", "good.chaos.toml"], ["good.chaos.toml::good"]),
        (["--lf", "chaos-week::day4"], ["chaos-week::day4"]),
        ([], ["good.chaos.toml::good"]),
        (["-p", "no:cacheprovider"], ["good.chaos.toml::good"]),
    ],
)
def test_days_that_failed_are_found_by_lf_alone(broken_week, args, ran):
    """Unless something else is named; without it the week is not run."""
    assert names(broken_week.run("--collect-only", *args)) == ran


def test_failed_day_that_is_gone_stops_nobody(broken_week):
    """Its agent has another name now, or there are more."""
    gone = '{"chaos-week::day4[other:agent]": true, "chaos-week::day9": true}'
    broken_week.file(".pytest_cache/v/cache/lastfailed", gone)
    assert names(broken_week.run("--lf", "--collect-only")) == ["good.chaos.toml::good"]


def test_failed_day_runs_again_in_workers(project):
    """And is forgotten when it passes."""
    project.agent("chaoskit.demo:naive").scenario("good").run("chaos-week::day4")
    project.pytester.runpytest_subprocess("-q", "--lf", "-n", "1").assert_outcomes(failed=1)
    project.agent("chaoskit.demo:guarded").run("--lf").assert_outcomes(passed=1)
    assert names(project.run("--lf", "--collect-only")) == ["good.chaos.toml::good"]


@pytest.mark.parametrize(
    "args", [["chaos-week::day4"], ["--chaos-week", "-k", "day4"]], ids=["alone", "beside"]
)
def test_week_asks_the_agent_of_the_only_conftest(project, args):
    """Which is often that of the folder of tests."""
    project.file("tests/test_it.py", "def test_it(): pass").file(
        "tests/conftest.py",
        "import pytest\n@pytest.fixture\ndef place():\n    return 'chaoskit.demo:guarded'\n"
        "@pytest.fixture\ndef chaos_agent(place):\n    return place\n",
    )
    project.run(*args).assert_outcomes(passed=1)


def test_expectations_stand_in_the_file(project):
    """Skipped and expected to fail, each with its reason; an unexpected pass is a failure."""
    project.agent()
    project.scenario("later", more='[pytest]\nskip = "when we have tools"\n')
    project.scenario("known", calls="1-9", more='[pytest]\nxfail = "we do not retry yet"\n')
    result = project.run("-rsx")
    result.assert_outcomes(skipped=1, xfailed=1)
    result.stdout.fnmatch_lines_random(["SKIPPED*when we have tools", "XFAIL*we do not retry yet"])
    project.scenario("known", calls="1", more='[pytest]\nxfail = "we do not retry yet"\n')
    project.run("-o", "xfail_strict=true", "known.chaos.toml").assert_outcomes(failed=1)


def test_matrix_gives_a_test_for_each_combination(project):
    """Seeds, and any keyword that the agent's function takes."""
    project.agent("choosy:answer").file("choosy.py", CHOOSY)
    project.file("pytest.ini", "[pytest]\naddopts = -p no:asyncio\nmarkers = night\n")
    project.scenario(more=MATRIX.format(axis="model"))
    assert names(project.run("--collect-only", "-m", "night"))[::3] == [
        "night.chaos.toml::night[seed1-claude-sonnet-4-6]",
        "night.chaos.toml::night[seed2-claude-haiku-4-5]",
    ]
    project.run("night.chaos.toml::night[seed2-claude-haiku-4-5]").assert_outcomes(passed=1)
    project.run().assert_outcomes(passed=4)


def test_matrix_that_the_agent_does_not_take_is_told(project):
    """With the name of the axis."""
    project.agent().scenario(more=MATRIX.format(axis="modell"))
    result = project.run("-W", "ignore")
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*an axis 'modell', and myagent:answer takes no argument*"])


def test_broken_file_is_told_with_line_and_advice_and_stops_nobody(project):
    """Everything that is wrong in it, and the other tests run."""
    project.agent().scenario("good").tests("def test_it(): pass")
    project.file("bad.chaos.toml", 'title = "x"\n[workload]\nusers = "a"\npromt = "b"\n')
    result = project.run()
    result.assert_outcomes(errors=1, passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*ERROR collecting bad.chaos.toml*",
            "*bad.chaos.toml:3: workload.users: must be a whole number, not 'a'",
            "*bad.chaos.toml:4: workload.promt: unknown key (did you mean 'prompt'?)",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_broken_test_module_stops_as_usual(project):
    """Only scenario files are forgiven."""
    project.agent().scenario("good").tests("import nowhere")
    project.run().assert_outcomes(errors=1)


def test_scenario_that_does_not_apply_is_skipped_with_its_reason(project):
    """The plain agent has no tools."""
    result = project.agent().run("chaos-week::day4", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*the agent offers no tools"])


def test_days_of_the_week_have_ids_of_their_own(project):
    """They can be named alone, beside files, and all at once."""
    project.agent("chaoskit.demo:naive").tests("def test_it(): pass")
    alone = project.run("chaos-week::day4", "chaos-week::day1", "--collect-only")
    assert names(alone) == ["chaos-week::day1", "chaos-week::day4"]
    beside = project.run("test_mine.py", "chaos-week::day4", "--collect-only")
    assert names(beside) == ["test_mine.py::test_it", "chaos-week::day4"]
    everything = names(project.run("--chaos-week", "--collect-only"))
    assert everything == ["test_mine.py::test_it", *(f"chaos-week::day{n}" for n in range(1, 8))]
    assert names(project.run("chaos-week", "--collect-only")) == everything[1:]
    assert names(project.run("--chaos-week", "-m", "day7", "--collect-only")) == everything[-1:]


def test_day_that_does_not_exist_is_told(project):
    """Before anything runs."""
    result = project.agent().run("chaos-week::day9")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*there is no chaos-week::day9; the week has day1, day2*"])


def test_folder_of_that_name_is_the_users(project):
    """A path that exists is a path."""
    project.agent().file("chaos-week/test_own.py", "def test_own(): pass\n")
    assert names(project.run("chaos-week", "--collect-only")) == [
        "chaos-week/test_own.py::test_own"
    ]


def test_workers_run_the_same_tests(project):
    """Under xdist; the scorecard and the broken file are there as well."""
    project.agent("chaoskit.demo:naive").scenario("good").scenario("bad", calls="1-9")
    project.file("broken.chaos.toml", "title = 1\n")
    result = project.pytester.runpytest_subprocess("-q", "-n", "2", ".", "chaos-week::day4")
    result.assert_outcomes(passed=1, failed=2, errors=1)
    result.stdout.fnmatch_lines(["*= chaoskit =*", " day 4  A loop on empty search results*FAIL*"])


def test_junit_has_what_a_scenario_came_to(project):
    """As properties of the test."""
    project.agent().scenario().run("--junitxml=junit.xml")
    (case,) = ET.parse(project.pytester.path / "junit.xml").iter("testcase")
    found = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert found["chaos_scenario"] == "night"
    assert found["chaos_verdict"] == "PASS"
    assert found["chaos_seed"] == "0"
    assert int(found["chaos_calls"]) == 4
    assert float(found["chaos_virtual_seconds"]) > 7


def test_scorecard_is_the_summary(project):
    """One line for each scenario, and what broke under it."""
    project.agent().scenario("good").scenario("bad", calls="1-9")
    project.run().stdout.fnmatch_lines(
        [
            "*= chaoskit =*",
            " day 2  Rate limits at midnight  FAIL*6 calls*14s  myagent:answer",
            "        user-1, turn 1: no answer; the agent failed with anthropic.RateLimitError",
            " day 2  Rate limits at midnight  PASS*4 calls*",
        ]
    )


@pytest.mark.parametrize("how", ["-q", "-v", "--no-header"])
def test_scorecard_where_all_is_well_begins_on_a_line_of_its_own(project, how):
    """Nothing stands between the dots and it."""
    result = project.agent().scenario().pytester.runpytest_inprocess(how)
    result.stdout.fnmatch_lines([" day 2  Rate limits at midnight  PASS*4 calls*"])


def test_failure_tells_promise_finding_story_advice_and_how_to_see_it_again(project):
    """And nothing of how the plugin is built."""
    project.agent().scenario(calls="1-9")
    result = project.run("--chaos-seed=5")
    result.stdout.fnmatch_lines(
        [
            "FAIL day 2: Rate limits at midnight (night)",
            "  FAIL every turn is answered (every_user_answered: 2 findings, 2 judged)",
            "    at 14s: user-1, turn 1: no answer; the agent failed with anthropic.RateLimitError",
            "    What to do: wrap the call in with_retry*",
            "  again: pytest night.chaos.toml::night --chaos-seed=5",
            "what happened to user-1:",
            "    0:00.00  asks: Why?",
            "    0:00.00  call 1 to anthropic claude-sonnet-4-6 (8 tokens)",
            "    0:00.00    fault: RateLimited",
            "    0:00.00    refused: 429 rate_limited, retry after 7 s*",
            "    0:00.00    … 7s pass",
            "    0:14.00  FAILS after 14s: anthropic.RateLimitError*",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin*")
    result.stdout.no_fnmatch_line("*chaoskit/run.py*")


def test_debugger_opens_where_a_test_failed(project):
    """`--pdb` works in the middle of a world."""
    project.agent().tests(
        "from myagent import answer\n"
        "def test_it(chaos):\n    reply = answer('x')\n    assert reply == 'y'\n"
    )
    child = project.pytester.run(
        sys.executable, "-m", "pytest", "--pdb", stdin=b"p len(chaos.calls) + 40\nq\n"
    )
    child.stdout.fnmatch_lines(["*(Pdb) 41*"])


CRASHES = """
import anthropic

client = anthropic.Anthropic(max_retries=0)


def answer(prompt):
    mine = "a" + "gent"
    return ask(prompt)


def ask(prompt):
    inner = "in" + "ner"
    return client.messages.create(
        model="claude-sonnet-4-6", max_tokens=9, messages=[{"role": "user", "content": prompt}]
    ).content[0].text
"""


def test_line_that_reproduces_works_where_pytest_was_started(project, monkeypatch):
    """From a folder below the root, and with the ini file that was named."""
    project.scenario("deep/night", calls="1-9").file(
        "deep/test_low.py",
        "from myagent import answer\n"
        "class TestAll:\n    def test_it(self, chaos):\n        assert answer('x') == 'y'\n",
    )
    project.file("etc/own.ini", "[pytest]\nchaos_agent = myagent:answer\n")
    monkeypatch.chdir(project.pytester.path / "deep")
    given = ("-c", "../etc/own.ini", "--rootdir=..", "-o", "addopts=-p no:asyncio")
    first = project.run(*given, "--chaos-seed=3")
    first.assert_outcomes(failed=2)
    told = [line.partition("again: ")[2] for line in first.outlines if "again: " in line]
    lines = list(dict.fromkeys(told))  # in CI the summary has them whole, too
    assert [line.split()[1] for line in lines] == [
        "night.chaos.toml::night",
        "test_low.py::TestAll::test_it",
    ]
    for line in lines:
        again = project.run(*shlex.split(line)[1:])
        again.assert_outcomes(failed=1)
        assert f"again: {line}" in again.stdout.str()


@pytest.mark.parametrize("kind", ["scenario", "users"])
def test_debugger_opens_where_the_agent_raised(project, kind):
    """In its own code; the frames of libraries below it are left out."""
    project.agent("crashes:answer").file("crashes.py", CRASHES)
    if kind == "scenario":
        project.scenario()
    else:
        project.tests("def test_it(chaos):\n    chaos.rate_limit(calls=1)\n    chaos.users(2)\n")
    said = b"p inner\nup\np mine\nimport time\np time.time() < 1_893_488_400\nq\n"
    child = project.pytester.run(sys.executable, "-m", "pytest", "--pdb", stdin=said)
    over = kind == "scenario"  # and time is real again
    told = "every turn is answered" if over else "no turn ends in an exception"
    child.stdout.fnmatch_lines([f"*FAIL {told}*"])
    child.stdout.fnmatch_lines(
        ["-> return client.messages.create(", "*'inner'", "*'agent'", f"*{over}"]
    )
