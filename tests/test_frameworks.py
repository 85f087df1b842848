"""The runner of real frameworks itself: frameworks, pip and npm are stand-ins here."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "frameworks" / "run.py"
NIGHTLY = RUN.parents[2] / ".ci" / "nightly"
UNREACHED = """
      WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<object at 0x7f>: [Errno 111] Connection refused')': /hatchling/
      ERROR: No matching distribution found for hatchling
error: subprocess-exited-with-error
"""
REFUSED = """
npm error code ECONNREFUSED
npm error FetchError: request to http://127.0.0.1:9/zod failed, reason: connect ECONNREFUSED
"""
CONFLICT = """
ERROR: Cannot install fastmcp and mcp==1 because these package versions conflict.

The conflict is caused by: fastmcp 4.2.3 depends on mcp>=2
ERROR: ResolutionImpossible
"""
HELLO = '{"versions": {}, "apis": ["mcp http"], "can": ["connected"]}'
WAITS = "echo begun >&7; exec sleep 20"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="the stand-ins are scripts of a shell"),
]


def script(path, text):
    """Write a command."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def packaged(tmp_path, hello, then=""):
    """Let pip install a program that says hello, and what it does then."""
    program = f"#!/bin/sh\necho '{hello}'\n{then}"
    install = f"""rm "$4"\ncat > "$4" <<'END'\n{program}\nEND\nchmod +x "$4\""""
    script(tmp_path / "bin" / "python3", install)


def struck(pipe, begin, *numbers):
    """Send signals to what begins and then writes to a pipe; return its exit code and errors."""
    os.mkfifo(pipe)
    process = begin()
    with pipe.open(encoding="utf-8") as heard:
        assert heard.readline() == "begun\n"
        for number in numbers:
            process.send_signal(number)
        _, errors = process.communicate()
        assert heard.read() == "", "all who could have written ended"
    return process.returncode, errors


