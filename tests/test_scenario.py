"""Scenario files: what they become, and what is said when something is wrong in them."""

import dataclasses
from pathlib import Path

import pytest

from chaoskit.behaviours import Helpful, Stubborn
from chaoskit.bounds import Bounds
from chaoskit.errors import ScenarioError
from chaoskit.faults import FAULTS
from chaoskit.plan import Rule, When
from chaoskit.scenario import load, parse

GOOD = '''\
title = "Rate limits at 6pm"
day = 2
story = """
Twenty users arrive within a minute.
Some "quotes" too."""
needs = ["tools"]

[workload]
users = 20
arrive = "60s"
prompt = "Why did the last deploy fail?"

[provider]
limits = { requests_per_minute = 50, input_tokens_per_minute = 40_000 }

[[tools]]
name = "search_logs"
input = { query = "string" }
result = { from = "faker", rows = 3 }

[[tools]]
name = "fetch"

[[faults]]
fault = "rate_limited"
when = { calls = "2-3" }
retry_after = "9s"
optional = true

[[events]]
at = "1h"
do = "deploy"

[healthy]
provider = { limits = { requests_per_minute = 4_000 } }
tools = [{ name = "fetch", result = { text = "fine" } }]

[[promises]]
check = "every_user_answered"
within = "5m"

[[promises]]
check = "retry_after_honoured"
optional = true
'''

SMALL = """\
title = "t"
[workload]
prompt = "hello"
[[promises]]
check = "every_user_answered"
"""


def problems(text):
    """Return what is said about a text."""
    with pytest.raises(ScenarioError) as caught:
        parse(text, "week.chaos.toml")
    return [str(problem).removeprefix("week.chaos.toml") for problem in caught.value.problems]


def test_a_file_becomes_a_frozen_scenario():
    """Durations are seconds, rules and promises are objects, the name is the file's."""
    scenario = parse(GOOD, "some/where/day2-rate-limits.chaos.toml")
    assert scenario.name == "day2-rate-limits"
    assert scenario.workload.arrive == 60.0
    assert (
        Rule(
            fault=FAULTS["rate_limited"](retry_after=9.0),
            when=When(calls="2-3"),
            optional=True,
        ),
    ) == scenario.faults
    assert scenario.events[0].at == 3600.0
    assert [promise.optional for promise in scenario.promises] == [False, True]
    assert scenario.promises[0].sentence == "every turn is answered within 5m"
    with pytest.raises(dataclasses.FrozenInstanceError):
        scenario.title = "other"


def test_what_is_not_written_is_as_by_default():
    """A title, a question and a promise are a scenario."""
    scenario = parse(SMALL, "small.chaos.toml")
    assert (0, (), (), (), Helpful(), Bounds()) == (
        scenario.day,
        scenario.tools,
        scenario.faults,
        scenario.events,
        scenario.behaviour,
        scenario.bounds,
    )


def test_a_scenario_written_and_read_again_is_equal():
    """`dumps` is the inverse of `parse`."""
    scenario = parse(GOOD, "day2.chaos.toml")
    assert scenario == parse(scenario.dumps(), "day2.chaos.toml")
    assert scenario.dumps() == parse(scenario.dumps(), "day2.chaos.toml").dumps()


def test_a_changed_scenario_is_written_as_it_is_now():
    """What is written is the object, not the file it came from."""
    scenario = dataclasses.replace(parse(GOOD, "a.chaos.toml"), faults=(), title="calm")
    again = parse(scenario.dumps(), "a.chaos.toml")
    assert (again.title, again.faults) == ("calm", ())


def test_the_healthy_scenario_has_no_faults_and_its_overrides():
    """Tables are laid over each other, tools by name; events stay."""
    healthy = parse(GOOD, "day2.chaos.toml").healthy()
    assert healthy.faults == ()
    assert (
        healthy.provider.limits.requests_per_minute,
        healthy.provider.limits.input_tokens_per_minute,
    ) == (4_000, 40_000)
    assert [tool.name for tool in healthy.tools] == ["search_logs", "fetch"]
    assert healthy.tools[1].result.text == "fine"
    assert len(healthy.events) == 1


