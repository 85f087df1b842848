"""What a simulated tool returns, made from its settings."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from chaoskit.fakes import fakes, provided
from chaoskit.tool import FakerResult, SizedResult, TextResult, ToolResultSettings

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["make"]

_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
_CHARACTERS_PER_TOKEN = 4
_WORDS = (
    "service", "request", "deploy", "node", "queue", "cache", "worker", "region", "started",
    "finished", "waiting", "retried", "was", "within", "after", "before", "the", "a", "new",
    "healthy", "slow", "config", "release", "step",
)  # fmt: skip


def make(result: ToolResultSettings, rng: random.Random) -> object:
    """Return a new value; equal settings and equal generators give equal values.

    Raises:
        UsageError: Faker has no such provider, or not with those arguments.
    """
    if isinstance(result, FakerResult):
        return _rows(result, rng)
    if isinstance(result, TextResult):
        return result.text
    if isinstance(result, SizedResult):
        return _sized(result.tokens * _CHARACTERS_PER_TOKEN, rng)
    return copy.deepcopy(result)  # an agent may change what it gets


def _rows(result: FakerResult, rng: random.Random) -> list[dict[str, object]]:
    if not result.fields:
        faker = fakes(rng)
        return [_row(faker, rng) for _ in range(result.rows)]
    return [
        {name: provided(how, rng) for name, how in result.fields.items()}
        for _ in range(result.rows)
    ]


def _row(faker: Faker, rng: random.Random) -> dict[str, object]:
    moment = _EPOCH + timedelta(seconds=rng.randrange(365 * 86_400))
    return {
        "id": faker.bothify("???-####").upper(),
        "title": faker.sentence(nb_words=5),
        "owner": faker.name(),
        "at": moment.isoformat().replace("+00:00", "Z"),
    }


def _sized(characters: int, rng: random.Random) -> str:
    lines = [f"Report REP-{rng.randint(1000, 9999)}"]
    size = len(lines[0])
    while size < characters:
        line = " ".join(rng.choices(_WORDS, k=12))
        lines.append(line)
        size += len(line) + 1
    return "\n".join(lines)[:characters]
