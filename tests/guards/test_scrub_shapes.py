"""The scrubber on shapes that are not plain data. All secrets are made up while the tests run."""

import collections
import dataclasses
import enum
import json
import random
import string
import sys
import threading
import types
from unittest import mock

import pytest

from chaoskit_guards.scrub import Scrubber

MARK = "[REDACTED]"
KEY = "gh" + "p_" + "".join(random.Random(4).choices(string.ascii_letters, k=36))


def test_scrub_dict_refuses_what_is_no_mapping():
    """One clear error that names the other method."""
    with pytest.raises(TypeError, match=r"not list; use scrub"):
        Scrubber().scrub_dict([1])


def test_an_empty_marker_is_refused():
    """Nothing would show that something was taken out."""
    with pytest.raises(ValueError, match="redact_with"):
        Scrubber(redact_with="")


def test_views_of_a_dict_are_copied():
    """Keys, values and items, hashable or not."""
    data = {"password": KEY, "n": [KEY]}
    cleaned = Scrubber().scrub([data.keys(), data.values(), data.items()])
    assert KEY not in repr(cleaned)


def test_a_set_whose_members_change_shape_is_still_scrubbed():
    """A mapping that can be a member becomes a dict, which cannot."""

    class Frozen(collections.abc.Mapping):
        def __getitem__(self, key):
            return {"password": "hunter2"}[key]

        def __iter__(self):
            return iter(["password"])

        def __len__(self):
            return 1

        def __hash__(self):
            return 1

    cleaned = Scrubber().scrub({"a": {Frozen()}, "b": {Frozen(): 1}})
    assert "hunter2" not in repr(cleaned)


def test_an_object_that_answers_to_every_name_is_left_alone():
    """A mock has a `model_dump` that returns the next mock, without end."""
    thing = mock.MagicMock()
    assert Scrubber().scrub([thing]) == [thing]


class Broken:
    """Cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no")

    def model_dump(self):
        raise RuntimeError("no")


def test_what_cannot_be_shown_does_no_harm():
    """Alone, and under the name of a secret."""
    assert Scrubber().scrub([Broken()]) == ["<Broken>"]
    assert Scrubber().scrub({"password": Broken()}) == {"password": MARK}


def test_a_number_of_any_size_may_be_a_secret():
    """Python refuses to write very long ones as text."""
    data = {"password": 10 ** (sys.get_int_max_str_digits() + 10), "n": 1.5}
    assert Scrubber().scrub(data) == {"password": MARK, "n": 1.5}


def test_generators_are_not_consumed():
    """They belong to the caller."""
    items = (n for n in range(3))
    assert Scrubber().scrub({"items": items})["items"] is items
    assert list(items) == [0, 1, 2]


@dataclasses.dataclass
class Refused(Exception):
    """An exception that is a data class as well."""

    password: str


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A frozen one that refers to others."""

    token: str
    after: object = None


class Colour(enum.StrEnum):
    """Members are text."""

    RED = "red"


def test_objects_of_many_kinds_are_scrubbed():
    """Exceptions, frozen data classes, namespaces, user-made lists and dicts."""
    chain = Node("hunter2", Node("hunter2", [Node("hunter2")]))
    cleaned = Scrubber().scrub(
        [
            Refused("hunter2"),
            chain,
            types.SimpleNamespace(password="hunter2"),
            collections.UserList([{"password": "hunter2"}]),
            collections.UserDict(password="hunter2"),
            collections.OrderedDict(password="hunter2"),
            bytearray(b"password=hunter2"),
            Colour.RED,
        ]
    )
    assert "hunter2" not in repr(cleaned)
    assert isinstance(cleaned[1].after.after[0], Node)
    assert cleaned[-1] is Colour.RED


def test_a_long_chain_of_objects_is_cut_off_in_the_end():
    """Deeper than the stack."""
    chain = None
    for _ in range(20_000):
        chain = Node("hunter2", chain)
    assert "hunter2" not in repr(Scrubber().scrub(chain))


def test_an_exception_is_judged_with_its_cause_and_notes():
    """Whoever formats it later shows those too."""
    try:
        try:
            raise ValueError("password=hunter2")
        except ValueError as error:
            raise RuntimeError("no luck") from error
    except RuntimeError as error:
        caught = error
    noted = KeyError("x")
    noted.add_note("password=hunter2")
    harmless = KeyError("x")
    assert Scrubber().scrub([caught, noted, harmless]) == [
        "RuntimeError: no luck",
        "KeyError: 'x'",
        harmless,
    ]


def test_bytes_keep_what_is_no_text():
    """Neither accents nor bytes that are no UTF-8 are lost."""
    raw = "é".encode() + b"\xff password=hunter2 \xfe"
    cleaned = Scrubber().scrub(raw)
    assert cleaned == "é".encode() + b"\xff password=" + MARK.encode() + b" \xfe"


