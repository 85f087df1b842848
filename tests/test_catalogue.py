"""Finding scenario files."""

import pytest

from chaoskit.catalogue import find, load_all, shipped, week
from chaoskit.errors import ScenarioError, UsageError

SMALL = 'title = "t"\nworkload.prompt = "?"\npromises = [{ check = "no_crash" }]\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with scenario files, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("day2-b", "day10-c", "sub/day1-a"):
        path = tmp_path / f"{name}.chaos.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SMALL, encoding="utf-8")
    (tmp_path / "other.toml").write_text("x = 1", encoding="utf-8")
    return tmp_path


def names(*wanted):
    """Return the names of what is found."""
    return [found.name for found in find(wanted)]


def test_the_shipped_scenarios_come_in_the_order_of_their_names():
    """Day ten after day two."""
    found = [one.name for one in shipped()]
    assert [name.partition("-")[0] for name in found][:7] == [f"day{n}" for n in range(1, 8)]


def test_every_shipped_scenario_is_right_and_so_is_its_healthy_world():
    """Nothing is shipped that cannot be read."""
    for _, scenario in load_all(shipped()):
        assert scenario.healthy().faults == ()


def test_the_week_is_the_first_seven_days():
    """What follows is run by name."""
    days = [scenario.day for _, scenario in week(load_all(shipped()))]
    assert sorted(set(days)) == list(range(1, 8))


def test_a_shipped_scenario_is_found_by_how_its_name_begins():
    """Whole words first: day1 is not day10."""
    assert names("day2") == [one.name for one in shipped() if one.name.startswith("day2-")]
    assert names(shipped()[0].name) == [shipped()[0].name]


def test_files_folders_and_patterns_are_found(folder):
    """In natural order, each once."""
    assert names("day2-b.chaos.toml") == ["day2-b"]
    assert names("other.toml") == ["other"]
    assert names("*.chaos.toml") == ["day2-b", "day10-c"]
    assert names("**/*.chaos.toml", "day2-b.chaos.toml") == ["day2-b", "day10-c", "day1-a"]
    assert names(str(folder)) == ["day2-b", "day10-c", "day1-a"]
    assert [one.given for one in find([str(folder / "sub" / "*")])] == [
        str(folder / "sub" / "day1-a.chaos.toml")
    ]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("day1-malformed-argument", "day1-malformed-arguments"),
        ("dya7-provider-outage", "did you mean 'day7-provider-outage'"),
        ("zzz", "`chaoskit list` shows the shipped ones"),
        ("*.zzz", "no file matches"),
        ("a" * 5_000, "cannot look for 'a+': File name too long"),
        ("empty", r"there is no \*.chaos.toml in empty"),
    ],
)
def test_what_is_not_found_is_told(folder, wanted, said):
    """With what may have been meant."""
    (folder / "empty").mkdir()
    if wanted == "day1-malformed-argument":
        assert names(wanted) == [said]
        return
    with pytest.raises(UsageError, match=said):
        find([wanted])


def test_the_problems_of_all_files_are_told_together(folder):
    """Not those of the first only."""
    for name in ("bad1", "bad2"):
        (folder / f"{name}.chaos.toml").write_text("x = 1", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_all(find(["bad*"]))
    files = {problem.where.partition(":")[0] for problem in caught.value.problems}
    assert files == {"bad1.chaos.toml", "bad2.chaos.toml"}
