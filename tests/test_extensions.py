"""Extensions: of installed distributions, of a project, and named on the command line."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from chaoskit import extensions
from chaoskit.errors import UsageError
from chaoskit.faults import FAULTS
from chaoskit.register import registered_for_a_while

FAULT = """
import chaoskit
from chaoskit.exchange import Refusal


@chaoskit.register_fault
class {name}:
    \"\"\"The provider is being maintained.\"\"\"

    message: str = "Back soon."
    \"\"\"What it says.\"\"\"

    def admit(self, call, strike):
        return Refusal(kind="unavailable", message=self.message)
"""
SCENARIO = """
title = "Maintenance"
workload.prompt = "?"
promises = [{ check = "no_crash" }]
[[faults]]
fault = "maintenance"
message = "Tomorrow."
"""
AGENT = """
import anthropic


def answer(prompt):
    try:
        message = {"role": "user", "content": prompt}
        client = anthropic.Anthropic(max_retries=0)
        client.messages.create(model="claude-sonnet-4-6", max_tokens=9, messages=[message])
    except anthropic.APIStatusError:
        pass
    return "fine"
"""


class Site:
    """A folder on the path of an interpreter with distributions in it, and a project beside it."""

    def __init__(self, path):
        self.path, self.project = path / "site", path / "project"
        self.path.mkdir()
        self.project.mkdir()
        self.write("a.chaos.toml", SCENARIO)
        self.write("agent.py", AGENT)

    def write(self, name, text):
        (self.project / name).write_text(textwrap.dedent(text), encoding="utf-8")

    def install(self, distribution, module, source, *, points=None):
        """Install a distribution as pip leaves it behind: a module and its dist-info."""
        (self.path / f"{module}.py").write_text(source, encoding="utf-8")
        info = self.path / f"{distribution}-1.2.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        (info / "METADATA").write_text(head, encoding="utf-8")
        points = points or {distribution: module}
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        text = f"[chaoskit.extensions]\n{lines}"
        (info / "entry_points.txt").write_text(text, encoding="utf-8")

    def run(self, *words, folder=None):
        """Run the command line in a fresh interpreter."""
        return subprocess.run(
            [sys.executable, "-c", "from chaoskit.cli import main; main()", *words],
            cwd=folder or self.project,
            env={**os.environ, "PYTHONPATH": str(self.path)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.mark.slow
def test_an_installed_distribution_adds_to_the_words_of_scenarios(site):
    """Checked, run, listed, and part of the schema; without a word of configuration."""
    site.install("acme-chaos", "acme_chaos", FAULT.format(name="Maintenance"))

    assert site.run("check", "a.chaos.toml").stdout == "a.chaos.toml: fine (Maintenance)\n"
    done = site.run("run", "a.chaos.toml", "--agent", "agent:answer", "--journal", "out")
    assert (done.returncode, done.stderr) == (0, "")
    (journal,) = (site.project / "out").glob("a.agent-answer.jsonl")
    events = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    (refused,) = [event for event in events if event["event"] == "Refused"]
    assert (refused["status"], refused["message"]) == (503, "Tomorrow.")
    listed = site.run("list", "maintenance").stdout
    assert "maintenance  instead of an answer, of acme_chaos" in listed
    assert 'message: text, "Back soon." unless set. What it says.' in listed
    assert '"const": "maintenance"' in site.run("schema").stdout


@pytest.mark.slow
def test_one_that_cannot_be_imported_is_named_and_the_others_work(site):
    """Whatever it fails on."""
    site.install("acme-chaos", "acme_chaos", FAULT.format(name="Maintenance"))
    site.install("broken-chaos", "broken_chaos", "import no_such_module\n")
    site.install("greedy-chaos", "greedy_chaos", FAULT.format(name="Slow"))

    done = site.run("check", "a.chaos.toml")
    assert (done.returncode, done.stdout) == (0, "a.chaos.toml: fine (Maintenance)\n")
    first, second = done.stderr.splitlines()
    assert first == (
        "warning: the extension 'broken-chaos' (broken_chaos, of broken-chaos 1.2) cannot be used: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert second == (
        "warning: the extension 'greedy-chaos' (greedy_chaos, of greedy-chaos 1.2) cannot be used: "
        "there is a fault called 'slow' already (chaoskit.faults.slow.Slow); choose another name "
        "for greedy_chaos.Slow"
    )


@pytest.mark.slow
def test_a_word_of_a_broken_extension_is_told_with_the_reason(site):
    """It is not there, and that is why."""
    site.install("broken-chaos", "broken_chaos", "import no_such_module\n")
    done = site.run("check", "a.chaos.toml")
    assert done.returncode == 2
    assert "faults[0].fault: there is no fault called 'maintenance' (" in done.stdout
    assert "'broken-chaos' (broken_chaos, of broken-chaos 1.2) cannot be used: " in done.stdout


@pytest.mark.slow
def test_extensions_are_not_imported_unless_they_are_needed(site):
    """Neither by an import nor by a scenario that does without them."""
    site.install("acme-chaos", "acme_chaos", FAULT.format(name="Maintenance"))
    site.write(
        "b.chaos.toml",
        SCENARIO.replace("maintenance", "slow")
        .replace("message", "before")
        .replace('"Tomorrow."', "1"),
    )
    code = (
        "import sys; from pathlib import Path; import chaoskit, chaoskit.scenario as it\n"
        "it.load(Path('b.chaos.toml')); print('acme_chaos' in sys.modules)\n"
        "it.load(Path('a.chaos.toml')); print('acme_chaos' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=site.project,
        env={**os.environ, "PYTHONPATH": str(site.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["words.py", "words"])
def test_a_project_names_its_own(site, name):
    """In its pyproject.toml, by module or file; from a folder below it as well."""
    site.write("words.py", FAULT.format(name="Maintenance"))
    site.write("pyproject.toml", f'[tool.chaoskit]\nextensions = ["{name}"]\n')
    (site.project / "below").mkdir()

    assert site.run("check", "a.chaos.toml").returncode == 0
    assert site.run("check", "../a.chaos.toml", folder=site.project / "below").returncode == 0
    assert "of words" in site.run("list", "maintenance").stdout
    assert '"const": "maintenance"' in site.run("schema").stdout


@pytest.mark.slow
def test_one_is_named_on_the_command_line_and_stands_in_the_line_that_runs_it_again(site):
    """`--extension`, as often as needed."""
    site.write("words.py", FAULT.format(name="Maintenance"))
    site.write(
        "strict.chaos.toml", SCENARIO.replace("no_crash", "every_user_answered") + "sticky = true\n"
    )
    site.write("rude.py", AGENT.replace('return "fine"', "raise ValueError('rude')"))

    assert site.run("check", "a.chaos.toml").returncode == 2
    assert site.run("check", "a.chaos.toml", "-e", "words").returncode == 0
    done = site.run("run", "a.chaos.toml", "--agent", "rude:answer", "--extension", "words.py")
    assert "--extension words.py --seed 0" in " ".join(done.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "the extension 'words' cannot be used: there is no module 'words'"),
        ("1 / 0\n", "the extension 'words' cannot be used: importing words failed:"),
        (FAULT.format(name="Slow"), "cannot be used: there is a fault called 'slow' already"),
    ],
)
def test_one_that_is_named_and_cannot_be_used_ends_the_command(site, source, message):
    """Whoever names it wants it."""
    if source:
        site.write("words.py", source)
    done = site.run("check", "a.chaos.toml", "--extension", "words")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.slow
def test_a_conftest_registers_by_being_imported(site):
    """No more is needed where pytest runs the scenarios."""
    site.write("conftest.py", FAULT.format(name="Maintenance"))
    site.write(
        "test_own.py",
        """
        from pathlib import Path

        import chaoskit


        def test_own_words():
            (rule,) = chaoskit.load(Path("a.chaos.toml")).faults
            assert rule.fault.message == "Tomorrow."
        """,
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_own.py"],
        cwd=site.project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project in which this process stands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with registered_for_a_while():
        yield tmp_path
    sys.modules.pop("nearby_words", None)


def test_a_project_is_found_from_below_and_its_modules_too(here):
    """The nearest that says anything about chaoskit."""
    (here / "nearby_words.py").write_text(FAULT.format(name="Nearby"), encoding="utf-8")
    text = '[tool.chaoskit]\nextensions = ["nearby_words"]\n'
    (here / "pyproject.toml").write_text(text, encoding="utf-8")
    (here / "a" / "b").mkdir(parents=True)
    (here / "a" / "pyproject.toml").write_text('name = "another"\n', encoding="utf-8")
    path = list(sys.path)

    extensions.load_of_project(here / "a" / "b")
    assert "nearby" in FAULTS
    assert path == sys.path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.chaoskit\n", "is not TOML"),
        ('[tool.chaoskit]\nextensions = "words"\n', "must be a list of modules or files"),
        ("[tool.chaoskit]\nextensions = [1]\n", "must be a list of modules or files"),
        ('[tool.chaoskit]\nextensions = ["no/such.py"]\n', "there is no file"),
    ],
)
def test_a_project_that_names_them_wrongly_is_told_so(here, text, message):
    """With the file."""
    (here / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        extensions.load_of_project(here)


@pytest.mark.parametrize("text", ["[tool.other]\nx = 1\n", "[tool.chaoskit]\nagent = 'a:b'\n", ""])
def test_a_project_without_extensions_is_fine(here, text):
    """As most are."""
    (here / "pyproject.toml").write_text(text, encoding="utf-8")
    extensions.load_of_project(here)


@pytest.mark.slow
def test_words_that_only_pytest_knows_are_pointed_out(site):
    """Where a list lacks them, and where a file is wrong without them."""
    site.write("conftest.py", FAULT.format(name="Maintenance"))
    site.write("a.chaos.toml", SCENARIO)
    for words in (["list", "faults"], ["check", "a.chaos.toml"]):
        assert "note: conftest.py registers words that only pytest knows" in site.run(*words).stderr
        named = site.run(*words, "--extension", "conftest.py")
        assert (named.returncode, named.stderr) == (0, "")


@pytest.mark.slow
def test_conftest_without_words_is_not_mentioned(site):
    """Most have none."""
    site.write("conftest.py", "import pytest\n")
    assert site.run("list", "faults").stderr == ""
