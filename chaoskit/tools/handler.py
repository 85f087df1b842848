"""Tools that the author of a scenario wrote in Python."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from chaoskit import failure
from chaoskit.dotted import locate
from chaoskit.errors import UsageError
from chaoskit.records import RecordError
from chaoskit.tool import SimulatedToolError
from chaoskit.tools.view import RecordsView

__all__ = ["handled"]


def handled(path: str, view: RecordsView, arguments: Mapping[str, object]) -> object:
    """Return what a handler makes of a call.

    Raises:
        SimulatedToolError, RecordError: the handler lets the tool fail.
        UsageError: there is no such handler, or it failed otherwise.
    """
    function = locate(path).value
    if not callable(function):
        raise UsageError(f"the handler {path} is {function!r}, not a function")
    try:
        value = function(view, **arguments)
    except (SimulatedToolError, RecordError):
        raise
    except Exception as error:
        told = f"{failure.name_of(error)}: {failure.text_of(error)} ({failure.where(error)})"
        raise UsageError(
            f"the handler {path} failed: {told}; raise SimulatedToolError to let the tool fail"
        ) from error
    if inspect.isawaitable(value):
        raise UsageError(f"the handler {path} is a coroutine function; make it a plain one")
    return value
