"""What a journal says of an exception that left the agent."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path

__all__ = ["chain_of", "heart_of", "is_own", "name_of", "text_of", "where"]

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
_LIBRARIES = tuple(
    str(Path(place).resolve()) for place in {sys.prefix, sys.base_prefix, sys.exec_prefix}
)
_OURS = str(Path(__file__).resolve().parent)
_DEMO = str(Path(__file__).resolve().parent / "demo")
_LONGEST = 600
_MEMBERS = 10_000  # of an exception group; Python would print 15


def heart_of(error: BaseException) -> BaseException:
    """Return the one exception in a group, however deep task groups have wrapped it."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def name_of(error: BaseException) -> str:
    """Return the class of an exception, with its module unless it is a builtin."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def text_of(error: BaseException) -> str:
    """Return the message of an exception, bounded, and the same in every process."""
    try:
        text = str(error)
    except Exception as failed:  # noqa: BLE001 - an agent's exception may fail at anything
        text = f"<its __str__ raised {name_of(failed)}>"
    return _ADDRESS.sub("0x…", text)[:_LONGEST]


def chain_of(error: BaseException) -> str:
    """Return an exception as Python would print it, with its causes, notes and all its members."""
    whole = traceback.TracebackException.from_exception(
        error, max_group_width=_MEMBERS, max_group_depth=_MEMBERS
    )
    return "".join(whole.format())


def where(error: BaseException) -> str:
    """Return `file:line` of the innermost frame of the agent's own code, or of any other.

    An error that happened in no Python code says where by its attribute `chaoskit_place`.
    """
    if place := getattr(error, "chaoskit_place", ""):
        return str(place)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own(frame.filename)]
    if not frames:
        return ""
    chosen = (own or frames)[-1]
    return f"{Path(chosen.filename).name}:{chosen.lineno}"


def is_own(filename: str) -> bool:
    """Tell whether a file of code belongs to the agent, and not to a library or to chaoskit."""
    if filename.startswith("<"):
        return False
    path = str(Path(filename).resolve())
    if path.startswith(_DEMO):
        return True
    return not path.startswith((_OURS, *_LIBRARIES)) and "site-packages" not in path
