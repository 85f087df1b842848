"""The tier of service that a request asks for, and the one that it gets."""

from __future__ import annotations

from chaoskit.dialects._openai import values

__all__ = ["served"]

_ASKED = ("auto", "default", "flex", "scale", "priority", "fast")
_USUAL = ("auto", "default", "scale")


def served(value: object) -> str:
    """Return the tier that serves a request; a project without special terms has the usual one.

    Raises:
        RefusedError: there is no such tier.
    """
    if value is None:
        return "default"
    asked = values.one_of(value, _ASKED, "service_tier")
    if asked in _USUAL:
        return "default"
    return "priority" if asked == "fast" else asked
