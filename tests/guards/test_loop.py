"""The loop guard: what is a loop, what is not, and what the model is told."""

import pickle
import threading

import pytest

from chaoskit_guards.errors import LoopDetectedError
from chaoskit_guards.loop import LoopGuard


def spin(guard, calls):
    """Record calls until the guard raises; return how many were recorded before."""
    for at, call in enumerate(calls):
        try:
            guard.record(*call)
        except LoopDetectedError as error:
            return at, error
    return len(calls), None


def test_the_fourth_identical_call_raises():
    """Three are fine, the fourth is a loop."""
    done, error = spin(LoopGuard(window_size=8, max_repeats=3), [("look", {"q": "x"})] * 8)
    assert (done, error.kind, error.count, error.level) == (3, "repeat", 4, "block")


def test_the_third_identical_call_is_a_hint():
    """The ladder begins with advice that does not stop the tool."""
    guard = LoopGuard(max_repeats=3)
    levels = [guard.record("look", {"q": "x"}).level for _ in range(3)]
    assert levels == ["ok", "ok", "hint"]


def test_blocks_end_in_stop():
    """A model that does not listen is stopped."""
    guard = LoopGuard(max_repeats=3, raises=False)
    levels = [guard.record("look", {"q": "x"}).level for _ in range(6)]
    assert levels == ["ok", "ok", "hint", "block", "block", "stop"]


@pytest.mark.parametrize(
    "other",
    [
        {"n": 1.0, "q": "  A   b "},
        {"q": "a B", "n": 1, "request_id": "r-2"},
        {"q": "A b", "n": 1, "page": None},
        '{"q": "a b", "n": 1}',
    ],
)
def test_spelling_does_not_make_a_new_call(other):
    """Key order, case, blanks, 1 and 1.0, null, request ids and JSON text are the same call."""
    calls = [("look", {"q": "a b", "n": 1}), ("look", other)] * 2
    assert spin(LoopGuard(), calls)[0] == 3


def test_objects_are_compared_by_what_they_say():
    """Two objects without a text of their own are equal when only the address differs."""

    class Query:
        pass

    assert spin(LoopGuard(), [("look", {"q": Query()}) for _ in range(4)])[0] == 3


@pytest.mark.parametrize("period", [2, 3, 4])
def test_cycles_are_loops(period):
    """The fourth round of the same calls does not begin."""
    calls = [("look", {"q": n}) for n in range(period)] * 6
    done, error = spin(LoopGuard(window_size=8, max_repeats=3), calls)
    assert (3 * period, "cycle" if period > 2 else error.kind) == (done, error.kind)


def test_polling_with_changing_results_is_fine():
    """The same call with a new result each time is progress."""
    guard = LoopGuard()
    for n in range(30):
        guard.record("status", {"job": 7}, result=f"{n} % done")


def test_polling_with_results_brought_later_is_fine():
    """Results may arrive by `observe` after the call was recorded."""
    guard = LoopGuard()
    for n in range(30):
        guard.record("status", {"job": 7})
        guard.observe("status", {"job": 7}, f"{n} % done")


def test_cycles_with_changing_results_are_fine():
    """Polling two jobs in turn is no loop."""
    guard = LoopGuard()
    for n in range(20):
        guard.record("status", {"job": n % 2}, result=f"{n} % done")


REPHRASED = [
    "Acme Corp news",
    "Acme Corp latest news",
    "news about Acme Corp",
    "recent Acme Corp news 2026",
    "Acme news",
]


@pytest.mark.parametrize("nothing", ["", [], {"results": []}, '{"hits": [], "total": 0}', None])
def test_rephrasing_a_search_that_finds_nothing_is_a_loop(nothing):
    """Other words, same emptiness."""
    guard = LoopGuard()
    for query in REPHRASED[:3]:
        guard.record("search", {"query": query}, result=nothing)
    with pytest.raises(LoopDetectedError, match="other words") as caught:
        guard.record("search", {"query": REPHRASED[3]})
    assert caught.value.kind == "rephrased"


def test_different_questions_that_find_nothing_get_more_patience():
    """Twice the patience, then it is fruitless."""
    guard = LoopGuard()
    for word in ["ant", "bee", "cat", "dog", "elk", "fox"]:
        guard.record("search", {"query": word}, result=[])
    with pytest.raises(LoopDetectedError) as caught:
        guard.record("search", {"query": "gnu"})
    assert caught.value.kind == "fruitless"


def test_writing_many_rows_is_no_loop():
    """A tool that answers `ok` to different arguments makes progress."""
    guard = LoopGuard()
    for n in range(30):
        guard.record("insert", {"id": n, "name": f"row {n}"}, result="ok")


def test_a_missing_tool_is_a_loop_whatever_its_arguments():
    """The same error for changing arguments is no progress."""
    guard = LoopGuard()
    for n in range(3):
        guard.record("serch", {"q": str(n)}, result="unknown tool serch", error=True)
    with pytest.raises(LoopDetectedError) as caught:
        guard.record("serch", {"q": "3"})
    assert caught.value.kind == "failing"


def test_parallel_duplicates_count_once():
    """A model that asks twice in one turn has asked once."""
    guard = LoopGuard()
    for turn in range(3):
        for _ in range(4):
            guard.record("look", {"q": "x"}, turn=turn)
    with pytest.raises(LoopDetectedError):
        guard.record("look", {"q": "x"}, turn=3)


def test_old_calls_leave_the_window():
    """Repeats further apart than the window are no loop."""
    guard = LoopGuard(window_size=8, max_repeats=3)
    for n in range(40):
        guard.record("look", {"q": "x"} if n % 4 == 0 else {"q": n})


def test_the_patience_can_differ_by_tool():
    """A tool that is meant to be polled may have its own bound."""
    guard = LoopGuard(window_size=20, per_tool={"poll": 6})
    assert spin(guard, [("poll", {})] * 9)[0] == 6
    assert spin(guard, [("look", {})] * 9)[0] == 3


def test_reset_starts_fresh():
    """The next run owes nothing to the last."""
    guard = LoopGuard()
    spin(guard, [("look", {})] * 4)
    guard.reset()
    assert spin(guard, [("look", {})] * 4)[0] == 3


def test_the_error_survives_pickling_and_keeps_no_arguments():
    """It can cross processes, and what was asked stays out of it."""
    done, error = spin(LoopGuard(), [("look", {"q": "hunter2"})] * 4)
    again = pickle.loads(pickle.dumps(error))
    assert (3, str(error), "look", "block") == (done, str(again), again.tool, again.level)
    assert "hunter2" not in repr(vars(error)) + str(error)


def test_threads_share_one_guard():
    """However the calls interleave, exactly three identical ones pass."""
    guard, passed = LoopGuard(window_size=50, max_repeats=3), []

    def work():
        for _ in range(10):
            try:
                guard.record("look", {"q": "x"})
                passed.append(1)
            except LoopDetectedError:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 3


def test_listeners_hear_every_step():
    """Hints, blocks and stops are told."""
    heard = []
    guard = LoopGuard(raises=False, listener=lambda event: heard.append(event.kind))
    for _ in range(6):
        guard.record("look", {})
    assert heard == ["hint", "block", "block", "stop"]
