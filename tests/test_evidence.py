"""Which request continues a failed one, and which repeats an earlier one."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from chaoskit.evidence import Earlier, Exchange, chains
from chaoskit.journal import Requested


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


def requested(**changes):
    """A request of which a test says what matters."""
    usual = {
        "at": 0.0, "user": "ada", "turn": 1, "call": 1, "attempt": 1, "provider": "p",
        "dialect": "d", "operation": "generate", "model": "m", "stream": False, "key": "k",
        "digest": "x", "step": "s", "prefix": "f", "messages": 1, "tools": (),
        "prompt_tokens": 9, "max_tokens": None,
    }  # fmt: skip
    return Requested(**usual | changes)


def repeats(first, second):
    """The law: a later request asks for the same thing as an earlier one, unmended."""
    there = ("user", "provider", "model", "operation", "key")
    if any(getattr(first, name) != getattr(second, name) for name in there):
        return False
    if first.digest == second.digest:
        return True
    alike = ("turn", "step", "prefix", "max_tokens")
    return (
        all(getattr(first, name) == getattr(second, name) for name in alike)
        and second.prompt_tokens >= first.prompt_tokens
    )


REQUESTS = st.builds(
    requested,
    digest=st.sampled_from("xyz"),
    model=st.sampled_from("mn"),
    step=st.sampled_from("st"),
    turn=st.integers(1, 2),
    max_tokens=st.sampled_from([None, 5]),
    prompt_tokens=st.integers(1, 3),
)


@given(st.lists(REQUESTS, max_size=20), REQUESTS)
def test_a_request_repeats_what_asks_for_the_same_unmended(found, request):
    """All of them, the latest first."""
    earlier, attempts = Earlier(), [Exchange(request=one) for one in found]
    for one in attempts:
        earlier.add(one)
    law = [one for one in reversed(attempts) if repeats(one.request, request)]
    assert list(map(id, earlier.repeated_by(request))) == list(map(id, law))


class Seen(Exchange):
    """An attempt that counts how often somebody looks at it."""

    looks = 0

    def __getattribute__(self, name):
        Seen.looks += 1
        return super().__getattribute__(name)


def test_many_attempts_that_nobody_repeats_are_not_looked_at():
    """A server that lives for days refuses much for good."""
    earlier = Earlier()
    for number in range(500):
        earlier.add(Seen(request=requested(digest=f"{number}", step=f"{number}")))
    Seen.looks = 0
    for number in range(500, 1_000):
        assert list(earlier.repeated_by(requested(digest=f"{number}", step=f"{number}"))) == []
    assert Seen.looks == 0
