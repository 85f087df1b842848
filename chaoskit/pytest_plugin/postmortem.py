"""Where `--pdb` opens when an agent raised: in its own code, and not in that of the plugin."""

from __future__ import annotations

from types import TracebackType

import pytest

from chaoskit.failure import is_own
from chaoskit.run import Raised

__all__ = ["Remembered"]


class Remembered:
    """The last exception of each user's turns, for a debugger; nothing without `--pdb`."""

    def __init__(self, config: pytest.Config) -> None:
        self._errors: dict[str, BaseException] = {}
        self.raised: Raised | None = self._keep if getattr(config.option, "usepdb", False) else None

    def failure(self, told: str, user: str) -> BaseException:
        """Return the failure of a test, with the frames of whom its story is about."""
        failed = pytest.fail.Exception(told, pytrace=False)
        error = self._errors.get(user)
        return failed if error is None else failed.with_traceback(_own(error.__traceback__))

    def _keep(self, user: str, error: BaseException) -> None:
        self._errors[user] = error


def _own(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins and ends in the agent's own code."""
    entries = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    places = [n for n, one in enumerate(entries) if is_own(one.tb_frame.f_code.co_filename)]
    made: TracebackType | None = None
    for one in reversed(entries[places[0] : places[-1] + 1] if places else entries):
        made = TracebackType(made, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return made
