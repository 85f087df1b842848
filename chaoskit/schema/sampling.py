"""Values that satisfy a JSON Schema, as a model would write them.

A schema is first unfolded into plain alternatives (references, `allOf`, `anyOf`, `oneOf`, `if`
merged away), then a value is built for one after the other until one satisfies the original.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from referencing import Registry
from referencing._core import Resolver
from referencing.jsonschema import DRAFT202012, specification_with

from chaoskit.schema.phrases import free_text, text_of_format
from chaoskit.schema.regex import matching
from chaoskit.schema.unfold import Schema, alternatives, as_dict, merged

__all__ = ["Sampler", "Unsatisfied"]

_DEPTH = 10  # nesting at which a recursive schema has to end
_WORK = 4_000  # values that are built at most for one set of arguments
_LONGEST = 20_000  # characters of a text
_ORDER = ("string", "integer", "boolean", "object", "array", "null", "number")
_KEYWORDS = (
    ("object", ("properties", "required", "additionalProperties", "minProperties", "maxProperties",
                "patternProperties", "propertyNames", "dependentRequired")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
    ("integer", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)  # fmt: skip
# Schemas of these words alone are satisfied by construction.
_PLAIN = frozenset(
    {
        *("type", "title", "description", "default", "examples", "enum", "$defs", "definitions"),
        *("properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
        *("minLength", "maxLength", "format", "minimum", "maximum"),
    }
)


class Unsatisfied(Exception):  # noqa: N818 - a signal between the methods of the sampler
    """No value was found for a schema."""


class Sampler:
    """Builds one set of arguments; `validator` is the compiled schema of the whole."""

    def __init__(self, validator: Any, rng: random.Random, hint: str) -> None:
        self._validator = validator
        self._rng = rng
        self._hint = hint
        self._work = _WORK
        self._resolver: Resolver[Any] | None = None

    def arguments(self) -> dict[str, object]:
        """Return an object that satisfies the schema, as far as could be told piece by piece.

        Raises:
            Unsatisfied: none was found.
        """
        schema = self._validator.schema
        made = self._value(merged(as_dict(schema), {"type": "object"}), "", 0)
        assert isinstance(made, dict)  # noqa: S101 - the type above says so
        return made

    def _lookup(self, reference: str) -> Schema | bool:
        self._work -= 1
        if self._work < 0:
            raise Unsatisfied
        if self._resolver is None:
            root = self._validator.schema
            kind = specification_with(root.get("$schema", ""), default=DRAFT202012)
            resource = kind.create_resource(root)
            self._resolver = Registry[Any]().resolver_with_root(resource)
        found: Schema | bool = self._resolver.lookup(reference).contents
        return found

    def _valid(self, schema: Schema | bool, value: object) -> bool:
        return bool(self._validator.evolve(schema=schema).is_valid(value))

    def _value(self, schema: Schema | bool, name: str, depth: int) -> object:
        self._work -= 1
        if schema is False or depth > _DEPTH or self._work < 0:
            raise Unsatisfied
        schema = as_dict(schema)
        plain = _PLAIN.issuperset(schema)
        for flat in alternatives(schema, self._lookup, simple=depth > _DEPTH // 2):
            self._work -= 1
            for kind in _kinds(flat):
                for lavish in (True, False):
                    try:
                        value = self._plain(flat, kind, name, depth, lavish=lavish)
                    except Unsatisfied:
                        continue
                    if plain or self._valid(schema, value):
                        return value
                    if kind in ("null", "boolean"):
                        break
        raise Unsatisfied

    def _plain(self, flat: Schema, kind: str, name: str, depth: int, *, lavish: bool) -> object:
        given = list(self._given(flat, kind))
        if given:
            return given[0] if lavish else self._rng.choice(given)
        if "enum" in flat or "const" in flat:
            raise Unsatisfied
        match kind:
            case "object":
                return self._object(flat, depth, lavish=lavish)
            case "array":
                return self._array(flat, name, depth, lavish=lavish)
            case "string":
                return self._string(flat, name)
            case "integer":
                return self._number(flat, whole=True)
            case "number":
                return self._number(flat, whole=False)
            case "boolean":
                return self._rng.random() < 0.5
            case _:
                return None

    def _given(self, flat: Schema, kind: str) -> Iterator[object]:
        """Yield the values that the schema names itself, the likeliest first."""
        named: list[object] = []
        if "const" in flat:
            named = [flat["const"]]
        elif "default" in flat and flat["default"] is not None:
            named = [flat["default"], *flat.get("examples", ())]
        elif isinstance(flat.get("examples"), list):
            named = flat["examples"]
        if "enum" in flat and "const" not in flat:
            values = list(flat["enum"])
            self._rng.shuffle(values)
            prompt = self._hint.casefold()
            values.sort(key=lambda value: str(value).casefold() not in prompt)
            named = [value for value in named if value in values] + values
        for value in named:
            if self._valid({"type": kind}, value) and self._valid(_shallow(flat), value):
                yield value

    def _string(self, flat: Schema, name: str) -> str:
        shortest, longest = int(flat.get("minLength", 0)), flat.get("maxLength")
        if shortest > _LONGEST or (longest is not None and longest < shortest):
            raise Unsatisfied
        patterns = flat.get("pattern")
        if patterns is not None:
            text = matching(patterns, self._rng, shortest=shortest, longest=longest)
            if text is None:
                raise Unsatisfied
            return text
        text = text_of_format(flat.get("format", ""), self._rng)
        if text is None:
            text = free_text(name, self._hint, self._rng)
        if len(text) < shortest:
            text += "".join(f" {word}" for word in [text or "more"] * shortest)
            text = text[:shortest].rstrip().ljust(shortest, "x")
        return text if longest is None else text[:longest].rstrip().ljust(shortest, "x")

    def _number(self, flat: Schema, *, whole: bool) -> int | float:
        low, high = _bounds(flat, whole=whole)
        step = flat.get("multipleOf") or (1 if whole else None)
        if step is not None:
            if whole:
                step = Fraction(str(step)).numerator
            first, last = math.ceil(low / step), math.floor(high / step)
            if first > last:
                raise Unsatisfied
            count = self._rng.randint(first, min(last, first + (99 if last < 2**53 else 9)))
            value: int | float = round(count * step, 12)
            return int(value) if whole or float(value).is_integer() else value
        if low > high:
            raise Unsatisfied
        value = low + (min(high, low + 100.0) - low) * self._rng.uniform(0.25, 0.75)
        return round(value, 2) if low < round(value, 2) < high else value

    def _array(self, flat: Schema, name: str, depth: int, *, lavish: bool) -> list[object]:
        heads, items = _rows(flat)
        contains = as_dict(flat.get("contains", True))
        wanted = int(flat.get("minContains", 1)) if "contains" in flat else 0
        least = max(int(flat.get("minItems", 0)), wanted)
        most = flat.get("maxItems", math.inf)
        target = max(least, min(most, max(len(heads), 1))) if lavish else least
        made: list[object] = []
        for index in range(int(target)):
            inner = heads[index] if index < len(heads) else items
            if index >= target - wanted:
                inner = merged(as_dict(inner), contains)
            try:
                made.append(self._item(inner, name, depth, made, flat))
            except Unsatisfied:
                if index < least:
                    raise
                break
        return made

    def _item(
        self, inner: Schema | bool, name: str, depth: int, made: list[object], flat: Schema
    ) -> object:
        if not flat.get("uniqueItems"):
            return self._value(inner, name, depth + 1)
        fewer: Schema = {"allOf": [inner, {"not": {"enum": list(made)}}]}
        for _ in range(12):
            value = self._value(inner, name, depth + 1)
            if not made or self._valid(fewer, value):
                return value
        return self._value(merged(as_dict(inner), {"not": {"enum": made}}), f"{name} {len(made)}",
                           depth + 1)  # fmt: skip

    def _object(self, flat: Schema, depth: int, *, lavish: bool) -> dict[str, object]:
        properties: Schema = flat.get("properties", {})
        required = [*flat.get("required", ())]
        for key in required:
            required += [k for k in flat.get("dependentRequired", {}).get(key, ())
                         if k not in required]  # fmt: skip
        names = [name for name in properties if name in required]
        names += [name for name in required if name not in properties]
        optional = [name for name in properties if name not in required]
        least, most = int(flat.get("minProperties", 0)), flat.get("maxProperties", math.inf)
        made = {name: self._value(_property(flat, name), name, depth + 1) for name in names}
        for name in optional:
            first = not names and name == optional[0]
            if len(made) < least or (lavish and len(made) < most and self._takes(depth, first)):
                try:
                    made[name] = self._value(_property(flat, name), name, depth + 1)
                except Unsatisfied:
                    continue
        return self._filled(flat, made, least, depth)

    def _takes(self, depth: int, first: bool) -> bool:
        return (first and depth == 0) or (depth < 3 and self._rng.random() < 0.5)

    def _filled(
        self, flat: Schema, made: dict[str, object], least: int, depth: int
    ) -> dict[str, object]:
        if least > _WORK:
            raise Unsatisfied
        for index in range(least * 4):
            if len(made) >= least:
                break
            naming = flat.get("propertyNames")
            patterns = list(flat.get("patternProperties", ()))
            name: object = f"key_{index + 1}"
            if naming is not None:
                name = self._value(merged({"type": "string"}, as_dict(naming)), "key", depth + 1)
            elif patterns:
                name = matching(patterns[0], self._rng) or name
            if isinstance(name, str) and name not in made:
                made[name] = self._value(_property(flat, name), name, depth + 1)
        return made


def _kinds(flat: Schema) -> tuple[str, ...]:
    """Return the types to try, the one that the schema speaks of first."""
    stated = flat.get("type")
    if isinstance(stated, str):
        return (stated,)
    if isinstance(stated, list):
        return tuple(sorted(stated, key=lambda kind: kind == "null"))
    likely = [kind for kind, keywords in _KEYWORDS if any(word in flat for word in keywords)]
    return (*likely, *(kind for kind in _ORDER if kind not in likely))


def _shallow(flat: Schema) -> Schema:
    return {key: value for key, value in flat.items() if key not in ("default", "examples")}


def _rows(flat: Schema) -> tuple[list[Schema | bool], Schema | bool]:
    """Return the schemas of the first items and of all further ones, in any draft's spelling."""
    heads, items = flat.get("prefixItems", []), flat.get("items", True)
    if isinstance(items, list):
        return items, flat.get("additionalItems", True)
    return heads, items


