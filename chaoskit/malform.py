"""Arguments of a tool call, damaged the way models damage them.

Every result violates the tool's own JSON Schema; that is verified, not assumed, so what a kind
of damage does to a schema that permits it is never reported as damage.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from chaoskit.arguments import is_valid

__all__ = ["KINDS", "Malformation", "malform"]

Malformation: TypeAlias = Literal[
    "wrong_type",
    "missing",
    "extra",
    "nested",
    "wrong_enum",
    "stringified",
    "truncated",
    "not_an_object",
    "null",
]
KINDS: tuple[Malformation, ...] = get_args(Malformation)

Path: TypeAlias = tuple[str | int, ...]
Schema: TypeAlias = Mapping[str, Any]

_TRIES = 200
_DEPTH = 24
_EXTRA = ("limit", "verbose", "reason", "format", "timeout", "explanation", "max_results")
_REMOVED = object()


def malform(
    schema: Mapping[str, object],
    arguments: str,
    kinds: Sequence[Malformation],
    rng: random.Random,
) -> str | None:
    """Return the arguments damaged in the first of the kinds that this schema does not permit.

    When none of the given kinds does damage, the others are tried. None when the text is no JSON
    object, and so is damaged already.
    """
    try:
        valid = json.loads(arguments)
    except (ValueError, RecursionError):
        return None
    if not isinstance(valid, dict):
        return None
    for kind in (*kinds, *(kind for kind in KINDS if kind not in kinds)):
        texts = _TEXTS[kind](valid, schema, rng)
        for _, text in zip(range(_TRIES), texts, strict=False):
            if not is_valid(schema, text):
                return text
    return None  # pragma: no cover - a cut object is never JSON


def _wrong_type(valid: dict[str, Any], _: Schema, rng: random.Random) -> Iterator[str]:
    for path in _shuffled(rng, _paths(valid)):
        for other in _shuffled(rng, _other_types(_at(valid, path))):
            yield _text(_put(valid, path, other))


def _missing(valid: dict[str, Any], _: Schema, rng: random.Random) -> Iterator[str]:
    for path in _shuffled(rng, _paths(valid)):
        if isinstance(path[-1], str):
            yield _text(_put(valid, path, _REMOVED))


def _extra(valid: dict[str, Any], _: Schema, rng: random.Random) -> Iterator[str]:
    objects = [path for path in ((), *_paths(valid)) if isinstance(_at(valid, path), dict)]
    for path in _shuffled(rng, objects):
        for name in _shuffled(rng, _EXTRA):
            if name not in _at(valid, path):
                yield _text(_put(valid, (*path, name), rng.choice([10, True, "short"])))


def _nested(valid: dict[str, Any], _: Schema, rng: random.Random) -> Iterator[str]:
    for path in _shuffled(rng, [(), *_paths(valid)]):
        wrapper = rng.choice(["value", "arguments", "input", "parameters"])
        yield _text(_put(valid, path, {wrapper: _at(valid, path)}))


def _wrong_enum(valid: dict[str, Any], schema: Schema, rng: random.Random) -> Iterator[str]:
    for path, choices in _shuffled(rng, list(_enums(schema, schema, valid, (), _DEPTH))):
        for other in _shuffled(rng, _near_misses(_at(valid, path), choices)):
            yield _text(_put(valid, path, other))


def _stringified(valid: dict[str, Any], _: Schema, rng: random.Random) -> Iterator[str]:
    containers = [path for path in _paths(valid) if isinstance(_at(valid, path), (dict, list))]
    for path in _shuffled(rng, containers):
        yield _text(_put(valid, path, _text(_at(valid, path))))
    yield _text(_text(valid))


def _truncated(valid: dict[str, Any], _: Schema, rng: random.Random) -> Iterator[str]:
    text = _text(valid)
    yield text[: rng.randrange((len(text) + 1) // 2, len(text))]


def _not_an_object(valid: dict[str, Any], _: Schema, rng: random.Random) -> Iterator[str]:
    words = next((value for value in valid.values() if isinstance(value, str)), "")
    yield _text(rng.choice([[valid], list(valid.values()), words, len(valid)]))


def _null(_: dict[str, Any], __: Schema, ___: random.Random) -> Iterator[str]:
    yield "null"


_TEXTS: dict[Malformation, Callable[[dict[str, Any], Schema, random.Random], Iterator[str]]] = {
    "wrong_type": _wrong_type,
    "missing": _missing,
    "extra": _extra,
    "nested": _nested,
    "wrong_enum": _wrong_enum,
    "stringified": _stringified,
    "truncated": _truncated,
    "not_an_object": _not_an_object,
    "null": _null,
}


def _other_types(value: Any) -> list[Any]:
    match value:
        case bool():
            return [str(value).lower(), "yes" if value else "no", int(value), None]
        case int() | float():
            return [str(value), [value], {"value": value}, None]
        case str():
            return [value.split() or [value], [value], {"value": value}, 1, None]
        case list():
            return [", ".join(map(str, value)), dict(enumerate(value)), len(value), None]
        case dict():
            return [list(value.values()), str(next(iter(value), "")), None]
        case _:
            return ["null", "none", 0, {}, []]


def _near_misses(value: Any, choices: Sequence[Any]) -> list[Any]:
    near: list[Any] = ["unknown"]
    if isinstance(value, str):
        near = [value.upper(), value.capitalize(), f"{value}s", f"{value}_other", "unknown"]
    elif isinstance(value, (int, float)):
        near = [value + 1, value - 1, value * 1000 + 7]
    return [other for other in near if other not in choices]


def _enums(
    schema: Any, root: Schema, value: Any, path: Path, depth: int
) -> Iterator[tuple[Path, Sequence[Any]]]:
    """Yield where in a value the schema lists all that is allowed, and what."""
    if not isinstance(schema, dict) or depth == 0:
        return
    if isinstance(reference := schema.get("$ref"), str):
        yield from _enums(_resolve(root, reference), root, value, path, depth - 1)
    if path and "enum" in schema:
        yield path, schema["enum"]
    if path and "const" in schema:
        yield path, [schema["const"]]
    for word in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(word, ()):
            yield from _enums(part, root, value, path, depth - 1)
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from _enums(part, root, value[name], (*path, name), depth - 1)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _enums(schema.get("items"), root, item, (*path, index), depth - 1)


def _resolve(root: Schema, reference: str) -> Any:
    found: Any = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _paths(value: Any, path: Path = ()) -> list[Path]:
    """Return the places of all values inside a value, outer ones first."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [found for key, item in inner for found in ((*path, key), *_paths(item, (*path, key)))]


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _put(value: Any, path: Path, new: Any) -> Any:
    """Return a copy of a value with another value, or none, at a place inside it."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_put(item, rest, new) if index == key else item for index, item in enumerate(value)]
    if not rest and new is _REMOVED:
        return {name: item for name, item in value.items() if name != key}
    return {**value, key: _put(value[key] if rest else None, rest, new)}


def _shuffled(rng: random.Random, values: Sequence[Any]) -> list[Any]:
    return rng.sample(values, len(values))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