def test_the_healthy_scenario_promises_what_users_get_only():
    """Nobody can honour a Retry-After that is never sent."""
    healthy = parse(GOOD, "day2.chaos.toml").healthy()
    assert [promise.name for promise in healthy.promises] == ["every_user_answered"]


def test_another_healthy_behaviour_starts_from_its_own_settings():
    """Settings of one behaviour mean nothing to another."""
    text = SMALL + (
        '[behaviour]\nuse = "stubborn"\nobeys_after = 2\n[healthy]\nbehaviour = {use = "helpful"}\n'
    )
    scenario = parse(text, "a.chaos.toml")
    assert (Stubborn(obeys_after=2), Helpful()) == (
        scenario.behaviour,
        scenario.healthy().behaviour,
    )


def test_a_healthy_prompt_takes_the_place_of_prompts():
    """The two exclude each other."""
    text = SMALL + '[healthy]\nworkload = { prompts = ["a", "b"], turns = 2 }\n'
    assert parse(text, "a.chaos.toml").healthy().workload.questions("user-1") == ("a", "b")


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    """One reading finds everything, wherever it is."""
    text = """\
titel = "x"
[workload]
prompt = "hello"
users = 0
[[faults]]
fault = "rate_limted"
[[promises]]
check = "every_user_answered"
within = "soon"
"""
    assert problems(text) == [
        ": title: missing",
        ":1: titel: unknown key (did you mean 'title'?)",
        ":4: workload.users: must be at least 1, not 0",
        ":6: faults[0].fault: there is no fault called 'rate_limted' (did you mean 'rate_limited'?)",
        (
            ":9: promises[0].within: 'soon' is not a duration; write a number of seconds or a text "
            "such as '250ms', '7s', '45m', '1h30m'"
        ),
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            'fault = "outage"\nretry_aftr = 3',
            ".retry_aftr: unknown key (did you mean 'retry_after'?)",
        ),
        ('fault = "outage"\nwen = {}', ".wen: unknown key (did you mean 'when'?)"),
        ('fault = "outage"\ncalls = "2"', ".calls: unknown key (write it inside `when = { … }`)"),
        (
            'fault = "outage"\nwhen = { froom = 3 }',
            ".when.froom: unknown key (did you mean 'from'?)",
        ),
        ('fault = "outage"\nwhen = { from = true }', ".when.from: a duration is a number of"),
        ('fault = "outage"\nwhen = 3', ".when: must be a table, not 3"),
        ('fault = "outage"\noptional = "yes"', ".optional: must be true or false, not 'yes'"),
        ('fault = "outage"\nkinds = ["hagn"]', ".kinds: must be 'overloaded', 'unavailable'"),
        (
            'fault = "outage"\nwhen = { times = 2.5 }',
            ".when.times: must be a whole number, not 2.5",
        ),
        (
            'fault = "outage"\nwhen = { times = "2" }',
            ".when.times: must be a whole number, not '2'",
        ),
        ('fault = "outage"\nwhen = { user = [2.5] }', "user[0]: must be a text or a whole number"),
        ('fault = "outage"\nwhen = { probability = 3 }', ".probability: must be at most 1, not 3"),
        ('fault = "outage"\nretry_after = 07:32:00', ".retry_after: is a date or a time of day"),
        ('fault = "rate_limited"\nlimit = "tokns"', "not 'tokns' (did you mean 'tokens'?)"),
        ("fault = 3", ".fault: must be a text, not 3"),
        ('fault = "outage"\nkinds = []', ".kinds: must not be empty"),
        ('fault = "outage"\nkinds = { hang = 0 }', ".kinds.hang: must be more than 0, not 0"),
        ('fault = "server_error"\nstatus = 418', ".status: must be 500, 502, 503 or 504, not 418"),
        ('fault = "malformed_arguments"\nkind = "nul"', "not 'nul' (did you mean 'null'?)"),
        ('fault = "zzz"', ".fault: there is no fault called 'zzz' (`chaoskit list faults` shows"),
        ("optional = true", ".fault: missing (`chaoskit list faults` shows what there is)"),
    ],
)
def test_a_mistake_in_a_fault_is_told_in_plain_words(more, said):
    """With the key, what is wrong, and a hint where there is one."""
    (problem,) = [item for item in problems(f"{SMALL}[[faults]]\n{more}\n") if said in item]
    assert ": faults[0]" in problem


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[faults]\n", ":6: faults: must be a list of tables, not a table (write [[faults]])"),
        ("[[fault]]\n", ":6: fault: unknown key (did you mean 'faults'?)"),
        ("[[tools]]\n", ":6: tools[0].name: missing"),
        ("tools = 3\n", ":6: promises[0].tools: unknown key"),
        ("[[bounds]]\n", ":6: bounds: must be a table, not a list"),
        ('[[events]]\nat = 0\ndo = "deplyo"\n', "must be 'deploy', not 'deplyo' (did you mean"),
        ('[behaviour]\nuse = "helpfull"\n', "behaviour.use: there is no behaviour called"),
        ("[behaviour]\nobeys_after = 3\n", ":7: behaviour.obeys_after: unknown key"),
        ('[[tools]]\nname = "a"\n[[tools]]\nname = "a"\n', "there is a tool called 'a' already"),
        ("[healthy]\nfaults = []\n", ":7: healthy.faults: cannot be different in the healthy run"),
        (
            "[healthy]\nprovidr = {}\n",
            ":7: healthy.providr: unknown key (did you mean 'provider'?)",
        ),
        ("healthy = 3\n", ": promises[0].healthy: unknown key"),
        (
            "[provider]\nper_model = { m = { windw = 3 } }\n",
            "windw: unknown key (did you mean 'window'?)",
        ),
        ('[[tools]]\nname = ""\n', ":7: tools[0].name: must not be empty"),
        (
            '[behaviour]\nuse = "scripted"\nturns = []\n',
            ":6: behaviour: a script has one turn at least",
        ),
        (
            '[[tools]]\nname = "a"\nresult = { from = "fkr" }\n',
            "result.from: must be 'faker', not 'fkr'",
        ),
        (
            "[healthy.provider.limits]\nrequests_per_minute = 0\n",
            ":7: healthy.provider.limits.requests_per_minute: must be at least 1, not 0",
        ),
        (
            '[[tools]]\nname = "a"\n[[tools]]\nname = "b"\n[[healthy.tools]]\nname = "b"\nreal = 1\n',
            ":12: healthy.tools[0].real: must be true or false, not 1",
        ),
        (
            '[provider]\nper_model = { "m x" = { window = "w" } }\n',
            'per_model."m x".window: must be',
        ),
    ],
)
def test_a_mistake_elsewhere_is_told_in_plain_words(more, said):
    """With the line on which it stands."""
    assert any(said in problem for problem in problems(SMALL + more))


WORLD = '[records.orders]\nrows = [{ id = "A-1" }]\n[[tools]]\nname = "refund"\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            'does = { read = "order" }\n',
            [":10: tools[0].does: there are no records 'order' (did you mean 'orders'?)"],
        ),
        (
            'does = [{ read = "orders" }, { create = "zzz" }]\n',
            [":10: tools[0].does: there are no records 'zzz' (known: orders)"],
        ),
        (
            'does = { remove = "orders" }\n',
            [":10: tools[0].does.remove: unknown key"],
        ),
        (
            'does = { read = "orders", delete = "orders" }\n',
            [":10: tools[0].does: write one of create, read, update, delete, search with the name"],
        ),
        (
            'does = { search = "orders", by = "id" }\n',
            [":10: tools[0].does: `by` is for read, update, delete; search needs no key"],
        ),
        (
            'does = { read = "orders", set = { a = 1 } }\n',
            [":10: tools[0].does: `set` is for create and update; read sets nothing"],
        ),
        (
            'does = { search = "orders", limit = 0 }\n',
            [":10: tools[0].does.limit: must be at least 1, not 0"],
        ),
        (
            'does = { read = "orders" }\nhandler = "a:b"\n',
            [":8: tools[0]: write either `does` or `handler`"],
        ),
        (
            'real = true\ndoes = { read = "orders" }\n',
            [":8: tools[0]: a real tool does what it does; leave out `real`, `does` or `handler`"],
        ),
        ("limit = { calls = 0 }\n", [":10: tools[0].limit.calls: must be at least 1, not 0"]),
        (
            'http = "FETCH https://shop.internal"\n',
            [":8: tools[0]: 'FETCH https://shop.internal' is no route; write a method (GET, POST"],
        ),
        (
            'http = "GET https://shop.internal/{id}/{id}"\n',
            [":8: tools[0]: 'GET https://shop.internal/{id}/{id}': the path names {id} twice"],
        ),
        (
            'http = "GET https://shop.internal/{id"\n',
            ["a place in the path is a name in braces"],
        ),
        (
            'http = "GET https://shop.internal/orders?x=1"\n',
            ["leave out what follows '?'"],
        ),
        (
            'input = { order = "string" }\nhttp = "GET https://shop.internal/{id}"\n',
            [":8: tools[0]: the path of `http` has {id}, which `input` has not"],
        ),
        (
            'http = "GET https://shop.internal/{id}"\npatch = "app:refund"\n',
            ["its HTTP API is simulated, or its function: `http` or `patch`"],
        ),
        ('idempotent_by = "header:"\n', ["name the header: `header:Idempotency-Key`"]),
        (
            (
                'http = "GET https://a.internal/{id}"\n'
                '[[tools]]\nname = "b"\nhttp = "GET https://a.internal/{name}"\n'
            ),
            [":13: tools[1].http: is the route of 'refund' as well"],
        ),
    ],
)
def test_a_mistake_in_the_world_of_tools_is_told_in_plain_words(more, said):
    """With the line on which it stands, and what to write instead."""
    told = problems(SMALL + WORLD + more)
    assert len(told) == len(said)
    assert all(one in problem for one, problem in zip(said, told, strict=True))


