"""The proof that what stands beside a telling name is a credential.

A known format needs no name (`scrub_formats`). Everything else has to be proven twice: the notation
assigns the value to the name, and the value is as strong (`scrub_values`) as that notation demands.
The clearer the notation, the less: a line of settings, a query or a quoted value beside a password
may be any word; code and flags demand a number in it; running text, rows and comparisons a value
that is no word at all. Beside other names words are never enough, for `token`, `secret` and `key`
are words of every parser and every manual. Code, attributes, sentences and the names of other
values prove nothing. The key of a dict is the clearest notation of all: under it everything goes
but what only speaks of a secret.
"""

from __future__ import annotations

import re

from chaoskit_guards.scrub_joins import Join
from chaoskit_guards.scrub_keys import MAYBE, KeyJudge, is_pin
from chaoskit_guards.scrub_reading import Name, starts_line
from chaoskit_guards.scrub_values import (
    CHOSEN,
    LEAST,
    MADE,
    NOTHING,
    NUMBERED,
    WORDS,
    has_few_digits,
    is_attribute,
    is_code,
    is_phrase,
    is_prose,
    is_uuid,
    is_worded,
    strength,
)

__all__ = ["is_proven", "is_said"]

_SETTING = WORDS, CHOSEN
_CODE = _SAID = NUMBERED, CHOSEN
_APART = CHOSEN, MADE
_UNCLEAR = MADE, MADE
"""The strength that a notation demands beside a password, and beside any other name."""

_SETTING_ENDS = frozenset(("", "\n", "\r", " ", "\t", ";", "&", '"', "'", "\\", "<"))
_LINE_END = re.compile(r"[ \t]*(?:[\r\n]|\Z)")
_WORD = re.compile(r"[\w.]*[^\W\d_]")
_PARTS = re.compile(r"[A-Za-z]+")
_DIGIT = re.compile(r"\d")
_JOINED = re.compile(r"\w[-_./:]\w")
_TOKEN = re.compile(r"[\w+/=.~:-]+")
_DIGITS = 4, 6  # of a number that counts as a password: in a setting, elsewhere
_LONGEST_NAME = 64
_MANY_DIGITS = 8  # that are as good as a word with a digit in it


def is_proven(
    text: str, name: Name, join: Join, judge: KeyJudge, place: tuple[int, int, bool]
) -> bool:
    """Tell whether a value is a secret; `place` is where it begins, where it ends, if quoted."""
    begin, stop, quoted = place
    value = text[begin:stop]
    if len(value) < (3 if quoted else 4) or (value[0] in ")],;}" if quoted else is_code(value)):
        return False
    bare = value.rstrip("=-")
    if bare.isalpha() and judge.names(bare):
        return False
    human = name.human
    demanded = _demanded(text, name, join, place)
    if len(value) < LEAST[demanded] and not human:
        return False
    if human and not value.isalnum() and (quoted or " " not in value) and is_phrase(value):
        if "phrase" in name.text.lower():
            return True
        if "-" in value and demanded <= NUMBERED:
            demanded = WORDS
    found = strength(value, NUMBERED if value.isdigit() else demanded)
    if value.isdigit():
        if found == NUMBERED and len(value) >= _MANY_DIGITS:
            found = CHOSEN
        return (
            human and found >= demanded and len(value) >= _DIGITS[not quoted and demanded > WORDS]
        )
    if found < demanded or (name.level == MAYBE and is_uuid(value)):
        return False
    if " " in value and (is_prose(value) or not quoted or not human or demanded > WORDS):
        return False
    if found < MADE and (is_attribute(value, human=human) or is_pin(name.text)):
        return False
    if found == CHOSEN and not human and _TOKEN.fullmatch(value) is None:
        return False
    return not _is_name(value, found, judge, human=human, quoted=quoted)


def is_said(name: str, value: str, judge: KeyJudge) -> bool:
    """Tell whether a text under the name of a secret only speaks of one."""
    found = strength(value)
    human = judge.kind(name)[1]
    if found in (NOTHING, MADE):
        return found == NOTHING
    if human and is_pin(name) and not value.isdigit():
        return True
    if not human and value.isdigit() and len(value) < _DIGITS[0]:
        return not is_pin(name)  # a thousand guesses are nothing: it counts, or names a place
    if not human and value.count(" ") > 1 and _DIGIT.search(value) is None:
        return True
    if found == CHOSEN or (human and is_phrase(value)):
        return False
    if " " in value and is_prose(value):
        return True
    if human:  # a label, as in `{"password": "Passwort"}`
        return found == WORDS and value[:1].isupper() and judge.names(value)
    return (found == WORDS and _JOINED.search(value) is not None) or judge.names(value)


def _demanded(text: str, name: Name, join: Join, place: tuple[int, int, bool]) -> int:
    """Return how strong a value has to be beside this name in this notation."""
    by, human, quoted = join.by, name.human, place[2]
    if by == "pair" and name.flag:
        by = "flag"
    if name.level == MAYBE:
        demands = _APART if human and by in ("=", ":", "tag", "is", "cell") else _UNCLEAR
    elif join.loose or by in ("pair", "row") or (by == "cell" and not quoted):
        demands = _APART
    elif by == "flag" and not name.flag:
        demands = _SAID if quoted else _APART
    elif (by == "is" and not quoted) or by == "cell" or (by == "flag" and not quoted):
        demands = _SAID
    elif quoted or by in ("tag", "part") or _is_setting(text, name, join.at, place):
        demands = _SETTING
    else:
        demands = _CODE
    return demands[0] if human else demands[1]


def _is_setting(text: str, name: Name, at: int, place: tuple[int, int, bool]) -> bool:
    """Tell whether a bare word stands in a line of settings or in a query, and not in code."""
    begin, stop, _ = place
    value, sign = text[begin:stop], text[name.start + len(name.text) : at]
    if not value.isalpha() or value.isupper() or text[stop : stop + 1] not in _SETTING_ENDS:
        return False
    if sign.endswith("="):
        return True
    if not (value.islower() or name.text.isupper()) or not starts_line(text, name.start):
        return False
    if sign == " = " and text[name.start - 1 : name.start] not in ("", "\n"):
        return False
    return sign in (": ", " = ") and _LINE_END.match(text, stop) is not None


def _is_name(value: str, found: int, judge: KeyJudge, *, human: bool, quoted: bool) -> bool:
    """Tell whether a value is the name of another value, as in `password=user_password`."""
    if len(value) > _LONGEST_NAME:
        return found == CHOSEN and not human
    word = not quoted and _WORD.fullmatch(value) is not None
    if found == MADE or (found == CHOSEN and human):
        return word and judge.names(value)
    if found == CHOSEN and word and is_worded(value):
        return has_few_digits(value)
    if judge.names(value):
        return True
    parts = () if human and quoted else _PARTS.findall(value)[:-1]
    return any(judge.names(part) for part in parts)
