"""How much all schemas of a request may hold to which the model is held: one grammar of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from chaoskit.dialects._json import dumps
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.anthropic.body import Body

__all__ = ["check"]

_MOST_TOOLS = 20
_MOST_OPTIONAL = 24
_MOST_UNIONS = 16
_LARGE = 64 * 1024  # characters of a schema that is not remembered


def check(body: Body) -> None:
    """Refuse a request whose strict tools and output ask for more than one grammar can hold.

    Raises:
        RefusedError: with what there is too much of.
    """
    schemas = [tool.schema for tool in body.tools if tool.strict]
    if len(schemas) > _MOST_TOOLS:
        raise invalid(
            f"Too many strict tools ({len(schemas)}). The maximum number of strict tools supported "
            f"is {_MOST_TOOLS}."
        )
    if body.output_schema is not None:
        schemas.append(body.output_schema)
    weights = [_weight(schema) for schema in schemas]
    optional = sum(weight[0] for weight in weights)
    if optional > _MOST_OPTIONAL:
        raise invalid(
            f"Schemas contains too many optional parameters ({optional}), which would make grammar "
            "compilation inefficient. Reduce the number of optional parameters in your tool "
            f"schemas (limit: {_MOST_OPTIONAL})."
        )
    unions = sum(weight[1] for weight in weights)
    if unions > _MOST_UNIONS:
        raise invalid(
            f"Schemas contains too many parameters with union types ({unions} parameters with type "
            "arrays or anyOf). This causes exponential compilation cost. Reduce the number of "
            f"nullable or union-typed parameters (limit: {_MOST_UNIONS} parameters with unions)."
        )


def _weight(schema: Mapping[str, object]) -> tuple[int, int]:
    """Return how many parameters are optional, and how many may be of several types."""
    text = dumps(schema)
    return _weighed(text) if len(text) < _LARGE else _weighed.__wrapped__(text)


@lru_cache(maxsize=512)
def _weighed(text: str) -> tuple[int, int]:
    found = list(_parameters(json.loads(text)))
    return sum(not required for required, _ in found), sum(union for _, union in found)


def _parameters(node: Any) -> Iterator[tuple[bool, bool]]:
    """Yield of each parameter whether it is required, and whether it may be of several types.

    Behind a reference nothing is counted.
    """
    if not isinstance(node, dict):
        return
    required = node.get("required", ())
    for name, inner in node.get("properties", {}).items():
        union = isinstance(inner, dict) and (
            "anyOf" in inner or isinstance(inner.get("type"), list)
        )
        yield name in required, union
        yield from _parameters(inner)
    for inner in (node.get("items"), *node.get("anyOf", ()), *node.get("allOf", ())):
        yield from _parameters(inner)
