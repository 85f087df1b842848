"""Records: what can be done to them, and what cannot."""

import pytest

from chaoskit.effect import Effect
from chaoskit.errors import UsageError
from chaoskit.records import CollectionSettings, RecordError, Records
from chaoskit.tools.view import RecordsView
from chaoskit.tools.work import work

ORDERS = CollectionSettings(
    rows=({"id": "A-1", "total": 80.0, "status": "paid"}, {"total": 5.0, "status": "open"}),
    types={"id": "string", "total": "number", "status": "string", "note": "string?"},
)


def records(**collections):
    return Records(collections or {"orders": ORDERS, "refunds": CollectionSettings()}, seed=1)


def view(of, *, age=0.0, now=0.0, owner=0):
    told = []
    return RecordsView(records=of, now=now, changed=told.append, age=age, owner=owner), told


def test_rows_without_a_key_get_one():
    """It says whose kind it is."""
    assert [one["id"] for one in records().all("orders")] == ["A-1", "order-1"]


def test_new_keys_say_for_whom_they_are():
    """So that what one user does never changes the keys of another."""
    kept = records()
    keys = [kept.create("refunds", {}, now=0.0, owner=owner).key for owner in (1, 2, 1)]
    assert keys == ["refund-1-1", "refund-2-1", "refund-1-2"]


def test_key_that_is_taken_is_not_given_again():
    """Nor that of a record that is gone."""
    kept = records()
    kept.create("refunds", {"id": "refund-1-1"}, now=0.0)
    kept.create("refunds", {"id": "refund-1-2"}, now=0.0)
    kept.delete("refunds", "refund-1-2", now=0.0)
    assert kept.create("refunds", {}, now=0.0, owner=1).key == "refund-1-3"


def test_key_may_be_another_field():
    """As the author says."""
    kept = records(bills=CollectionSettings(key="number", rows=({"number": 7, "sum": 1},)))
    assert kept.read("bills", "7") == {"number": 7, "sum": 1}
    assert kept.update("bills", 7, {"sum": 2, "number": 9}, now=0.0).after == {
        "number": 7,
        "sum": 2,
    }


@pytest.mark.parametrize(
    ("what", "kind", "told"),
    [
        (lambda kept: kept.read("orders", "A-9"), "not_found", "no record 'A-9' in orders"),
        (lambda kept: kept.delete("orders", "A-9", now=0.0), "not_found", "no record 'A-9'"),
        (lambda kept: kept.update("orders", "A-9", {}, now=0.0), "not_found", "no record 'A-9'"),
        (
            lambda kept: kept.create(
                "orders", {"id": "A-1", "total": 1, "status": ""}, now=0.0
            ),
            "conflict",
            "a record 'A-1' in orders already",
        ),
        (
            lambda kept: kept.create("orders", {"total": "1", "status": ""}, now=0.0),
            "invalid_request",
            "orders: total: '1' is not of type 'number'",
        ),
        (
            lambda kept: kept.update("orders", "A-1", {"status": 3}, now=0.0),
            "invalid_request",
            "orders: status: 3 is not of type 'string'",
        ),
    ],
)  # fmt: skip
def test_what_the_records_do_not_allow_changes_nothing(what, kind, told):
    """The error says what is wrong, and of what kind it is."""
    kept = records()
    before = kept.all("orders")
    with pytest.raises(RecordError, match=told) as caught:
        what(kept)
    assert caught.value.kind == kind
    assert kept.all("orders") == before


def test_collection_that_is_not_there_is_a_mistake_of_the_author():
    """With those that are."""
    with pytest.raises(UsageError, match="no records called 'orderz'; there are orders, refunds"):
        records().all("orderz")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"rows": ({"id": 1}, {"id": "1"})}, "two records have the key '1'"),
        ({"rows": ({"n": "x"},), "types": {"n": "integer"}}, "n: 'x' is not of type 'integer'"),
        ({"count": 1, "fields": {"n": "no_such_provider"}}, "Faker cannot make"),
    ],
)
def test_collection_that_cannot_be_filled_is_a_mistake_of_the_author(settings, told):
    """Before anything runs."""
    with pytest.raises(UsageError, match=told):
        records(items=CollectionSettings(**settings))


def test_every_version_is_kept():
    """A read at an earlier moment finds what was there."""
    kept = records()
    kept.update("orders", "A-1", {"status": "sent"}, now=10.0)
    kept.delete("orders", "A-1", now=20.0)
    seen = [kept.search("orders", where={"id": "A-1"}, at=at) for at in (9.9, 10.0, 19.9, 20.0)]
    assert [[one["status"] for one in found] for found in seen] == [
        ["paid"],
        ["sent"],
        ["sent"],
        [],
    ]