def test_entries_do_not_vanish_because_their_keys_are_secrets():
    """Two keys that are shown alike are still two."""
    other = KEY[:-1] + "x"
    cleaned = Scrubber().scrub({KEY: 1, other: 2, "n": 3})
    assert cleaned == {MARK: 1, f"{MARK} 2": 2, "n": 3}
    assert cleaned == Scrubber().scrub(cleaned)


def test_a_short_registered_secret_is_no_key_either():
    """Also when the same key was seen before it was registered."""
    scrubber = Scrubber()
    assert scrubber.scrub({"tango12": 1}) == {"tango12": 1}
    scrubber.register("tango12")
    assert scrubber.scrub({"tango12": 1}) == {MARK: 1}


def test_allowed_values_stay():
    """Such as the key of a test account that everybody knows."""
    scrubber = Scrubber(allow=[KEY])
    data = {"note": f"use {KEY}", "api_key": KEY, "token": "hunter2"}
    assert {**data, "token": MARK} == scrubber.scrub(data)


def test_json_keeps_its_spelling():
    """Numbers, spaces, escapes and the order of keys; only the secret is another text."""
    text = '{ "a":1.50, "b" : 1e3,"password":"hunter2",\n\t"c":"\\u00e9", "d":[ ]}'
    assert text.replace("hunter2", MARK) == Scrubber().scrub_text(text)
    twice = '{"a": 1, "a": 2, "secret": {"x": ["hunter2"]}}'
    assert json.loads(Scrubber().scrub_text(twice)) == {"a": 2, "secret": {"x": [MARK]}}


def test_each_secret_counts_once():
    """Looking into encodings is no finding of its own."""
    scrubber = Scrubber()
    scrubber.scrub_text("see https://x/cb?q=%7B%22password%22%3A%22hunter2%22%7D and go on")
    scrubber.scrub({f"key {KEY}": 1})
    assert sum(scrubber.counts.values()) == 2


def test_attributes_of_a_trace_are_scrubbed_by_the_last_words_of_their_names():
    """As OpenTelemetry names them."""
    attributes = {
        "http.request.header.authorization": ("Bearer hunter2hunter2",),
        "url.full": "https://bob:hunter2@x/y?token=hunter2hunter2",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.token.type": "input",
        "gen_ai.tool.call.arguments": '{"api_key": "hunter2", "limit": 3}',
    }
    cleaned = Scrubber().scrub_dict(attributes)
    assert cleaned == {
        "http.request.header.authorization": (f"Bearer {MARK}",),
        "url.full": f"https://bob:{MARK}@x/y?token={MARK}",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.token.type": "input",
        "gen_ai.tool.call.arguments": f'{{"api_key": "{MARK}", "limit": 3}}',
    }


def test_threads_may_share_a_scrubber():
    """Results are the same and no finding is lost, while others register secrets."""
    scrubber, wrong = Scrubber(), []
    data = {"password": "hunter2", "rows": [{f"k{n}": f"password=hunter{n}"} for n in range(20)]}
    expected = Scrubber().scrub(data)

    def work(number):
        for turn in range(10):
            scrubber.register(f"registered-{number}-{turn}")
            if scrubber.scrub(data) != expected:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(scrubber.counts.values()) == 4 * 10 * 21


def test_a_listener_hears_how_much_was_hidden_and_of_which_kinds():
    """Once for each call that hid something, and never what."""
    seen = []
    scrubber = Scrubber(listener=seen.append)
    scrubber.scrub({"n": 1, "note": "nothing here"})
    scrubber.scrub_dict({"password": "hunter2", "token": "abc", "x": "postgres://a:hunter2@b/c"})
    scrubber.scrub_text("password=hunter2")
    told = [(event.kind, event.guard, dict(event.values)) for event in seen]
    assert told == [
        ("scrubbed", "scrubber", {"hidden": 3, "key": 2, "url_password": 1}),
        ("scrubbed", "scrubber", {"hidden": 1, "named": 1}),
    ]
    assert scrubber.counts == {"key": 2, "url_password": 1, "named": 1}


def test_a_listener_that_fails_does_not_stop_the_scrubbing(caplog):
    """Whatever it does wrong."""

    def fail(event):
        raise RuntimeError(event.kind)

    cleaned = Scrubber(listener=fail).scrub_dict({"password": "hunter2"})
    assert cleaned == {"password": MARK}
    assert "a listener failed on scrubbed" in caplog.text


def test_a_listener_may_ask_the_scrubber():
    """No lock is held while it is told, and what it is told about has been counted."""
    heard = []
    scrubber = Scrubber(listener=lambda _: heard.append(scrubber.counts))
    scrubber.scrub_text("password=hunter2")
    assert heard == [{"named": 1}]
