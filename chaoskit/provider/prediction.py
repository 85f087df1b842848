"""What a predicted answer saves and costs: what came true, and what was in vain."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.exchange import Call, Reply, Usage
from chaoskit.provider.catalogue import Model
from chaoskit.provider.prompt import scaled
from chaoskit.provider.tokens import TokenCounter

__all__ = ["predicted"]


def predicted(usage: Usage, reply: Reply, call: Call, model: Model, counter: TokenCounter) -> Usage:
    """Return the usage of an answer that was predicted; what was predicted in vain is billed.

    A prediction comes true as far as the answer begins like it, and ends like it.
    """
    prediction, said = str(call.options["prediction"]), reply.text
    begin = _alike(prediction, said)
    end = _alike(prediction[begin:][::-1], said[begin:][::-1])
    true = prediction[:begin].rstrip() + prediction[len(prediction) - end :]
    accepted = min(scaled(counter.text(true), model.scale), usage.output)
    rejected = max(0, scaled(counter.text(prediction), model.scale) - accepted)
    return replace(usage, output=usage.output + rejected, accepted=accepted, rejected=rejected)


def _alike(first: str, second: str) -> int:
    """Return how many characters two texts share at their beginning."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(first), len(second)))
