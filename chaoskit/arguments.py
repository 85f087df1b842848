"""Arguments of tool calls against the JSON Schema that the agent offered."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]  # ships no types
from jsonschema.validators import validator_for  # type: ignore[import-untyped]  # ships no types
from referencing import Registry
from referencing.exceptions import Unresolvable

from chaoskit.errors import UnusableSchema
from chaoskit.schema.sampling import Sampler, Unsatisfied

__all__ = ["is_valid", "valid_arguments", "violations"]

_ATTEMPTS = 4
_LARGE = 64 * 1024  # characters of a schema that is not remembered
_DEEP = "it is nested too deeply"


def is_valid(schema: Mapping[str, object], arguments_text: str) -> bool:
    """Tell whether a text is a JSON object that satisfies the schema.

    Raises:
        UnusableSchema: the schema itself is wrong.
    """
    try:
        arguments = json.loads(arguments_text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return isinstance(arguments, dict) and not _errors(schema, arguments, first=True)


def violations(schema: Mapping[str, object], arguments: object) -> tuple[str, ...]:
    """Return what is wrong with arguments, one `path: problem` each, in the order of the paths.

    The texts quote the offending values, as validators do.

    Raises:
        UnusableSchema: the schema itself is wrong.
    """
    if not isinstance(arguments, Mapping):
        return (f"arguments: {type(arguments).__name__} is not a JSON object",)
    return tuple(sorted(_errors(schema, dict(arguments))))


def valid_arguments(
    schema: Mapping[str, object], rng: random.Random, hint: str = ""
) -> dict[str, object]:
    """Return arguments that satisfy the schema; free text in them is made of words of the hint.

    Raises:
        UnusableSchema: the schema is wrong, or so intricate that no valid arguments were found.
    """
    validator = _validator_of(schema)
    for _ in range(_ATTEMPTS):
        sampler = Sampler(validator, rng, hint)
        try:
            arguments = sampler.arguments()
            if validator.is_valid(arguments):
                return arguments
        except (Unsatisfied, ArithmeticError):  # numbers that no float can hold
            continue
        except Unresolvable as error:
            raise _wrong(error) from error
        except RecursionError as error:
            raise _wrong(_DEEP) from error
    raise UnusableSchema(
        "no arguments were found that satisfy the tool's schema; give its properties `examples` "
        f"or a `default`: {_canonical(schema)[:400]}"
    )


def _errors(schema: Mapping[str, object], arguments: object, *, first: bool = False) -> list[str]:
    validator = _validator_of(schema)
    try:
        if first:
            return [] if validator.is_valid(arguments) else ["invalid"]
        return [
            f"{error.json_path.removeprefix('$').lstrip('.') or 'arguments'}: {error.message}"
            for error in validator.iter_errors(arguments)
        ]
    except Unresolvable as error:
        raise _wrong(error) from error
    except RecursionError as error:
        raise _wrong(_DEEP) from error


def _canonical(schema: Mapping[str, object]) -> str:
    return json.dumps(dict(schema), sort_keys=True)


def _validator_of(schema: Mapping[str, object]) -> Any:
    canonical = _canonical(schema)
    return _validator(canonical) if len(canonical) < _LARGE else _validator.__wrapped__(canonical)


@lru_cache(maxsize=512)
def _validator(canonical: str) -> Any:
    schema = json.loads(canonical)
    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise _wrong(error.message) from error
    except RecursionError as error:
        raise _wrong(_DEEP) from error
    # An empty registry keeps references to other documents from reaching for the network.
    return kind(schema, registry=Registry())


def _wrong(why: object) -> UnusableSchema:
    return UnusableSchema(f"the schema of the tool's arguments is wrong: {why}")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
