"""What a breaker asks and tells the circuit that it shares, also while that is silent."""

from __future__ import annotations

from collections.abc import Callable

from chaoskit_guards.errors import StoreUnavailable
from chaoskit_guards.shared_circuit import Answer, Command, SharedCircuit

__all__ = ["SharedBreaker"]


class SharedBreaker:
    """Speaks for one process; None for an answer means that it has to go by its own state."""

    def __init__(self, circuit: SharedCircuit, tell: Callable[..., None]) -> None:
        self.circuit = circuit
        self._listen = tell

    def ask(self, command: Command) -> Answer | None:
        """Ask for an admission or the state, or change it.

        Raises:
            StoreUnavailable: Redis did not answer, and the store refuses then.
        """
        try:
            return self.circuit.send(command)
        except StoreUnavailable:
            self._alone()
            return None

    async def aask(self, command: Command) -> Answer | None:
        """Do what `ask` does, without blocking."""
        try:
            return await self.circuit.asend(command)
        except StoreUnavailable:
            self._alone()
            return None

    def tell(self, result: Command) -> None:
        """Tell how a call went; what the circuit misses, the lease of a probe mends."""
        try:
            self._hear(self.circuit.send(result))
        except StoreUnavailable:
            self._listen("untold")

    async def atell(self, result: Command) -> None:
        """Do what `tell` does, without blocking."""
        try:
            self._hear(await self.circuit.asend(result))
        except StoreUnavailable:
            self._listen("untold")

    def _alone(self) -> None:
        """Let this process go by its own state, or raise the error that is being handled."""
        if self.circuit.refuses:
            raise  # noqa: PLE0704 - called while it is handled
        self._listen("alone")

    def _hear(self, answer: Answer) -> None:
        """Tell the listener what this process's result has changed for all."""
        if answer.what == "opened":
            self._listen("opened", retry_after=answer.wait)
        elif answer.what == "closed":
            self._listen("closed")
