"""Fake secrets that can be recognised."""

import base64
import json
from urllib.parse import quote

import pytest

from chaoskit.canary import Canaries, Sighting, labels_in, owner

LABELS = [f"tool-argument/user-{number}" for number in range(40)]


def test_a_seed_and_a_label_give_one_secret():
    """Also in another run, and in another order."""
    first, second = Canaries(7), Canaries(7)
    expected = {label: first.make(label) for label in LABELS}
    assert expected == {label: second.make(label) for label in reversed(LABELS)}
    assert expected == {label: first.make(label) for label in LABELS}


def test_labels_and_seeds_give_different_secrets():
    """Forty labels, two seeds."""
    secrets = [Canaries(seed).make(label) for seed in (1, 2) for label in LABELS]
    assert len(set(secrets)) == 80


def test_secrets_look_like_those_of_several_vendors():
    """The label decides which."""
    canaries = Canaries(7)
    secrets = [canaries.make(label) for label in LABELS]
    for start in ("sk-", "AK" + "IA", "ghp" + "_", "eyJ", "postgres://", "Default"):
        assert any(secret.startswith(start) for secret in secrets), start


def test_a_label_that_could_not_be_read_back_is_refused():
    """Redaction writes it between angle brackets."""
    for label in ("", "a<b", "a>b"):
        with pytest.raises(ValueError, match="cannot name a canary"):
            Canaries(7).make(label)


def test_the_first_making_of_a_secret_is_told_once():
    """The journal says what was planted, never its value."""
    told = []
    canaries = Canaries(7, made=told.append)
    for label in ("b", "a", "b"):
        canaries.make(label)
    assert told == ["b", "a"]
    assert len(canaries) == 2


ENCODED = {
    "plain": lambda value: value,
    "url": lambda value: quote(f"p/{value}", safe=""),
    "json": lambda value: json.dumps({"key": f"{value}"}).replace("/", "\\/"),
    "base64": lambda value: base64.b64encode(f"user:{value}:x".encode()).decode(),
    "hex": lambda value: f"<{value}>".encode().hex(),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_a_secret_is_found_in_each_encoding_and_named(encoding):
    """The one with slash and plus, which each encoding spells differently."""
    canaries = Canaries(7)
    label = next(label for label in LABELS if "+" in canaries.make(label))
    text = f"before {ENCODED[encoding](canaries.make(label))} after"
    assert [Sighting(label=label, encoding=encoding)] == canaries.find(text)


def test_a_url_is_found_by_its_password():
    """Host and user are no secret."""
    canaries = Canaries(7)
    label = next(label for label in LABELS if canaries.make(label).startswith("postgres"))
    password = canaries.make(label).split(":")[2].split("@")[0]
    assert canaries.find("postgres://deploy:hunter2@db.internal:5432/logs") == []
    assert [label] == [sighting.label for sighting in canaries.find(f"PGPASSWORD={password}")]


def test_part_of_a_secret_is_no_sighting():
    """Showing the last characters is what careful programs do."""
    canaries = Canaries(7)
    secrets = [canaries.make(label) for label in LABELS]
    assert canaries.find(" ".join(secret[-6:] for secret in secrets)) == []
    assert canaries.find(" ".join(secret[:12] for secret in secrets)) == []


def test_redaction_leaves_labels_that_can_be_read_back():
    """In the order of the text."""
    canaries = Canaries(7)
    text = f"a={canaries.make('x/ann')}&b={canaries.make('x/bob')}&c={canaries.make('x/ann')}"
    redacted = canaries.redact(text)
    assert labels_in(redacted) == ("x/ann", "x/bob")
    assert canaries.find(redacted) == []
    assert owner("x/ann") == "ann"


def test_texts_pass_unchanged_when_there_is_nothing_in_them():
    """The same object, even."""
    text = "nothing to see"
    assert text is Canaries(7).redact(text)
    canaries = Canaries(7)
    canaries.make("x/ann")
    assert text is canaries.redact(text)
    assert canaries.find(text) == []
    assert repr(canaries) == "<1 canaries>"
