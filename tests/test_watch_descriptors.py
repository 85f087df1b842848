"""Watching the file descriptors 1 and 2."""
# ruff: noqa: T201 - agents print

import ctypes
import os
import subprocess
import sys
import warnings

import pytest

from chaoskit.canary import Canaries
from chaoskit.watch import Watch

pytestmark = pytest.mark.skipif(not hasattr(os, "pread"), reason="needs os.pread")
ECHO = "import sys; sys.stdout.write(sys.argv[1]); sys.stderr.write(sys.argv[2])"


class World:
    """A watch with what it tells."""

    def __init__(self, **more):
        self.canaries, self.events = Canaries(7), []
        self.secret = self.canaries.make("tool-argument/ann")
        self.watch = Watch(
            self.canaries, self.events.append, lambda: ("bob", 1), lambda: 2.5, **more
        )

    def seen(self):
        return [(event.channel, event.where) for event in self.events]


@pytest.fixture
def world():
    return World()


def child(out="", err=""):
    subprocess.run([sys.executable, "-c", ECHO, out, err], check=True)


def test_a_child_process_is_seen_and_its_output_still_comes_out(world, capfd):
    """The owner of the secret is who it is told of; whose turn it was is not known."""
    with world.watch:
        child(out=f"key={world.secret}", err="fine")
    assert world.seen() == [("stdout", "file descriptor 1")]
    assert (world.events[0].user, world.events[0].turn) == ("ann", 0)
    assert tuple(capfd.readouterr()) == (f"key={world.secret}", "fine")


def test_writes_to_the_descriptor_in_pieces_are_seen(world, capfd):
    """By `os.write`, on the error side."""
    with world.watch:
        os.write(2, world.secret[:20].encode())
        world.watch.seen("answer", "between two turns")
        os.write(2, b"\n" + world.secret[20:].encode())
    assert world.seen() == [("stderr", "file descriptor 2")]
    assert f"{world.secret[:20]}\n{world.secret[20:]}" == capfd.readouterr().err


def test_it_is_told_when_a_turn_ends(world, capfd):
    """And once."""
    with world.watch:
        os.write(1, world.secret.encode())
        world.watch.seen("answer", "done")
        assert world.seen() == [("stdout", "file descriptor 1")]
    assert len(world.events) == 1


def test_c_code_is_seen(world, capfd):
    """It knows nothing of `sys.stdout`."""
    with world.watch:
        libc = ctypes.CDLL(None)
        libc.puts(world.secret.encode())
        libc.fflush(None)
    assert world.seen() == [("stdout", "file descriptor 1")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("quiet", [True, False])
def test_a_forked_process_is_seen(capfd, quiet):
    """It prints as its parent does, and cannot tell its parent."""
    world = World(quiet=quiet)
    with world.watch, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking where there are threads
        pid = os.fork()
        if not pid:
            try:
                print(world.secret, flush=True)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
    assert world.seen() == [("stdout", "file descriptor 1")]
    assert (world.secret in capfd.readouterr().out) == (not quiet)


def test_quiet_holds_it_back(capfd):
    """What was captured names the secret instead of showing it."""
    world = World(quiet=True)
    with world.watch:
        child(out=world.secret)
        print("and a line")
    assert tuple(capfd.readouterr()) == ("", "")
    assert "<canary tool-argument/ann>" in world.watch.captured
    assert "and a line\n" in world.watch.captured


def test_a_stream_that_has_to_pass_at_once_leaves_its_descriptor_alone(world, capfd, monkeypatch):
    """A debugger's prompt does not wait for the end of the turn."""
    with os.fdopen(os.dup(1), "w") as unlike, os.fdopen(1, "w", closefd=False) as direct:
        monkeypatch.setattr(sys, "stdout", direct)
        with world.watch:
            print(world.secret, end="", flush=True)
            assert world.secret == capfd.readouterr().out
            child(out=world.secret)
        (event,) = world.events
        assert event.where.startswith("test_watch_descriptors.py:")
        monkeypatch.setattr(sys, "stdout", unlike)
        with world.watch:
            child(out=world.secret)
    assert world.seen()[1:] == [("stdout", "file descriptor 1")]


def test_a_stream_that_an_agent_saved_before_any_run_is_seen_by_its_descriptor(capfd, monkeypatch):
    """It knows nothing of the stand-in."""
    world = World(quiet=True)
    with os.fdopen(1, "w", closefd=False) as saved:
        monkeypatch.setattr(sys, "stdout", saved)
        with world.watch:
            saved.write(world.secret)
    assert world.seen() == [("stdout", "file descriptor 1")]
    assert capfd.readouterr().out == ""


def test_a_descriptor_that_is_closed_is_no_obstacle(world):
    """A daemon has none."""
    saved = os.dup(2)
    os.close(2)
    try:
        with world.watch:
            os.dup2(saved, 2)
    finally:
        os.dup2(saved, 2)
        os.close(saved)
    assert world.events == []


def test_letters_that_arrive_in_halves_are_letters(capfd):
    """A read may end within one."""
    world = World(quiet=True)
    with world.watch:
        os.write(1, "é".encode()[:1])
        world.watch.seen("answer", "")
        os.write(1, "é".encode()[1:])
    assert world.watch.captured == "é"


def test_as_many_descriptors_are_open_afterwards_as_before(world, capfd):
    """Also after many runs."""
    before = os.dup(0)
    os.close(before)
    for _ in range(20):
        with world.watch:
            child() if _ == 0 else os.write(1, b"x")
    after = os.dup(0)
    os.close(after)
    assert before == after
