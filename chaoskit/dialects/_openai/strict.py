"""The rules that a JSON Schema obeys when the model has to conform to it strictly."""

from __future__ import annotations

from urllib.parse import unquote

from chaoskit.dialects._json import Json

__all__ = ["flaw"]


def flaw(schema: Json) -> str:
    """Return what is wrong with a strict schema, empty when nothing is."""
    return _flaw(schema, (), schema)


def _flaw(schema: object, context: tuple[str, ...], root: Json) -> str:
    if not isinstance(schema, dict):
        return ""
    reference = schema.get("$ref")
    if isinstance(reference, str) and not _is_defined(reference, root):
        return (
            f"In context={context!r}, reference can only point to definitions defined at the top "
            "level of the schema."
        )
    if schema.get("type") == "object" and (found := _object(schema, context)):
        return found
    for key in ("properties", "$defs", "definitions"):
        members = schema.get(key)
        if isinstance(members, dict):
            for name, member in members.items():
                if found := _flaw(member, (*context, key, str(name)), root):
                    return found
    if found := _flaw(schema.get("items"), (*context, "items"), root):
        return found
    branches = schema.get("anyOf")
    for at, branch in enumerate(branches if isinstance(branches, list) else []):
        if found := _flaw(branch, (*context, "anyOf", str(at)), root):
            return found
    return ""


def _is_defined(reference: str, root: Json) -> bool:
    """Tell whether a reference leads to the whole schema, or to a definition at its top level."""
    if reference == "#":
        return True
    place, _, name = reference.removeprefix("#/").partition("/")
    known = root.get(place) if place in ("$defs", "definitions") else None
    written = unquote(name).replace("~1", "/").replace("~0", "~")
    return reference.startswith("#/") and isinstance(known, dict) and written in known


def _object(schema: Json, context: tuple[str, ...]) -> str:
    place = f"In context={context!r}"
    if schema.get("additionalProperties") is not False:
        return f"{place}, 'additionalProperties' is required to be supplied and to be false."
    required = schema.get("required")
    names = schema.get("properties") or {}
    missing = [name for name in names if not isinstance(required, list) or name not in required]
    if missing:
        return (
            f"{place}, 'required' is required to be supplied and to be an array including every "
            f"key in properties. Missing '{missing[0]}'."
        )
    return ""
