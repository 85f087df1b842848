"""A JSON Schema as plain alternatives: references, `allOf`, `anyOf`, `oneOf`, `if` merged away.

What comes out may admit more than the original does (`oneOf` excludes, `not` stays), so a value
built for an alternative has to be validated against the original.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, product, zip_longest
from typing import Any, TypeAlias

__all__ = ["Schema", "alternatives", "as_dict", "merged"]

Schema: TypeAlias = dict[str, Any]

_OPTIONS = 256  # of those that two words have together
_NESTING = 40  # references in a row after which a schema is taken for circular
_HEAVY = ("$ref", "properties", "items", "prefixItems", "anyOf", "oneOf", "allOf")


def alternatives(
    schema: Schema, lookup: Callable[[str], Schema | bool], *, simple: bool, nesting: int = 0
) -> Iterator[Schema]:
    """Yield the plain schemas of which a value may satisfy one; `simple` ones first if so asked."""
    if nesting > _NESTING:
        return
    schema = _without_if(schema)
    rest = dict(schema)
    parts: list[Schema] = []
    if "$ref" in rest:
        parts = [as_dict(lookup(rest.pop("$ref")))]
    elif "$dynamicRef" in rest:
        parts = [as_dict(lookup(rest.pop("$dynamicRef")))]
    elif "allOf" in rest:
        parts = [as_dict(part) for part in rest.pop("allOf")]
    elif "dependentSchemas" in rest:
        due = rest.pop("dependentSchemas")
        parts = [as_dict(due[name]) for name in rest.get("required", ()) if name in due]
    else:
        for word in ("anyOf", "oneOf"):
            if word in rest:
                options = [as_dict(option) for option in rest.pop(word)]
                options.sort(key=_weight if simple else _is_null)
                for option in options:
                    whole = merged(option, rest)
                    yield from alternatives(whole, lookup, simple=simple, nesting=nesting + 1)
                return
        yield rest
        return
    for part in parts:
        rest = merged(rest, part)
    yield from alternatives(rest, lookup, simple=simple, nesting=nesting + 1)


def as_dict(schema: Schema | bool) -> Schema:
    """Return a schema in its long form: `False` is the schema that nothing satisfies."""
    if isinstance(schema, dict):
        return schema
    return {} if schema else {"type": []}


def merged(one: Schema, other: Schema) -> Schema:
    """Return a schema for what satisfies both."""
    one, other = _without_if(one), _without_if(other)
    if not one or not other:
        return one or other
    both = {**other, **one}
    for word in one.keys() & other.keys():
        both[word] = _joined(word, one[word], other[word])
    if "properties" in both:
        both["properties"] = _properties(one, other)
    if "$ref" in one and "$ref" in other and one["$ref"] != other["$ref"]:
        both["allOf"] = [*both.get("allOf", ()), {"$ref": other["$ref"]}]
    if "const" in one and "const" in other and one["const"] != other["const"]:
        both["type"] = []
    return both


def _joined(word: str, one: Any, other: Any) -> Any:
    if word in _JOINERS:
        return _JOINERS[word](one, other)
    if word.startswith("min") or word == "exclusiveMinimum":
        return max(one, other)
    if word.startswith("max") or word == "exclusiveMaximum":
        return min(one, other)
    return one


def _common_multiple(one: float, other: float) -> float:
    a, b = Fraction(str(one)), Fraction(str(other))
    least = Fraction(math.lcm(a.numerator, b.numerator), math.gcd(a.denominator, b.denominator))
    return int(least) if least.denominator == 1 else float(least)


def _both_schemas(one: Any, other: Any) -> Any:
    if isinstance(one, list) or isinstance(other, list):  # `items` of older drafts
        return one
    return merged(as_dict(one), as_dict(other))


def _both_patterns(one: str, other: str) -> str:
    return one if one == other else rf"^(?=[\s\S]*(?:{other}))[\s\S]*(?:{one})"


def _pairs(one: list[Any], other: list[Any]) -> list[Schema]:
    pairs = zip_longest(one, other, fillvalue=True)
    return [merged(as_dict(a), as_dict(b)) for a, b in pairs]


def _products(one: list[Any], other: list[Any]) -> list[Schema]:
    pairs = islice(product(one, other), _OPTIONS)
    return [merged(as_dict(a), as_dict(b)) for a, b in pairs]


def _types(one: str | list[str], other: str | list[str]) -> list[str]:
    left = [one] if isinstance(one, str) else one
    right = [other] if isinstance(other, str) else other
    found = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    if "number" in left and "integer" in right and "integer" not in found:
        found.append("integer")
    return found


def _properties(one: Schema, other: Schema) -> Schema:
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    return {
        name: merged(
            as_dict(mine.get(name, one.get("additionalProperties", True))),
            as_dict(theirs.get(name, other.get("additionalProperties", True))),
        )
        for name in dict.fromkeys([*mine, *theirs])
    }


def _without_if(schema: Schema) -> Schema:
    if "if" not in schema:
        return schema
    rest = dict(schema)
    test = as_dict(rest.pop("if"))
    then, otherwise = as_dict(rest.pop("then", True)), as_dict(rest.pop("else", True))
    return merged(rest, {"anyOf": [merged(test, then), merged({"not": test}, otherwise)]})


def _is_null(option: Schema) -> bool:
    return option.get("type") == "null"


def _weight(option: Schema) -> int:
    return sum(word in option for word in _HEAVY)


_JOINERS: dict[str, Callable[[Any, Any], Any]] = {
    "$defs": lambda one, other: {**other, **one},
    "additionalProperties": _both_schemas,
    "allOf": lambda one, other: [*one, *other],
    "anyOf": _products,
    "contains": _both_schemas,
    "definitions": lambda one, other: {**other, **one},
    "dependentRequired": lambda one, other: {**other, **one},
    "enum": lambda one, other: [value for value in one if value in other],
    "items": _both_schemas,
    "multipleOf": _common_multiple,
    "not": lambda one, other: {"anyOf": [one, other]},
    "oneOf": _products,
    "pattern": _both_patterns,
    "patternProperties": lambda one, other: {**other, **one},
    "prefixItems": _pairs,
    "propertyNames": _both_schemas,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "type": _types,
    "uniqueItems": lambda one, other: one or other,
}
