"""A model that the user writes: a Python function."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import ClassVar

from chaoskit.behaviour import Scene
from chaoskit.dotted import locate
from chaoskit.errors import UsageError
from chaoskit.exchange import Call, Reply, Text
from chaoskit.settings import settings

__all__ = ["Function"]


@settings
class Function:
    """Asks a Python function `(call, scene) -> Reply | str` for each answer."""

    example: ClassVar[str] = """
    [behaviour]
    use = "function"
    path = "myapp.models:terse"
    """

    path: str
    """Dotted path of the function: `package.module:name`."""

    def reply(self, call: Call, scene: Scene) -> Reply:
        """Return what the function answers.

        Raises:
            UsageError: the function is not to be found, or returned something else.
        """
        made = _function(self.path)(call, scene)
        if isinstance(made, str):
            return Reply(content=(Text(made),))
        if isinstance(made, Reply):
            return made
        raise UsageError(f"{self.path!r} returned {made!r}; return a chaoskit Reply or a str")


@cache
def _function(path: str) -> Callable[[Call, Scene], object]:
    found = locate(path).value
    if not callable(found):
        raise UsageError(f"{path!r} is {found!r}, which cannot be called; name a function")
    return found
