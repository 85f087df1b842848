"""Every error of chaoskit, by whose mistake it is.

ChaoskitError
├── UsageError              the user's: what was asked for cannot be done
│   ├── AgentNotFound       the agent cannot be imported or called
│   ├── UnusableSchema      no value can be made for a JSON Schema, or judged by it
│   └── ScenarioError       a scenario file is wrong; carries every problem at once
└── InternalError           ours: a bug of chaoskit, never a verdict on the agent

NetworkRefused              the agent's: it reached for a host outside of the run (an OSError)
RunStopped                  a signal, not an error: ends an agent that exceeded its bounds
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "AgentNotFound",
    "ChaoskitError",
    "InternalError",
    "NetworkRefused",
    "Problem",
    "RunStopped",
    "ScenarioError",
    "UnusableSchema",
    "UsageError",
]


class ChaoskitError(Exception):
    """The root of the errors that chaoskit raises."""


class UsageError(ChaoskitError):
    """What the user asked for cannot be done; the text says what to do instead."""


class AgentNotFound(UsageError):  # noqa: N818 - it says what is wrong
    """The named agent cannot be imported, found or called."""


class UnusableSchema(UsageError):  # noqa: N818 - it says what is wrong
    """No value can be made for a JSON Schema, or judged by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a scenario file.

    Attributes:
        where: file and, where known, line: `week.chaos.toml:12`.
        key: path of the key, such as `faults[0].retry_after`; empty for the whole file.
        message: what is wrong.
        advice: what to write instead; may be empty.
    """

    where: str
    key: str
    message: str
    advice: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.key}" if self.key else self.where
        return f"{place}: {self.message}" + (f" ({self.advice})" if self.advice else "")


class ScenarioError(UsageError):
    """A scenario is wrong. `problems` lists everything that is, not only the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class InternalError(ChaoskitError):
    """A bug of chaoskit itself. Please report it with the journal of the run."""


class NetworkRefused(ConnectionRefusedError):  # noqa: N818 - it says what happened
    """The agent tried to reach a host while a run is active; nothing was sent."""


class RunStopped(BaseException):
    """Ends an agent that exceeded the bounds of its run.

    It inherits `BaseException` so that an agent's `except Exception` does not swallow it.
    """
