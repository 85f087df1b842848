"""Who asks what, and when."""

import pytest
from pydantic import ValidationError

from chaoskit.seed import derive
from chaoskit.workload import Workload


def test_one_user_arrives_in_each_span_of_the_arrival_time():
    """Arrivals are spread evenly, with jitter inside of each span."""
    arrivals = Workload(users=6, arrive="60s", prompt="?").arrivals(derive(0))
    assert [int(at // 10) for at in arrivals] == [0, 1, 2, 3, 4, 5]
    assert len({at % 10 for at in arrivals}) == 6


def test_the_same_seed_gives_the_same_arrivals():
    """Arrivals depend on the generator alone."""
    load = Workload(users=5, arrive=30, prompt="?")
    assert load.arrivals(derive(7)) == load.arrivals(derive(7))
    assert load.arrivals(derive(7)) != load.arrivals(derive(8))


def test_all_arrive_at_once_without_a_time_to_arrive_in():
    """No arrival time, no spread."""
    assert Workload(users=2, prompt="?").arrivals(derive(0)) == (0.0, 0.0)


def test_questions_go_through_the_prompts_and_begin_again():
    """Placeholders are filled in; other braces stay."""
    load = Workload(prompts=("{user} asks {turn}", '{"json": {turn}}'), turns=3)
    assert load.questions("user-2") == ("user-2 asks 1", '{"json": 2}', "user-2 asks 3")


def test_users_are_numbered_from_one():
    """Names are the ones that rules and journals use."""
    assert Workload(users=2, prompt="?").names() == ("user-1", "user-2")


@pytest.mark.parametrize("given", [{}, {"prompt": "a", "prompts": ("b",)}])
def test_a_workload_has_one_prompt_or_several_but_not_both(given):
    """Nothing to ask, or two answers to what is asked, is a mistake."""
    with pytest.raises(ValidationError, match="either `prompt`, or a list"):
        Workload(**given)
