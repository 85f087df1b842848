"""The pairs of texts that may be attached to whatever is kept."""

from __future__ import annotations

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._refused import invalid

__all__ = ["read"]

_MOST = 16


def read(value: object) -> Json:
    """Return the pairs; none at all are no pairs.

    Raises:
        RefusedError: they are too many, or no texts.
    """
    if value is None:
        return {}
    pairs = values.record(value, "metadata")
    if len(pairs) > _MOST:
        raise invalid(
            f"Invalid 'metadata': too many properties. Expected an object with at most {_MOST} "
            f"properties, but got an object with {len(pairs)} properties instead.",
            param="metadata",
            code="object_above_max_properties",
        )
    for name, text in pairs.items():
        values.string(text, f"metadata.{name}")
    return pairs
