"""A breaker against a model of it, through every interleaving that Hypothesis finds."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chaoskit_guards.circuit import Circuit
from chaoskit_guards.errors import CircuitOpenError

THRESHOLD, RECOVERY, LEASE = 3, 60.0, 45.0
ASKED = 20.0


class TooMany(Exception):
    """A refusal that says when to come back."""

    status_code = 429
    headers = {"retry-after": str(ASKED)}  # noqa: RUF012 - read only


class BreakerMachine(RuleBasedStateMachine):
    """Calls overlap, end late or never, and time passes; the model knows only the rules."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.circuit = Circuit(THRESHOLD, RECOVERY, probe_lease=LEASE, clock=lambda: self.now)
        self.running = []
        self.state = "closed"
        self.era = 0
        self.in_a_row = 0
        self.limited = 0
        self.until = 0.0
        self.probe = None

    def change(self, state):
        """Begin a new era; results of earlier ones no longer count."""
        self.state, self.era, self.probe = state, self.era + 1, None
        self.in_a_row = self.limited = 0

    @rule(seconds=st.sampled_from([0.5, 20.0, 44.5, 45.0, 60.0, 100.0]))
    def time_passes(self, seconds):
        """Move the clock."""
        self.now += seconds

    @rule()
    def begin(self):
        """A call asks for admission."""
        expected = True
        if self.state == "open":
            expected = self.now >= self.until
            if expected:
                self.change("half_open")
        if self.state == "half_open":
            expected = self.probe is None or self.now >= self.until
        if not expected:
            with pytest.raises(CircuitOpenError) as caught:
                self.circuit.acquire()
            assert caught.value.retry_after == pytest.approx(self.until - self.now)
            return
        permit = self.circuit.acquire()
        if self.state == "half_open":
            self.era += 1
            self.probe, self.until = permit, self.now + LEASE
        self.running.append((permit, self.era))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["success", "failure", "limited", "abandon"]))
    def end(self, data, how):
        """A call ends, in any order."""
        index = data.draw(st.integers(0, len(self.running) - 1))
        permit, era = self.running.pop(index)
        if how == "limited":
            permit.failure(TooMany())
        else:
            getattr(permit, how)()
        if era != self.era:
            return
        if self.state == "closed":
            self.in_a_row = {"success": 0, "failure": self.in_a_row + 1}.get(how, self.in_a_row)
            self.limited = {"success": 0, "limited": self.limited + 1}.get(how, self.limited)
            if max(self.in_a_row, self.limited) >= THRESHOLD:
                self.change("open")
                self.until = self.now + (ASKED if how == "limited" else RECOVERY)
        elif self.state == "half_open":
            if how == "success":
                self.change("closed")
            elif how in ("failure", "limited"):
                self.change("open")
                self.until = self.now + (ASKED if how == "limited" else RECOVERY)
            else:
                self.probe = None

    @precondition(lambda self: self.running)
    @rule()
    def lose(self):
        """A call never tells how it went."""
        self.running.pop(0)

    @invariant()
    def states_agree(self):
        """An open breaker whose time has passed shows as half-open."""
        shown = "half_open" if self.state == "open" and self.now >= self.until else self.state
        assert self.circuit.state == shown


BreakerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBreakerMachine = BreakerMachine.TestCase
