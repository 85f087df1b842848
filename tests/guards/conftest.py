"""A clock that only moves when somebody sleeps, for every test of a guard."""

import pytest


class FakeClock:
    """Monotonic seconds; `sleep` and `asleep` move it and are remembered."""

    def __init__(self):
        self.now = 1000.0
        self.sleeps = []

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds

    async def asleep(self, seconds):
        self.sleep(seconds)


@pytest.fixture
def clock():
    """A fake clock at 1000 s."""
    return FakeClock()
