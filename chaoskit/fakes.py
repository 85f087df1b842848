"""Plausible values from Faker, seeded."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from chaoskit.errors import UsageError

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["fakes", "provided"]


def provided(how: str | Mapping[str, object], rng: random.Random) -> object:
    """Return a new value; equal providers and equal generators give equal values.

    Args:
        how: a provider of Faker such as `city`, or a table with `provider` and its arguments.

    Raises:
        UsageError: Faker has no such provider, or not with those arguments.
    """
    rest = {"provider": how} if isinstance(how, str) else dict(how)
    provider = rest.pop("provider", None)
    try:
        value = getattr(fakes(rng), str(provider))(**rest)
    except (AttributeError, TypeError) as error:
        raise UsageError(
            f"Faker cannot make {how!r} ({error}); name one of its providers, such as 'city'"
        ) from error
    plain = (str, int, float, list, dict, type(None))
    return value if isinstance(value, plain) else str(value)


def fakes(rng: random.Random) -> Faker:
    """Return Faker, seeded."""
    faker = _faker()
    faker.seed_instance(rng.getrandbits(64))
    return faker


@cache
def _faker() -> Faker:
    from faker import Faker  # noqa: PLC0415 - slow to import, and most scenarios do without

    return Faker("en_US")
