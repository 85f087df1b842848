"""The loop guard: what is a loop, what is not, and what the model is told."""

import json
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


@pytest.mark.parametrize("name", ["requestId", "Request-Id", "trace_ID", "toolCallId"])
def test_the_style_of_a_name_does_not_hide_it(name):
    """Camel case and dashes are the same volatile argument."""
    assert spin(LoopGuard(), [("look", {"q": "x", name: n}) for n in range(5)])[0] == 3
    guard = LoopGuard(ignore=["my_nonce"])
    assert spin(guard, [("look", {"q": "x", "myNonce": n}) for n in range(5)])[0] == 3


@pytest.mark.parametrize("window", [2, 8])
def test_a_patience_above_the_window_still_ends(window):
    """Thirty polls may be fine; the thirty-first is not."""
    guard = LoopGuard(window_size=window, per_tool={"poll": 30})
    assert spin(guard, [("poll", {})] * 40)[0] == 30


PAGE = "The deploy of service alpha failed at the migration step because of a timeout. " * 4


def test_a_new_call_with_the_same_result_is_no_progress():
    """Other words, same page."""
    guard = LoopGuard()
    for query in REPHRASED[:3]:
        guard.record("search", {"query": query}, result=PAGE)
    with pytest.raises(LoopDetectedError, match="said the same") as caught:
        guard.record("search", {"query": REPHRASED[3]})
    assert caught.value.kind == "unchanged"


def test_the_same_page_for_different_questions_gets_more_patience():
    """And pages that differ are progress for ever."""
    guard, other = LoopGuard(), LoopGuard()
    words = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen"]
    for word in words[:6]:
        guard.record("search", {"query": word}, result=PAGE)
    with pytest.raises(LoopDetectedError):
        guard.record("search", {"query": "gnu"})
    for word in words * 3:
        other.record("search", {"query": word}, result=PAGE + word)


def test_an_acknowledgement_is_not_a_page():
    """Short answers may be the same for every row that is written."""
    guard = LoopGuard()
    for n in range(30):
        guard.record("write", {"path": f"src/file_{n}.py", "text": "x = 1"}, result="File written.")


def test_parallel_duplicates_are_blocked_together():
    """What is not run once is not run twice, either."""
    guard = LoopGuard(raises=False)
    for turn in range(3):
        guard.record("look", {"q": "x"}, turn=turn)
    assert [guard.record("look", {"q": "x"}, turn=9).level for _ in range(3)] == ["block"] * 3
    assert guard.record("look", {"q": "x"}, turn=10).level == "block"


SEARCH = {
    "name": "search",
    "input_schema": {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "default": 10},
            "deep": {"type": "boolean"},
        },
    },
}
SHAPES = [
    SEARCH,
    {"type": "function", "function": {"name": "search", "parameters": SEARCH["input_schema"]}},
    {"type": "function", "name": "search", "parameters": SEARCH["input_schema"]},
    {"functionDeclarations": [{"name": "search", "parameters": SEARCH["input_schema"]}]},
]


@pytest.mark.parametrize("tool", SHAPES)
def test_arguments_are_read_as_the_schema_means_them(tool):
    """A default that is spelled out and a number that is a text are no new call."""
    calls = [
        {"query": "x", "deep": True},
        {"query": "x", "limit": 10, "deep": "true"},
        {"query": "x", "limit": "10", "deep": True},
        {"query": "x", "limit": 10.0, "deep": "True"},
    ]
    assert spin(LoopGuard(tools=[tool]), [("search", args) for args in calls])[0] == 3
    assert spin(LoopGuard(), [("search", args) for args in calls])[0] == 4
    different = [("search", {"query": "x", "limit": n}) for n in range(10, 20)]
    assert spin(LoopGuard(tools=[tool]), different)[1] is None


def test_a_tool_that_does_not_exist_is_told_at_once_and_blocked_soon():
    """The model hears which tools there are; changing arguments or names does not help."""
    guard = LoopGuard(tools=[SEARCH, "look"])
    first = guard.record("serch", {"q": "1"})
    assert (first.level, first.kind) == ("hint", "missing")
    assert "Did you mean search? The tools are: search, look." in first.message
    guard.record("look", {"q": "1"}, "found")
    guard.record("serch", {"q": "2"})
    guard.record("searching", {"q": "3"})
    with pytest.raises(LoopDetectedError) as caught:
        guard.record("serch", {"q": "4"})
    assert caught.value.kind == "missing"


def test_a_tool_without_a_name_is_refused():
    """A definition that says nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="needs a name"):
        LoopGuard(tools=[{"type": "function", "function": {"parameters": {}}}])


def test_calls_can_be_capped():
    """By tool and in all, whatever they bring; blocked calls do not count."""
    guard = LoopGuard(max_calls=6, max_calls_per_tool={"pay": 2}, raises=False)
    levels = [guard.record("pay", {"n": n}, n).kind for n in range(3)]
    levels += [guard.record("look", {"n": n}, n).kind for n in range(5)]
    assert levels == ["", "", "limit", "", "", "", "", "limit"]
    with pytest.raises(ValueError, match="pay"):
        LoopGuard(max_calls_per_tool={"pay": 0})


def test_peeking_notes_nothing():
    """The advice of the next call, as often as one likes."""
    guard = LoopGuard(raises=False)
    for n in range(6):
        seen = [guard.peek("look", {}) for _ in range(5)]
        assert len(guard) == n
        advice = guard.record("look", {})
        assert seen == [advice] * 5


def test_a_snapshot_goes_on_elsewhere():
    """Through JSON, with everything that decides, and without what was asked."""
    one = LoopGuard(raises=False, max_calls_per_tool={"search": 9})
    for query in REPHRASED[:3]:
        one.record("search", {"query": query, "key": "hunter2"}, result=[])
    text = json.dumps(one.snapshot())
    assert "hunter2" not in text
    other = LoopGuard(raises=False, max_calls_per_tool={"search": 9})
    other.restore(json.loads(text))
    for query in REPHRASED[3:]:
        expected = one.record("search", {"query": query})
        assert other.record("search", {"query": query}) == expected
    assert expected.level == "block"
    with pytest.raises(ValueError, match="version"):
        other.restore({"version": 99})


def test_memory_is_bounded():
    """However many calls and tools there are."""
    guard = LoopGuard(max_calls_per_tool={"a": 10**6})
    for n in range(3_000):
        guard.record(f"tool {n}", {"n": n}, result="x" * 500)
    assert len(guard) < 50
    assert len(json.dumps(guard.snapshot())) < 20_000


@pytest.mark.parametrize("tools", [None, ["search"]])
@pytest.mark.parametrize("name", ["sk-ant-" + "Zq8" * 31, "search now, please", "x\n" * 9])
def test_what_stands_in_place_of_a_name_is_not_told(name, tools):
    """Neither to the model nor to a listener: it can be anything, a secret included."""
    heard = []
    guard = LoopGuard(tools=tools, listener=heard.append)
    for _ in range(3):
        guard.record(name, {})
    with pytest.raises(LoopDetectedError) as caught:
        guard.record(name, {})

    told = [str(caught.value), repr(caught.value), caught.value.tool, *map(str, heard)]
    assert not any(name in it for it in told)
