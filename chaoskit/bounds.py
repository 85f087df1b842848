"""What a run may use before it is ended, and whom it may reach."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from chaoskit.settings import Duration, Usd, settings

__all__ = ["Bounds", "Network"]


@settings
class Bounds:
    """A run that needs more is ended, and judged by what it did until then."""

    example: ClassVar[str] = """
    [bounds]
    calls = 2_000
    usd = 5.0
    virtual = "2h"
    real = "30s"
    """

    calls: Annotated[int, Field(ge=1)] = 20_000
    """HTTP attempts of all users together."""

    usd: Usd = 100.0
    """What all calls together cost, in US dollars."""

    virtual: Duration = 21_600.0
    """Time on the run's own clock."""

    real: Duration = 60.0
    """Time on the machine."""


@settings
class Network:
    """What of the real network a run may reach."""

    example: ClassVar[str] = """
    [network]
    allow = ["telemetry.internal"]
    """

    allow: tuple[str, ...] = ()
    """Hosts that the agent may reach for real; none unless named."""
