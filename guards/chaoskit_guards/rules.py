"""How a router treats failures and answers that nobody wants."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a router treats failures; durations are seconds.

    Attributes:
        patience: a rate-limited provider is waited for so long before the next one is asked.
        max_wait: it is waited for so long when nobody else is left.
        out_of_route: how long a provider stays out after it refused our credentials, does not
            know the model, or says that the money is spent.
        rounds: how often one request asks one provider at most.
        unwanted: stop reasons, such as `refusal` or `max_tokens`, for which the next provider is
            asked; the answer is kept, and is the result when nobody has a better one. Not for
            streams, whose text has been shown by then.
        hedge_after: a call that has no answer by then asks the next provider as well; the first
            answer counts, the other request is given up and noted with its estimated price. An
            async one is cancelled; a sync one goes on in its thread until it ends by itself.
            None: one at a time. Not for streams.
        ramp: for so long after its breaker has closed, a provider gets a growing share of the
            requests first, and the others only when somebody else fails; 0: all at once.
    """

    patience: float = 2.0
    max_wait: float = 15.0
    out_of_route: float = 600.0
    rounds: int = 2
    unwanted: Collection[str] = ()
    hedge_after: float | None = None
    ramp: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.unwanted, str):
            raise TypeError("unwanted is a collection of stop reasons, such as {'refusal'}")
        if self.hedge_after is not None and not self.hedge_after >= 0:
            raise ValueError("hedge_after is 0 seconds or more, or None")
        if not self.ramp >= 0:
            raise ValueError("ramp is 0 seconds or more")
