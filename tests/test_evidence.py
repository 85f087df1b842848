"""Chains of attempts: which request continues which failed one."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.evidence import chains


@dataclass
class Asked:
    """What chains look at of a request."""

    at: float
    user: str = "ada"
    turn: int = 1
    operation: str = "generate"
    step: str = "s"


@dataclass(eq=False)
class Attempt:
    """An exchange that counts how often somebody asks when it ended."""

    request: Asked
    until: float
    failed: bool
    looks: list[int] = field(default_factory=list)

    @property
    def ended(self):
        self.looks.append(1)
        return self.until


def by_definition(found):
    """The law: a chain goes on with the one, of those that had failed by then, that failed last."""
    made, waiting = [], []
    for one in found:
        before = [
            chain
            for chain in waiting
            if chain[-1].until <= one.request.at
            and (chain[-1].request.user, chain[-1].request.step)
            == (one.request.user, one.request.step)
        ]
        if before:
            chain = max(before, key=lambda them: them[-1].until)
            waiting.remove(chain)
            chain.append(one)
        else:
            chain = [one]
            made.append(chain)
        if one.failed:
            waiting.append(chain)
    return made


TIMES = st.integers(0, 12).map(float)
ATTEMPTS = st.lists(
    st.tuples(
        TIMES, st.integers(0, 6).map(float), st.booleans(), st.sampled_from("ab"), st.booleans()
    ),
    max_size=25,
)


@given(ATTEMPTS, st.booleans())
def test_a_request_continues_what_failed_last_before_it(drawn, in_order):
    """Also where equal times meet, and where threads report out of order."""
    if in_order:
        drawn = sorted(drawn, key=lambda one: one[0])
    found = [
        Attempt(Asked(at, user=user, step="s" if same else "t"), at + lasts, failed)
        for at, lasts, failed, user, same in drawn
    ]
    assert chains(found) == by_definition(found)


def test_many_failures_that_nobody_retried_are_looked_at_once():
    """A server that lives for days meets clients that never come back."""
    found = [Attempt(Asked(float(at)), at + 0.5, failed=at % 2 == 0) for at in range(1_000)]
    slow = [Attempt(Asked(0.0), 1e9, failed=True) for _ in range(1_000)]
    made = chains([*slow, *found])
    assert sum(len(one.looks) for one in (*slow, *found)) <= 2 * len(slow + found)
    assert len(made) == len(slow) + len(found) // 2
