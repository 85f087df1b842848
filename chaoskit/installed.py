"""Extensions that come with installed distributions: the entry points of one group.

They are imported when a name is looked for that chaoskit itself does not have, or when all names
are asked for: never by an import of chaoskit, and never for a scenario that does without them. One
that cannot be imported is remembered with its reason, and the others are imported all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

__all__ = ["GROUP", "Broken", "broken", "load"]

GROUP = "chaoskit.extensions"
"""The group of entry points; each names a module that registers its classes when imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An extension that could not be imported, and why."""

    name: str
    module: str
    distribution: str
    reason: str

    def __str__(self) -> str:
        return (
            f"the extension {self.name!r} ({self.module}, of {self.distribution}) cannot be used: "
            f"{self.reason}"
        )


class _State:
    loaded = False
    broken: tuple[Broken, ...] = ()


def load() -> None:
    """Import the extensions of all installed distributions, once in a process."""
    if _State.loaded:
        return
    _State.loaded = True  # first, because an extension may look for names itself
    for point in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        try:
            point.load()
        except Exception as error:  # noqa: BLE001 - one broken extension does not end the others
            _State.broken = (*_State.broken, _broken(point, error))


def broken() -> tuple[Broken, ...]:
    """Return the extensions that could not be imported, of those that were tried."""
    return _State.broken


def _broken(point: EntryPoint, error: Exception) -> Broken:
    distribution = f"{point.dist.name} {point.dist.version}" if point.dist else "no distribution"
    kind = "" if type(error).__module__.startswith("chaoskit.") else f"{type(error).__name__}: "
    return Broken(
        name=point.name,
        module=point.value,
        distribution=distribution,
        reason=f"{kind}{error}",
    )
