"""Scrubbing of data of any shape: one pass copies it, then its texts are looked at together.

Lists and dicts wait in a queue for their turn, so that no depth is too deep; what cannot be changed
after it was made, such as a tuple, is copied on the spot.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import re
import traceback
import uuid
from collections import UserList, deque
from collections.abc import Iterable, Mapping, ValuesView
from collections.abc import Set as AbstractSet
from typing import Any

from chaoskit_guards.scrub_headers import SCHEME
from chaoskit_guards.scrub_keys import NO, YES, KeyJudge
from chaoskit_guards.scrub_objects import as_text, is_schema, shown
from chaoskit_guards.scrub_proof import is_said
from chaoskit_guards.scrub_text import Marker, TextScrubber
from chaoskit_guards.scrub_values import (
    CHOSEN,
    MADE,
    NOTHING,
    is_phrase,
    is_uuid,
    strength,
)

__all__ = ["Walk"]

_PLAIN = (
    int,
    float,
    complex,
    bool,
    type(None),
    dt.date,
    dt.time,
    dt.timedelta,
    decimal.Decimal,
    uuid.UUID,
    enum.Enum,
    type,
)
_ATOMS = frozenset((int, float, bool, type(None), complex))
_OF_A_PIECE = (
    "logprob", "top_logprobs", "prob", "score", "lemma", "pos", "index", "start", "offset",
    "token_str", "start_char", "tag", "label", "entity",
)  # fmt: skip
_HOLDER = re.compile(
    r"value|data|text|plain|raw|string|content|current|previous|old|new|primary|secondary|live|test"
    r"|prod|dev|stag|default|^\W*$|^\d+$|^.{1,2}$",
    re.IGNORECASE,
)
"""Names that say nothing of what they hold: a secret stays one in there."""
_ABOUT = frozenset(("name", "id", "type", "kind", "namespace"))
_DEPTH = 100
_TOO_DEEP = "[NESTED TOO DEEPLY]"
_NAME_KEYS = frozenset(("name", "key", "header", "Name", "Key", "variable"))
_LONG = 15  # characters above which a key may be a secret itself
_LONGEST = 128  # characters of the longest name that is remembered
_NOTES = 4_096
_SHORT = 6  # characters of the shortest text that can name a secret and hold it


class Walk:
    """One pass over one piece of data; `changed` tells afterwards whether a secret was found."""

    def __init__(
        self, judge: KeyJudge, notes: dict[str, int], text: TextScrubber, mark: Marker
    ) -> None:
        """Judge keys by `judge`, and remember in `notes` those that are no secrets themselves."""
        self.changed = False
        self._judge = judge
        self._notes = notes
        self._text = text
        self._mark = mark
        self._seen: dict[int, tuple[Any, Any]] = {}
        self._seen_under: dict[int, tuple[Any, Any]] = {}
        self._todo: list[tuple[Any, Any, str | None]] = []
        self._texts: list[str] = []
        self._slots: list[tuple[Any, Any]] = []

    def __call__(self, value: Any) -> Any:
        """Return a copy without secrets."""
        done = self._any(value, 0)
        todo = self._todo
        while todo:
            source, target, name = todo.pop()
            if name is not None:
                self._fill_under(source, target, name)
            elif type(target) is not dict:
                self._fill_list(source, target)
            elif not self._fill_dict(source, target):
                self._fill_renamed(source, target)
        texts, slots = self._texts, self._slots
        for index in self._text.suspects(texts):
            cleaned = self._text(texts[index], 0, self._mark)
            if cleaned is not texts[index]:
                holder, place = slots[index]
                holder[place] = cleaned
                self.changed = True
        return done

    def _fill_dict(self, source: Mapping[Any, Any], target: dict[Any, Any]) -> bool:
        """Scrub the values of a copied dict; return False if a key is or holds a secret."""
        notes, texts, slots, seen, todo = (
            self._notes, self._texts, self._slots, self._seen, self._todo,
        )  # fmt: skip
        began = len(texts)
        held = None
        if ("value" in source or "Value" in source) and not _NAME_KEYS.isdisjoint(source):
            held = self._held(source)
        for key, item in target.items():
            level = notes.get(key)
            if level is None:
                level = self._level(key)
                if level is None:
                    del texts[began:], slots[began:]
                    return False
            kind = type(item)
            if held is not None and key == held[0]:
                target[key] = self._under(held[1], item, 0)
            elif level and self._is_named(level, key, item, source):
                target[key] = self._under(str(key), item, 0)
            elif kind is str:
                if len(item) >= _SHORT:
                    texts.append(item)
                    slots.append((target, key))
            elif kind in _ATOMS:
                pass
            elif kind is dict or kind is list:
                known = seen.get(id(item))
                if known is None:
                    known = item, item.copy()
                    seen[id(item)] = known
                    todo.append((item, known[1], None))
                target[key] = known[1]
            else:
                target[key] = self._any(item, 0)
        return True

    def _fill_renamed(self, source: Mapping[Any, Any], target: dict[Any, Any]) -> None:
        """Copy a dict with its keys scrubbed as well."""
        target.clear()
        self.changed = True
        same: dict[Any, int] = {}
        for key, item in source.items():
            level, shown = self._level(key), key
            if level is None:
                level = self._judge.judge(key) if isinstance(key, str) else NO
                name = shown = self._hashable(key, 0)
                while shown in target:  # no entry is lost because its key is shown like another
                    same[name] = same.get(name, 1) + 1
                    shown = f"{name} {same[name]}"
            if self._is_named(level, key, item, source):
                target[shown] = self._under(str(key), item, 0)
            else:
                target[shown] = self._any(item, 0)

    def _fill_list(self, source: Iterable[Any], target: Any) -> None:
        texts, slots, seen, todo = self._texts, self._slots, self._seen, self._todo
        paired: bool | None = None
        for at, item in enumerate(target if type(target) is list else tuple(target)):
            kind = type(item)
            if kind is str:
                if item[:1] == "-" and self._is_flag(item, target, at):
                    target[at + 1] = self._under(item, target[at + 1], 0)
                if len(item) < _SHORT:
                    continue
                texts.append(item)
                slots.append((target, at))
            elif kind in _ATOMS:
                pass
            elif kind is list and len(item) == 2 and paired is not False and self._is_pair(item):
                paired = paired or all(type(o) is list and len(o) == 2 for o in source)
                if paired:
                    target[at] = [item[0], self._under(str(item[0]), item[1], 0)]
                else:
                    target[at] = self._any(item, 0)
            elif kind is dict or kind is list:
                known = seen.get(id(item))
                if known is None:
                    known = item, item.copy()
                    seen[id(item)] = known
                    todo.append((item, known[1], None))
                target[at] = known[1]
            else:
                target[at] = self._any(item, 0)

    def _is_pair(self, item: list[Any]) -> bool:
        """Tell whether a list of two is a name and its secret."""
        if not self._names(item[0], item[1]):
            return False
        value = item[1]
        return not isinstance(value, str) or (
            strength(value) >= CHOSEN
            or value.isdigit()
            or is_phrase(value)  # not two names of something
        )

    def _level(self, key: Any) -> int | None:
        """Return what a key tells of its value, or None if it is or holds a secret itself."""
        if type(key) in _ATOMS:
            return NO
        if isinstance(key, bytes):
            name = key.decode("latin-1")
            return None if self._text.holds(name) else self._judge.judge(name)
        if not isinstance(key, str):
            return NO if self._any(key, 0) is key else None
        if (len(key) > _LONG or self._text.known) and self._text.holds(key):
            return None
        level = self._judge(key)
        if len(self._notes) >= _NOTES:
            self._notes.clear()
        if len(key) <= _LONGEST:
            self._notes[key] = level
        return level

    def _is_named(self, level: int, key: Any, item: Any, source: Mapping[Any, Any]) -> bool:
        """Tell whether everything under this key is a secret."""
        if level == NO:
            return False
        if level == YES and "token" in str(key) and self._is_piece(item, source):
            return False
        if level == YES:
            return True
        if isinstance(item, (list, tuple)):
            return any(isinstance(part, str) and strength(part) == MADE for part in item[:8])
        if not isinstance(item, str):
            return False
        low = str(key).lower()
        if "pass" in low or low.endswith("auth"):
            return strength(item) >= CHOSEN
        return strength(item) == MADE and not is_uuid(item)

    @staticmethod
    def _is_piece(item: Any, source: Mapping[Any, Any]) -> bool:
        """Tell whether a token is a piece of text, which has a place or a likelihood."""
        about = item if isinstance(item, Mapping) else source
        return any(key in about for key in _OF_A_PIECE) and not (
            isinstance(item, str) and strength(item) >= CHOSEN
        )

    def _held(self, value: Mapping[Any, Any]) -> tuple[str, str] | None:
        """Return the key of the value in `{"name": "API_KEY", "value": …}`, and its name."""
        holders = value.keys() & _NAME_KEYS if len(value) <= 8 else ()
        for holder in holders:
            name, place = value[holder], "value" if "value" in value else "Value"
            if type(name) is str and self._judge(name) and self._names(name, value[place]):
                return place, name
        return None

    def _is_flag(self, flag: str, words: Any, at: int) -> bool:
        """Tell whether the next word of a command line is the secret that this flag announces."""
        if at + 1 >= len(words) or self._judge(flag) != YES:
            return False
        following = words[at + 1]
        return (
            isinstance(following, str)
            and not following.startswith("-")
            and not self._judge.judge(following)
        )

    def _cleaned(self, text: str) -> str:
        cleaned = self._text(text, 0, self._mark)
        if cleaned is not text:
            self.changed = True
        return cleaned

    def _queue(self, source: Any, target: Any) -> Any:
        self._seen[id(source)] = source, target
        self._todo.append((source, target, None))
        return target

    def _any(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._cleaned(value)
        known = self._seen.get(id(value))
        if known is not None:
            return known[1]
        if isinstance(value, Mapping):
            return self._queue(value, dict(value))
        if isinstance(value, list):
            return self._queue(value, list(value))
        if isinstance(value, deque):
            return self._queue(value, deque(value, value.maxlen))
        if isinstance(value, _PLAIN):
            return value
        if depth > _DEPTH:
            self.changed = True
            return _TOO_DEEP
        done = self._fixed(value, depth)
        self._seen[id(value)] = value, done
        return done

    def _fixed(self, value: Any, depth: int) -> Any:
        """Return a copy of what has to be whole when it is made."""
        if isinstance(value, tuple):
            return self._tuple(value, depth)
        if isinstance(value, AbstractSet):
            kind = frozenset if isinstance(value, frozenset) else set
            if not isinstance(value, (set, frozenset)):  # a view
                return [self._any(item, depth + 1) for item in value]
            return kind([self._hashable(item, depth + 1) for item in value])
        if isinstance(value, (bytes, bytearray)):
            text = bytes(value).decode("utf-8", "surrogateescape")
            cleaned = self._cleaned(text)
            return (
                value
                if cleaned is text
                else type(value)(cleaned.encode("utf-8", "surrogateescape"))
            )
        if isinstance(value, pathlib.PurePath):
            text = str(value)
            cleaned = self._cleaned(text)
            return value if cleaned is text else type(value)(cleaned)
        if isinstance(value, (UserList, ValuesView)):
            return [self._any(item, depth + 1) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, BaseException):
            return self._dataclass(value, depth)
        if callable(getattr(value, "model_dump", None)):
            return self._model(value)
        return self._opaque(value)

    def _hashable(self, value: Any, depth: int) -> Any:
        """Return a copy that can be the member of a set or the key of a dict."""
        cleaned = self._any(value, depth)
        try:
            hash(cleaned)
        except TypeError:
            return self._cleaned(as_text(value))
        return cleaned

    def _tuple(self, value: tuple[Any, ...], depth: int) -> Any:
        names, make = getattr(value, "_fields", ()), getattr(value, "_make", tuple)
        if names and make is not tuple:
            fields = zip(names, value, strict=True)
            items = [self._field(name, item, depth + 1) for name, item in fields]
        elif len(value) == 2 and self._names(*value):
            items = [value[0], self._under(str(value[0]), value[1], depth + 1)]
        else:
            items = [self._any(item, depth + 1) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        return make(items)

    def _names(self, name: Any, value: Any) -> bool:
        """Tell whether the first of a pair names the second as a secret."""
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        if not isinstance(name, str) or len(name) > _LONGEST:
            return False
        level = self._judge.judge(name)
        return level != NO and self._is_named(level, name, value, {})

    def _field(self, name: str, item: Any, depth: int) -> Any:
        level = self._judge(name)
        if level and self._is_named(level, name, item, {}):
            return self._under(name, item, depth)
        return self._any(item, depth)

    def _dataclass(self, value: Any, depth: int) -> Any:
        fields = {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value)}
        copy = object.__new__(type(value))
        self._seen[id(value)] = value, copy
        cleaned = {name: self._field(name, item, depth + 1) for name, item in fields.items()}
        if all(cleaned[name] is item for name, item in fields.items()):
            return value
        for name, item in cleaned.items():
            object.__setattr__(copy, name, item)
        return copy

    def _model(self, value: Any) -> Any:
        """Return a model as it is when it holds no secret, else as a dict."""
        try:
            fields = value.model_dump()
        except Exception:  # noqa: BLE001 - whatever it raises, the text of the object is left
            fields = None
        if type(fields) is not dict:  # something else that answers to the name
            return self._opaque(value)
        inner = Walk(self._judge, self._notes, self._text, self._mark)
        cleaned = inner(fields)
        self.changed = self.changed or inner.changed
        return cleaned if inner.changed else value

    def _opaque(self, value: Any) -> Any:
        """Return an object as it is when its text shows no secret, else that text, scrubbed."""
        text = shown(value)
        if text is None:
            return f"<{type(value).__name__}>"
        whole = text
        if isinstance(value, BaseException):
            whole = "".join(traceback.format_exception(value))
            if self._text.holds(repr(value)):  # its arguments have names
                text = whole = repr(value)
        if not self._text.holds(whole):
            return value
        self.changed = True
        return self._cleaned(text)

    def _under(self, name: str, value: Any, depth: int) -> Any:
        """Return what stands under the name of a secret: everything in it is one."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)) and name.lower().endswith(("s", "token")):
            return value  # how many there are, or which of a vocabulary
        if isinstance(value, str):
            return self._secret(name, value)
        known = self._seen_under.get(id(value))
        if known is not None:
            return known[1]
        if isinstance(value, Mapping):
            if is_schema(value):
                return self._any(value, depth)
            done: Any = {}
        elif isinstance(value, (list, deque)):
            done = []
        elif isinstance(value, (tuple, AbstractSet)):
            if depth > _DEPTH:
                return _TOO_DEEP
            return tuple([self._under(name, item, depth + 1) for item in value])
        elif isinstance(value, enum.Enum) and not isinstance(value.value, str):
            return value
        else:
            text = as_text(value)
            return value if text and strength(text) == NOTHING else self._put(text, "key")
        self._seen_under[id(value)] = value, done
        self._todo.append((value, done, name))
        return done

    def _fill_under(self, source: Any, target: Any, name: str) -> None:
        if isinstance(target, list):
            target.extend([self._under(name, item, 0) for item in source])
            return
        listed = "name" in source and name.lower().endswith("s")
        for key, item in source.items():
            if listed and key in _ABOUT:  # one of several, which only this says
                target[key] = self._any(item, 0)
            elif self._says_of_itself(key, item):
                target[self._any(key, 0)] = self._any(item, 0)
            else:
                target[self._any(key, 0)] = self._under(name, item, 0)

    def _says_of_itself(self, key: Any, item: Any) -> bool:
        """Tell whether a part of a secret's record has a name, and a value, of its own.

        `{"token": {"symbol": "UNI", "decimals": 6, "value": "…"}}`: two of them do.
        """
        if not isinstance(key, str) or self._level(key) != NO or _HOLDER.search(key):
            return False
        if isinstance(item, (int, float)):
            return True
        return isinstance(item, str) and strength(item) < CHOSEN

    def _put(self, secret: str, kind: str) -> str:
        if secret in self._text.allowed:
            return secret
        self.changed = True
        return self._mark(secret, kind)

    def _secret(self, name: str, value: str) -> str:
        """Return what is shown of a text under the name of a secret."""
        scheme = SCHEME.match(value)
        begin = scheme.end() if scheme else 0
        secret = value[begin:]
        if self._text.marks.fullmatch(secret):
            return value
        if is_said(name, secret, self._judge):
            return value if secret.isalpha() and secret.islower() else self._cleaned(value)
        low = name.lower()
        if low.endswith(("cookie", "cookies")) or "conn" in low:
            lead = "Cookie: " if "cookie" in low else ""
            cleaned = self._text(lead + value, 0, self._mark)[len(lead) :]
            if cleaned != value or self._text.marks.search(value):
                self.changed = self.changed or cleaned != value
                return cleaned
            if "cookie" in low and (" " in value or strength(value) < CHOSEN):
                return value
        return value[:begin] + self._put(secret, "key")
