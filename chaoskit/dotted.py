"""Dotted paths: `package.module:name` and `package.module:Class.method`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from chaoskit.errors import UsageError

__all__ = ["Place", "locate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an object was found: attribute `name` of `owner`, or entry of a dict or list."""

    owner: object
    name: str | int
    value: object


def locate(path: str) -> Place:
    """Import the module of a dotted path and return the object that the path names.

    Raises:
        UsageError: the path is malformed, or leads nowhere.
    """
    module_name, colon, chain = path.partition(":")
    names = chain.split(".")
    if not colon or not module_name or not all(name.isidentifier() for name in names):
        raise UsageError(f"{path!r} is not a dotted path; write it as 'package.module:name'")
    try:
        owner: object = importlib.import_module(module_name)
    except ImportError as error:
        raise UsageError(f"{path!r} cannot be imported: {error}") from error
    value = owner
    for name in names:
        owner = value
        try:
            value = getattr(owner, name)
        except AttributeError:
            raise UsageError(f"{path!r} leads nowhere: {owner!r} has no {name!r}") from None
    return Place(owner=owner, name=names[-1], value=value)
