"""Seeds: told, remembered, and the same whatever the order."""

import pytest

SAMPLE = """
import pytest
from myagent import answer


@pytest.mark.parametrize("n", [1, 2, 3])
def test_storm(chaos, n):
    chaos.fault("rate_limited", probability=0.5, retry_after=2).allow(unstruck=True)
    chaos.users(4, answer, arrive="20s", prompt="n")


def test_outage(chaos):
    chaos.outage("10s", times=1)
    chaos.allow(unkept=True)
    chaos.ask("why?", answer)
"""


def journals(project, *args):
    """Run a sample project; return its journals by name, and its outcomes."""
    folder = project.pytester.path / f"journals{len(list(project.pytester.path.iterdir()))}"
    run = project.pytester.runpytest_subprocess if "-n" in args else project.run
    result = run(f"--chaos-journal={folder}", *args)
    return {file.name: file.read_bytes() for file in folder.iterdir()}, result.parseoutcomes()


@pytest.fixture
def sample(project):
    """Scenario files, tests by hand, and a conftest that can reverse the order."""
    project.agent().scenario("night", calls="1-9").scenario("morning").tests(SAMPLE)
    return project.file(
        "conftest.py",
        "def pytest_addoption(parser):\n    parser.addoption('--backwards', action='store_true')\n"
        "def pytest_collection_modifyitems(config, items):\n"
        "    if config.option.backwards:\n        items.reverse()\n",
    )


def test_same_seed_gives_the_same_journals_in_any_order_and_process(sample):
    """Twice, in two workers, and backwards: equal to the byte."""
    first, outcomes = journals(sample)
    assert len(first) == 6
    for args in ((), ("-n", "2"), ("--backwards",)):
        assert journals(sample, *args) == (first, outcomes)


def test_other_seed_gives_another_run(sample):
    """And each test has a seed of its own."""
    first, _ = journals(sample, "-k", "storm")
    other, _ = journals(sample, "-k", "storm", "--chaos-seed=7")
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)
    assert len({text.partition(b"\n")[2] for text in first.values()}) == len(first)


def test_seed_does_not_depend_on_the_path_of_a_test(sample):
    """A file may move; the run stays the same."""
    first, _ = journals(sample, "night.chaos.toml")
    sample.file("moved/night.chaos.toml", (sample.pytester.path / "night.chaos.toml").read_text())
    moved, _ = journals(sample, "moved")
    assert list(first.values()) == list(moved.values())


def test_seed_is_in_the_header_and_can_be_asked_for_again(project):
    """`last` is that of the run before; `random` draws one and tells it."""
    project.agent().scenario()
    drawn = project.pytester.runpytest_inprocess("--chaos-seed=random")
    (line,) = [line for line in drawn.outlines if line.startswith("chaoskit: ")]
    seed = line.rpartition("--chaos-seed=")[2]
    assert seed.isdigit()
    again = project.pytester.runpytest_inprocess("--chaos-seed=last")
    again.stdout.fnmatch_lines([f"chaoskit: agent myagent:answer, --chaos-seed={seed}"])


def test_seed_of_the_project_is_used(project):
    """Unless another is given."""
    project.agent(seed=4).scenario()
    project.pytester.runpytest_inprocess("--chaos-week", "-k", "night").stdout.fnmatch_lines(
        ["chaoskit: agent myagent:answer, --chaos-seed=4"]
    )


@pytest.mark.parametrize("place", ["project", "ini", "conftest", "nowhere"])
def test_seed_is_in_the_header_whoever_names_the_agent(project, place):
    """Once, before anything runs; where nothing is of ours, there is none."""
    if place == "project":
        project.agent()
    if place == "ini":
        project.file(
            "pytest.ini", "[pytest]\naddopts = -p no:asyncio\nchaos_agent = myagent:answer\n"
        )
    if place == "conftest":
        project.file(
            "conftest.py",
            "import pytest\n@pytest.fixture\ndef chaos_agent():\n    return 'myagent:answer'\n",
        )
    if place == "nowhere":
        project.tests("def test_it(): pass")
    else:
        project.scenario()
    told = project.pytester.runpytest_inprocess("--collect-only").outlines
    lines = [line for line in told if "--chaos-seed=" in line]
    agent = "the `chaos_agent` fixture" if place == "conftest" else "myagent:answer"
    line = f"chaoskit: agent {agent}, --chaos-seed=0"
    assert lines == ([] if place == "nowhere" else [line])
    quiet = project.run("--collect-only").stdout.str()
    assert "--chaos-seed" not in quiet


def test_seed_that_is_none_is_told(project):
    """In one line."""
    result = project.run("--chaos-seed=lucky")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--chaos-seed lucky: write a number, `last` or `random`*"])
