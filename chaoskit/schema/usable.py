"""A JSON Schema of somebody else, without what no validator here can follow.

Services take schemas whose references lead nowhere, and patterns of another language's regular
expressions; the model makes of them what it can. Whatever admits anything takes their place. So it
does where references lead back to where they stand, or to so many schemas that no value could be
judged by all of them in a reasonable time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # ships no types
from jsonschema.validators import validator_for  # type: ignore[import-untyped]  # ships no types
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from chaoskit.schema.flaw import flaw, written
from chaoskit.schema.unfold import Schema

if TYPE_CHECKING:
    from referencing._core import Resolved, Resolver  # named nowhere else

__all__ = ["usable"]

_SUSPECT = ('"$id"', '"$ref"', '"$dynamicRef"', '"pattern', '"$schema"')
_REFERENCES = ("$ref", "$dynamicRef")
_MANY = ("allOf", "anyOf", "oneOf")
_SINGLE = ("not", "if", "then", "else")
_MOST = 2_000  # schemas by which one value is judged
_DATA = ("const", "default", "enum", "examples")


def usable(schema: Schema) -> Schema:
    """Return a schema that can be followed to its ends: most often the same one.

    Args:
        schema: is one of draft 2020-12.
    """
    text = written(schema)
    if not any(word in text for word in _SUSPECT):
        return schema
    if "$schema" in schema and not _keeps_its_word(schema):
        schema = {word: value for word, value in schema.items() if word != "$schema"}
    kind = specification_with(schema.get("$schema", ""), default=DRAFT202012)
    root = Registry[Any]().resolver_with_root(kind.create_resource(schema))
    mended: Schema = _mended(schema, root, {})
    return mended


def _keeps_its_word(schema: Schema) -> bool:
    """Tell whether a schema is one of the draft that it names."""
    try:
        validator_for(schema).check_schema(schema)
    except (SchemaError, TypeError):
        return False
    return True


def _mended(value: Any, resolver: Resolver[Any], sizes: dict[int, int]) -> Any:
    if isinstance(value, list):
        return [_mended(one, resolver, sizes) for one in value]
    if not isinstance(value, dict):
        return value
    endless = _size(value, resolver, sizes) > _MOST
    inside = _within(value, resolver)
    if inside is None:  # its name is no URI
        value = {word: inner for word, inner in value.items() if word != "$id"}
    resolver = inside or resolver
    made = {}
    for word, inner in value.items():
        if word in _DATA:
            made[word] = inner
            continue
        if word in _REFERENCES and isinstance(inner, str):
            if not endless and _target(inner, resolver) is not None:
                made[word] = inner
            continue
        if word == "pattern" and isinstance(inner, str) and not _compiles(inner):
            continue
        if word == "patternProperties" and isinstance(inner, dict):
            inner = {name: one for name, one in inner.items() if _compiles(name)}  # noqa: PLW2901
        made[word] = _mended(inner, resolver, sizes)
    return made


def _within(schema: Schema, resolver: Resolver[Any]) -> Resolver[Any] | None:
    """Return what resolves the references in a schema, or None where its name is no URI."""
    if not isinstance(schema.get("$id"), str):
        return resolver
    try:
        return resolver.in_subresource(DRAFT202012.create_resource(schema))
    except ValueError:
        return None


def _size(value: Any, resolver: Resolver[Any], sizes: dict[int, int]) -> int:
    """Return by how many schemas a value is judged that is judged by one; too many without an end.

    Args:
        sizes: what is known already; of those that are being looked at, that they have no end.
    """
    if not isinstance(value, dict):
        return 1
    resolver = _within(value, resolver) or resolver
    if id(value) in sizes:
        return sizes[id(value)]
    sizes[id(value)] = _MOST + 1
    total = 1
    for word in _REFERENCES:
        found = _target(value[word], resolver) if isinstance(value.get(word), str) else None
        if found is not None:
            total += _size(found.contents, found.resolver, sizes)
    inner = [one for word in _MANY for one in value.get(word, ())]
    inner += [value[word] for word in _SINGLE if word in value]
    inner += value.get("dependentSchemas", {}).values()
    total += sum(_size(one, resolver, sizes) for one in inner)
    sizes[id(value)] = min(total, _MOST + 1)
    return sizes[id(value)]


def _target(reference: str, resolver: Resolver[Any]) -> Resolved[Any] | None:
    """Return the schema to which a reference leads, or None where it leads to none."""
    try:
        found = resolver.lookup(reference)
    except (Unresolvable, ValueError, TypeError, LookupError):
        return None
    is_schema = isinstance(found.contents, dict) and not flaw(found.contents)
    return found if is_schema or isinstance(found.contents, bool) else None


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True
