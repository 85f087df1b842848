"""A server, sessions of it, and a client."""

import httpx2
import pytest

from chaoskit.serving import serving


@pytest.fixture(scope="module")
def running():
    """A server for all tests of the module: each takes a session of its own."""
    with serving() as server:
        yield server


@pytest.fixture
def session(running, request):
    """A session that bears the name of the test."""
    yield running.session(request.node.name)
    running.reset(request.node.name)


@pytest.fixture(scope="module")
def http():
    """A client that trusts no environment."""
    with httpx2.Client(trust_env=False, timeout=10) as client:
        yield client