def _property(flat: Schema, name: str) -> Schema | bool:
    """Return what the schema asks of the property `name`."""
    parts = [flat["properties"][name]] if name in flat.get("properties", {}) else []
    parts += [inner for pattern, inner in flat.get("patternProperties", {}).items()
              if re.search(pattern, name)]  # fmt: skip
    if not parts:
        parts = [flat.get("additionalProperties", True)]
    return parts[0] if len(parts) == 1 else {"allOf": parts}


def _bounds(flat: Schema, *, whole: bool) -> tuple[float, float]:
    """Return the least and the greatest number that the schema allows, or sensible ones."""
    lows = [flat["minimum"]] if "minimum" in flat else []
    highs = [flat["maximum"]] if "maximum" in flat else []
    # Drafts before 6 spell the exclusive bounds as flags; those are left to the validation.
    if not isinstance(flat.get("exclusiveMinimum", True), bool):
        bound = flat["exclusiveMinimum"]
        lows.append(math.floor(bound) + 1 if whole else math.nextafter(bound, math.inf))
    if not isinstance(flat.get("exclusiveMaximum", True), bool):
        bound = flat["exclusiveMaximum"]
        highs.append(math.ceil(bound) - 1 if whole else math.nextafter(bound, -math.inf))
    if lows:
        return max(lows), min(highs, default=max(lows) + 10)
    high = min(highs, default=10)
    return min(1, high - 10), high