@pytest.fixture
def begun(tmp_path):
    """Begin a run whose pip and npm are what stands in the folder `bin`."""
    own = tmp_path / "own"
    own.mkdir()
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def begin(*words, program=(sys.executable, str(RUN))):
        return subprocess.Popen(
            [*program, *words],
            env={**os.environ, "PATH": path, "TMPDIR": str(own)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    yield begin
    assert list(own.iterdir()) == [], "nothing is left"


@pytest.fixture
def ran(begun):
    """Run it to its end; return its exit code, its rows, and its errors."""

    def run(*words):
        with begun(*words) as process:
            out, errors = process.communicate()
        return process.returncode, out.splitlines(), errors

    return run


def test_registry_out_of_reach_costs_each_framework_a_line(ran, tmp_path):
    """What is said of the others still counts; the exit code tells."""
    script(tmp_path / "bin" / "python3", f"cat <<'END' >&2\n{UNREACHED}\nEND\nexit 1")
    script(tmp_path / "bin" / "npm", f"cat <<'END' >&2\n{REFUSED}\nEND\nexit 1")
    code, out, errors = ran("mcp_fastmcp", "typescript")
    assert (code, errors) == (1, "")
    fastmcp, typescript = (" ".join(row.split()) for row in out if "FAILED" in row)
    assert fastmcp == (
        "mcp_fastmcp FAILED not installed: no registry, connection broken by "
        "'NewConnectionError('[Errno 111] Connection refused')': /hatchling/"
    )
    assert typescript == (
        "typescript FAILED not installed: no registry, request to http://127.0.0.1:9/zod failed, "
        "reason: connect ECONNREFUSED"
    )
    assert [row.partition(" ")[0] for row in out] == [
        *("mcp_fastmcp", "mcp_fastmcp"),
        *("typescript", "typescript", "0"),
    ]


def test_what_pip_has_against_the_packages_is_told(ran, tmp_path):
    """Its first error stands in the row, the rest below it."""
    script(tmp_path / "bin" / "python3", f"cat <<'END' >&2\n{CONFLICT}\nEND\nexit 1")
    code, out, _ = ran("mcp_fastmcp")
    assert code == 1
    assert "installing fastmcp mcp" in out[0]
    assert "not installed: Cannot install fastmcp and mcp==1 because" in out[1]
    assert "The conflict is caused by: fastmcp 4.2.3 depends on mcp>=2" in out


def test_nothing_that_could_be_asked_is_a_failure(ran, tmp_path):
    """A check that a framework does not have would pass for ever."""
    packaged(tmp_path, HELLO, "cat")
    code, out, errors = ran("mcp_fastmcp", "--check", "tool")
    assert code == 1
    assert out[-1].startswith("0 ok, 0 failed, in ")
    assert "nothing was asked" in errors


def test_program_that_ends_unasked_is_a_failed_row(ran, tmp_path):
    """With what it said at its end, and the next framework has its turn."""
    packaged(tmp_path, HELLO, "exec <&-\necho 'no such module' >&2")
    code, out, errors = ran("mcp_fastmcp", "mcp_langchain")
    assert (code, errors) == (1, "")
    assert [row.split()[0] for row in out if "the program ended" in row] == [
        "mcp_fastmcp",
        "mcp_langchain",
    ]
    assert out.count("no such module") == 2


def test_kept_environment_is_used_as_long_as_it_is_the_right_one(ran, tmp_path):
    """It holds chaoskit of the tree that made it, which may be another."""
    packaged(tmp_path, HELLO)
    kept = tmp_path / "kept"
    theirs = kept / "mcp_fastmcp" / "setup.py"  # of somebody who keeps it beside their own work
    theirs.parent.mkdir(parents=True)
    theirs.touch()

    def installs():
        return "installing" in ran("mcp_fastmcp", "--keep", str(kept))[1][0]

    assert (installs(), installs()) == (True, False)
    assert theirs.exists()
    (mark,) = kept.glob("*/installed")
    mark.write_text(mark.read_text("utf-8").replace(str(RUN.parents[2]), "/elsewhere"), "utf-8")
    assert (installs(), installs()) == (True, False)


def test_proxy_of_the_registries_is_not_asked_for_the_provider(ran, tmp_path, monkeypatch):
    """It has no way to this machine's own loopback."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "intranet.example")
    proxies = """{"upper": "'$NO_PROXY'", "lower": "'$no_proxy'"}"""
    packaged(tmp_path, HELLO.replace("{}", proxies))
    _, out, _ = ran("mcp_fastmcp")
    assert "upper intranet.example,127.0.0.1, lower intranet.example,127.0.0.1" in out[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_that_is_broken_off_leaves_nothing(begun, tmp_path, number):
    """No environment, no files of pip, no process, though only the runner was told."""
    leaves = 'touch "$TMPDIR/pip-unpack"; sleep 20 &'
    script(tmp_path / "bin" / "python3", f"exec 7>{tmp_path / 'pipe'}\n{leaves}\n{WAITS}")
    told = struck(tmp_path / "pipe", lambda: begun("mcp_fastmcp"), number, signal.SIGTERM)
    assert told == (130, "broken off\n")


# Jobs in the background of a script are started deaf to SIGINT, and so would be a shell of theirs.
_DEAF_NO_MORE = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
HEARING = (sys.executable, "-c", _DEAF_NO_MORE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("while_it", ["installs", "asks"])
def test_nightly_that_is_broken_off_leaves_nothing(begun, tmp_path, number, while_it):
    """Its environment goes last, when nobody uses it any more."""
    waits = f"exec 7>{tmp_path / 'pipe'}; {WAITS}"
    runner = f"""echo '#!/bin/sh\n{waits}' > "$4/bin/python"; chmod +x "$4/bin/python\""""
    made = f"""case "$2" in venv) mkdir -p "$4/bin"; {runner} ;; esac"""
    pip = f"""case "$2" in pip) {waits} ;; esac"""
    script(tmp_path / "bin" / "python3", pip if while_it == "installs" else made)
    begin = lambda: begun(program=[*HEARING, "bash", str(NIGHTLY)])  # noqa: E731
    assert struck(tmp_path / "pipe", begin, number) == (-number, "")


def test_strange_name_is_one_clear_error(ran):
    """It says what there is."""
    code, out, errors = ran("lite")
    assert (code, out) == (2, [])
    assert "there is no 'lite'; there are crewai, instructor, langgraph, litellm" in errors
