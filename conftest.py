"""This repository's own tests: the same examples every time, and no network but this machine's."""

import ipaddress
import os
import socket

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=False)
settings.register_profile("search", max_examples=1_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(autouse=True, scope="session")
def _loopback_only():
    """A test that reaches for another machine fails, whatever it tests."""
    connect = socket.socket.connect

    def guarded(sock, address):
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            assert ipaddress.ip_address(address[0]).is_loopback, f"a test reached for {address}"
        return connect(sock, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield
