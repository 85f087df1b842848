"""Laws of the world that tools work on: a plain model predicts it, whatever goes wrong.

Calls of tools that create, read, change, remove and look for records are made in any order, each
of them under a fault or none, while time passes. The model is a dict, and its earlier copies.
"""

import copy
import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chaoskit.agent import Agent
from chaoskit.behaviours import Helpful
from chaoskit.canary import Canaries
from chaoskit.faults import (
    DuplicateDelivery,
    ErrorResult,
    PartialWrite,
    SchemaDrift,
    SlowResult,
    StaleRead,
    TimeoutAfterEffect,
    ToolVanished,
)
from chaoskit.journal import Changed, RanTool
from chaoskit.plan import Plan, PlanState, Rule
from chaoskit.provider.service import Service
from chaoskit.provider.settings import ProviderSettings
from chaoskit.provider.tokens import TokenCounter
from chaoskit.records import CollectionSettings, Records
from chaoskit.tool import ToolSettings
from chaoskit.toolbox import Toolbox
from chaoskit.world import World

ROWS = ({"id": "a", "n": 0, "word": "red"}, {"id": "b", "n": 1, "word": "blue green"})
KEYS = st.sampled_from(["a", "b", "c", "d", "item-0-1", "item-0-2"])
NUMBERS = st.integers(0, 3)
WORDS = st.sampled_from(["red", "blue", "green blue", "none"])
FIELDS = st.fixed_dictionaries({}, optional={"n": NUMBERS, "word": WORDS})
MARKS = st.sampled_from([None, None, "once", "twice"])

CREATE = {"id": "string?", "n": "integer?", "word": "string?", "mark": "string?"}
TOOLS = (
    ToolSettings(name="create", input=CREATE, does={"create": "items"}, idempotent_by="mark"),
    ToolSettings(name="read", input={"id": "string"}, does={"read": "items"}),
    ToolSettings(
        name="update",
        input={"id": "string", "n": "integer?", "word": "string?"},
        does={"update": "items"},
    ),
    ToolSettings(name="delete", input={"id": "string"}, does={"delete": "items"}),
    ToolSettings(
        name="search", input={"text": "string?", "n": "integer?"}, does={"search": "items"}
    ),
    ToolSettings(
        name="sell",
        input={"id": "string", "n": "integer"},
        does=[
            {"update": "items", "set": {"word": "sold"}},
            {"create": "sales", "set": {"item": "{id}", "n": "{n}", "id": None}},
        ],
    ),
)
DRIFT = SchemaDrift(tool="*", require={"new": "string"})
FAULTS = st.one_of(
    st.none(),
    st.none(),
    st.builds(TimeoutAfterEffect),
    st.builds(DuplicateDelivery, times=st.integers(2, 3)),
    st.builds(
        PartialWrite,
        share=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
        error=st.sampled_from(["", "broke off"]),
    ),
    st.builds(StaleRead, age=st.sampled_from([0.5, 1.0, 5.0, 60.0])),
    st.builds(ErrorResult),
    st.builds(SlowResult, seconds=st.just(3)),
    st.builds(ToolVanished, tool=st.just("*")),
)


class ByHand:
    """A clock that a test moves."""

    name, scale, stopped = "by hand", 1.0, ""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def wall(self):
        return 1e9 + self.time

    def stop(self, reason):
        raise AssertionError(reason)


def toolbox_of(clock, events, *, seed=1, count=0):
    canaries = Canaries(seed)
    world = World(
        service=Service(ProviderSettings(), counter=TokenCounter()),
        behaviour=Helpful(),
        plan=PlanState(Plan(seed=seed), canary=canaries.make),
        canaries=canaries,
        clock=clock,
        seed=seed,
        max_calls=10**6,
        max_usd=1e6,
        emit=events.append,
    )
    made = CollectionSettings(rows=ROWS, count=count, fields={"n": "random_digit", "word": "word"})
    return world, Toolbox(
        declared=TOOLS,
        records=Records({"items": made, "sales": CollectionSettings()}, seed=seed),
        agent=Agent(name="nobody", answer=str, is_async=False),
        world=world,
        seed=seed,
    )


class Refused(Exception):
    """The model says that a call fails."""


class Model:
    """What should be there: the records of each collection, by key, oldest first."""

    def __init__(self):
        self.now = {"items": {row["id"]: dict(row) for row in ROWS}, "sales": {}}
        self.used = {"items": list(self.now["items"]), "sales": []}  # in order of appearance
        self.made = {"items": 0, "sales": 0}
        self.past = [(-math.inf, copy.deepcopy(self.now))]
        self.done = {}

    def kept(self, time):
        self.past.append((time, copy.deepcopy(self.now)))

    def at(self, time):
        return next(then for since, then in reversed(self.past) if since <= time)

    def create(self, collection, fields):
        fields = {name: value for name, value in fields.items() if value is not None}
        if "id" not in fields:
            while True:
                self.made[collection] += 1
                key = f"{collection[:-1]}-0-{self.made[collection]}"
                if key not in self.used[collection]:
                    break
            fields = {"id": key, **fields}
        if fields["id"] in self.now[collection]:
            raise Refused
        if fields["id"] not in self.used[collection]:  # else it stands where it stood
            self.used[collection].append(fields["id"])
        self.now[collection][fields["id"]] = dict(fields)
        return fields

    def run(self, tool, arguments, share, then):
        """Do it once; return what it says."""
        rest = {name: value for name, value in arguments.items() if name != "mark"}
        mark = arguments.get("mark")
        if mark is not None and mark in self.done:
            return self.done[mark]
        value = self.work(tool, rest, share, then)
        if mark is not None:
            self.done[mark] = copy.deepcopy(value)
        return value

    def work(self, tool, arguments, share, then):
        key = arguments.get("id")
        fields = {name: value for name, value in arguments.items() if name != "id"}
        if tool == "read":
            return found(then["items"], key)
        if tool == "search":
            wanted = set(arguments.get("text", "").split())
            records = [then["items"].get(one) for one in self.used["items"]]
            fits = [
                one
                for one in filter(None, records)
                if "n" not in arguments or one.get("n") == arguments["n"]
            ]
            if wanted:
                words = [(len(wanted & words_of(one)), one) for one in fits]
                fits = [one for count, one in sorted(words, key=lambda p: -p[0]) if count]
            return fits
        if share == 0:
            return None
        if tool == "sell":
            if share < 0.5:
                return None
            item = found(self.now["items"], key)
            item["word"] = "sold"
            if share < 1:
                return dict(item)
            return self.create("sales", {"item": key, "n": arguments["n"]})
        if tool == "create":
            return self.create("items", first(arguments, share))
        item = found(self.now["items"], key)
        if tool == "delete":
            return self.now["items"].pop(key)
        item.update(first(fields, share))
        return dict(item)


def found(records, key):
    if key not in records:
        raise Refused
    return records[key]


def first(fields, share):
    return dict(list(fields.items())[: math.ceil(share * len(fields))])


def words_of(record):
    return {word for value in record.values() for word in str(value).split()}


class Interleaving(RuleBasedStateMachine):
    """Any calls in any order, each under a fault or none."""

    @initialize()
    def begin(self):
        self.clock, self.events = ByHand(), []
        self.world, self.toolbox = toolbox_of(self.clock, self.events)
        self.model = Model()

    @rule(seconds=st.sampled_from([0.25, 1.0, 4.0, 100.0]))
    def pass_time(self, seconds):
        self.clock.time += seconds

    @rule(fields=FIELDS, key=st.none() | KEYS, mark=MARKS, fault=FAULTS)
    def create(self, fields, key, mark, fault):
        named = {} if key is None else {"id": key}
        marked = {} if mark is None else {"mark": mark}
        self.call("create", {**named, **fields, **marked}, fault)

    @rule(key=KEYS, fault=FAULTS)
    def read(self, key, fault):
        self.call("read", {"id": key}, fault)

    @rule(key=KEYS, fields=FIELDS, fault=FAULTS)
    def update(self, key, fields, fault):
        self.call("update", {"id": key, **fields}, fault)

    @rule(key=KEYS, fault=FAULTS)
    def delete(self, key, fault):
        self.call("delete", {"id": key}, fault)

    @rule(wanted=st.fixed_dictionaries({}, optional={"text": WORDS, "n": NUMBERS}), fault=FAULTS)
    def search(self, wanted, fault):
        self.call("search", wanted, fault)

    @rule(key=KEYS, number=NUMBERS, fault=FAULTS)
    def sell(self, key, number, fault):
        self.call("sell", {"id": key, "n": number}, fault)

    @rule(tool=st.sampled_from(["read", "update", "sell"]), key=NUMBERS)
    def violate_the_schema(self, tool, key):
        self.world.plan = PlanState(Plan(seed=1), canary=str)
        result = self.toolbox.respond(tool, {"id": key})
        assert "input validation error" in result.error
        assert result.kind == "invalid_request"

    def call(self, tool, arguments, fault):
        rules = () if fault is None else (Rule(fault=fault),)
        self.world.plan = PlanState(Plan(rules=rules, seed=1), canary=str)
        before, count = copy.deepcopy(self.model.now), len(self.events)
        result = self.toolbox.respond(tool, arguments)
        value, failed = self.predicted(tool, arguments, fault)
        self.compare(result, value, failed, fault)
        self.model.kept(self.clock.time)
        events = self.events[count:]
        assert len([one for one in events if isinstance(one, RanTool)]) == 1
        if self.model.now != before:
            assert [one for one in events if isinstance(one, Changed)]

    def predicted(self, tool, arguments, fault):
        """Return what the tool says, and whether it fails."""
        if isinstance(fault, ToolVanished):
            return None, True
        share = fault.share if isinstance(fault, PartialWrite) else 1.0
        age = fault.age if isinstance(fault, StaleRead) else 0.0
        then = self.model.at(self.clock.time - age) if age else self.model.now
        value, failed = None, False
        for _ in range(fault.times if isinstance(fault, DuplicateDelivery) else 1):
            try:
                value, failed = self.model.run(tool, arguments, share, then), False
            except Refused:
                value, failed = None, True
        return copy.deepcopy(value), failed

    def compare(self, result, value, failed, fault):
        if isinstance(fault, TimeoutAfterEffect):
            assert result.lost
        elif isinstance(fault, PartialWrite) and fault.error:
            assert result.error == fault.error
        elif failed:
            assert result.error is not None
        elif isinstance(fault, ErrorResult):
            assert result.error == fault.error
        else:
            assert (result.error, result.value) == (None, value)
            assert result.seconds == (3 if isinstance(fault, SlowResult) else 0)

    @invariant()
    def the_state_is_the_model(self):
        if not hasattr(self, "model"):
            return
        for name, records in self.model.now.items():
            seen = self.toolbox.records.all(name)
            assert sorted(seen, key=json.dumps) == sorted(records.values(), key=json.dumps)
            keys = [record["id"] for record in seen]
            assert len(keys) == len(set(keys))


Interleaving.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestInterleaving = Interleaving.TestCase


@given(seed=st.integers(0, 2**32), other=st.integers(0, 2**32), count=st.integers(0, 8))
def test_same_seed_gives_the_same_records(seed, other, count):
    """And no other collection has a part in it."""
    made = CollectionSettings(count=count, fields={"who": "name", "town": "city"})
    more = CollectionSettings(count=3, fields={"who": "name"})
    alone = Records({"people": made}, seed=seed).all("people")
    assert alone == Records({"other": more, "people": made}, seed=seed).all("people")
    assert len({record["id"] for record in alone}) == count
    if count and seed != other:
        assert alone != Records({"people": made}, seed=other).all("people")


@given(
    writes=st.lists(st.tuples(st.floats(0, 100), NUMBERS), max_size=12),
    looks=st.lists(st.floats(-10, 200), max_size=8),
)
def test_reads_see_what_was_there_and_never_the_future(writes, looks):
    """A read at a time sees the last write until then."""
    writes = sorted(writes, key=lambda pair: pair[0])
    records = Records({"items": CollectionSettings(rows=({"id": "a", "n": -1},))}, seed=1)
    for now, number in writes:
        records.update("items", "a", {"n": number}, now=now)
    for at in looks:
        expected = [-1, *(number for now, number in writes if now <= at)][-1]
        assert records.read("items", "a", at=at) == {"id": "a", "n": expected}
        assert records.search("items", where={"n": expected}, at=at)


@given(fields=FIELDS)
def test_what_is_returned_belongs_to_the_caller(fields):
    """Changing it changes nothing."""
    records = Records({"items": CollectionSettings(rows=ROWS)}, seed=1)
    given_ = {**fields, "deep": [1]}
    made = records.create("items", given_, now=0.0)
    given_["deep"].append(2)
    made.after["deep"].append(3)
    records.read("items", made.key)["deep"].append(4)
    records.all("items")[-1]["deep"].append(5)
    records.search("items")[-1]["deep"].append(6)
    assert records.read("items", made.key)["deep"] == [1]