def test_search_wants_words_and_fields():
    """More shared words come first; no words fit everything."""
    kept = records(
        notes=CollectionSettings(
            rows=(
                {"id": "1", "text": "Deploy failed", "open": True},
                {"id": "2", "text": "the deploy of Monday failed again", "open": False},
                {"id": "3", "text": "all is well", "open": True},
            )
        )
    )

    def ids(*what, **more):
        return [one["id"] for one in kept.search("notes", *what, **more)]

    assert ids() == ["1", "2", "3"]
    assert ids("DEPLOY failed monday") == ["2", "1"]
    assert ids("failed", where={"open": True}) == ["1"]
    assert ids(where={"open": True, "text": None}) == ["1", "3"]
    assert ids(limit=2) == ["1", "2"]
    assert ids("nothing of it") == ["2"]


def test_view_tells_of_changes_and_looks_back():
    """What a handler does is known; what it reads may be old."""
    kept = records()
    kept.update("orders", "A-1", {"status": "sent"}, now=10.0)
    old, told = view(kept, age=5.0, now=12.0)
    assert old.read("orders", "A-1")["status"] == "paid"
    assert [one["status"] for one in old.search("orders")] == ["paid", "open"]
    assert old.update("orders", "A-1", {"note": "x"})["status"] == "sent"
    assert old.delete("orders", "A-1")["note"] == "x"
    assert old.create("refunds", {"n": 1})["n"] == 1
    assert [(one.action, one.key) for one in told] == [
        ("update", "A-1"),
        ("delete", "A-1"),
        ("create", "refund-0-1"),
    ]


TWO = (
    Effect(update="orders", by="order", set={"status": "refunded"}),
    Effect(create="refunds", set={"note": "of {order}", "sum": "{amount}"}),
)


@pytest.mark.parametrize(
    ("share", "status", "refunds"),
    [(0.0, "paid", 0), (0.4, "paid", 0), (0.5, "refunded", 0), (0.9, "refunded", 0),
     (1.0, "refunded", 1)],
)  # fmt: skip
def test_of_several_steps_the_first_are_done(share, status, refunds):
    """In their order."""
    kept = records()
    work(TWO, {"order": "A-1", "amount": 5}, view(kept)[0], share=share)
    assert kept.read("orders", "A-1")["status"] == status
    assert len(kept.all("refunds")) == refunds


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.0, {}),
        (0.3, {"status": "sent"}),
        (0.5, {"status": "sent"}),
        (1.0, {"status": "sent", "note": "x"}),
    ],
)
def test_of_a_single_step_the_first_fields_are_written(share, written):
    """None of them where nothing is to be written."""
    kept = records()
    before = kept.read("orders", "A-1")
    made, told = view(kept)
    work([Effect(update="orders")], {"id": "A-1", "status": "sent", "note": "x"}, made, share=share)
    assert kept.read("orders", "A-1") == {**before, **written}
    assert bool(told) == bool(written)


def test_set_is_filled_with_arguments():
    """A value that is one argument keeps its type."""
    kept = records()
    made = work(TWO, {"order": "A-1", "amount": 5.5}, view(kept)[0])
    assert (made["note"], made["sum"], made["amount"]) == ("of A-1", 5.5, 5.5)


def test_search_with_a_field_that_no_record_has_now():
    """It was one, so it still is no word and no wish that can be ignored."""
    kept = records(items=CollectionSettings(rows=({"id": "a", "n": 1},)))
    made, _ = view(kept)
    kept.update("items", "a", {}, now=0.0)
    kept.delete("items", "a", now=0.0)
    kept.create("items", {"id": "b"}, now=0.0)
    assert work([Effect(search="items")], {"n": 0}, made) == []
    assert work([Effect(search="items")], {"limit": 3}, made) == [{"id": "b"}]


def test_step_without_its_key_is_a_mistake_of_the_author():
    """It says what to write."""
    with pytest.raises(UsageError, match=r"finds no argument 'id'.*with `by`"):
        work([Effect(read="orders")], {"order": "A-1"}, view(records())[0])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "write one of create, read, update, delete, search"),
        ({"read": "orders", "delete": "orders"}, "write one of"),
        ({"search": "orders", "by": "id"}, "search needs no key"),
        ({"read": "orders", "set": {"a": 1}}, "read sets nothing"),
    ],
)
def test_step_that_makes_no_sense_is_refused(settings, told):
    """In construction."""
    with pytest.raises(ValueError, match=told):
        Effect(**settings)