def test_records_that_nobody_declared_are_asked_for():
    """With what to write."""
    text = SMALL + '[[tools]]\nname = "a"\ndoes = { read = "orders" }\n'
    assert problems(text) == [
        ":8: tools[0].does: there are no records 'orders' (declare them: [records.orders])"
    ]


def test_a_mistake_in_the_world_is_told_once():
    """The healthy world inherits it, but it is written in one place."""
    text = SMALL + "[provider]\nwindow = 0\n[healthy]\nprovider = { cache = false }\n"
    assert problems(text) == [":7: provider.window: must be at least 1, not 0"]


def test_keys_in_the_wrong_place_are_told_where_to_go():
    """TOML lets a key after a header slip into that section."""
    assert problems("users = 3\n" + SMALL.replace('"hello"\n', '"hello"\nday = 3\n')) == [
        ":1: users: unknown key (it belongs into [workload])",
        ":5: workload.day: unknown key (write it above the first [section])",
    ]


def test_a_healthy_world_that_is_no_table_is_told():
    """And a tool that is none."""
    assert problems(f"healthy = 3\ntools = [4]\n{SMALL}") == [
        ":1: healthy: must be a table, not 3",
        ":2: tools[0]: must be a table, not 4",
    ]


def test_text_that_is_not_toml_is_told_with_its_line():
    """The reader's own words follow."""
    (problem,) = problems('title = "t"\nworkload = \n')
    assert problem.startswith(":2: is not TOML: ")


def test_a_scenario_without_promises_is_told_what_to_write():
    """Nothing to keep is nothing to judge."""
    assert any(
        "promises: missing (write what must hold" in item for item in problems("title = 'a'")
    )


def test_files_that_cannot_be_read_are_problems_too(tmp_path):
    """A missing file and a file that is not text, each with its name."""
    with pytest.raises(ScenarioError, match=r"nowhere\.chaos\.toml: cannot be read: No such file"):
        load(Path("nowhere.chaos.toml"))
    broken = tmp_path / "broken.chaos.toml"
    broken.write_bytes(b'title = "\xff"')
    with pytest.raises(ScenarioError, match=r"is not UTF-8 text \(byte 9\)"):
        load(broken)


def test_a_file_is_read_from_disk(tmp_path):
    """Problems name the file as it was given."""
    path = tmp_path / "small.chaos.toml"
    path.write_text(SMALL, encoding="utf-8")
    assert load(path).name == "small"


def test_overrides_that_do_not_fit_are_told_when_they_are_used():
    """Code can put together what no file could say."""
    scenario = dataclasses.replace(
        parse(SMALL, "a.chaos.toml"), overrides={"workload": {"users": 0}}
    )
    with pytest.raises(
        ScenarioError, match=r"a, healthy: workload\.users: must be at least 1, not 0"
    ):
        scenario.healthy()
