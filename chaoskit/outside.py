"""An agent in another process, as a run sees it: something to be asked, and to be stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Outside", "Question", "Talk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One turn of one user.

    Attributes:
        session: like no other of any run, so that what an agent keeps of it is new.
        trace: 32 hexadecimal digits that stand for the turn, as in the header `traceparent`.
    """

    prompt: str
    user: str
    session: str
    turn: int
    trace: str
    history: list[dict[str, Any]] = field(default_factory=list)


class Talk(Protocol):
    """What a run says to its agent, from many threads."""

    def ask(self, question: Question) -> str:
        """Return the answer; whatever it raises has left the agent."""
        ...

    def stop(self) -> None:
        """End whatever is going on; the threads that ask come back at once."""
        ...


class Outside(Protocol):
    """A command, or a service at a URL.

    Attributes:
        scale: how many seconds of the world pass in one of the machine while it runs.
        port: where the provider has to listen; 0 for any port.
        apart: it is told of the provider anew for each turn, so that calls name their users.
        options: how the command line names what is set of it, beside its name.
    """

    @property
    def scale(self) -> float: ...  # noqa: D102 - see above

    @property
    def port(self) -> int: ...  # noqa: D102 - see above

    @property
    def apart(self) -> bool: ...  # noqa: D102 - see above

    @property
    def options(self) -> tuple[str, ...]: ...  # noqa: D102 - see above

    @property
    def wiring(self) -> str:
        """What its environment needs, and nobody but its user can set; empty where nothing."""
        ...

    def ready(self) -> None:
        """Make sure that it can be asked.

        Raises:
            UsageError: it cannot; the text says what to do.
        """
        ...

    def talk(
        self,
        provider: str,
        seen: Callable[[str, str, str], None],
        *,
        allow: tuple[str, ...] = (),
    ) -> Talk:
        """Begin to talk with it.

        Args:
            provider: base URL of the simulated provider.
            seen: looks for planted secrets: channel, text, place.
            allow: hosts that it may reach for real.
        """
        ...
