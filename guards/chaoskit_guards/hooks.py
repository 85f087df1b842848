"""Functions of the user's that are asked or told something beside a call that has been paid for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

__all__ = ["asked"]

T = TypeVar("T")

_log = logging.getLogger("chaoskit_guards")


def asked(what: str, hook: Callable[..., T], *args: object) -> T | None:
    """Return what a hook says; when it fails, the log says so and the answer is None."""
    try:
        return hook(*args)
    except Exception:  # noqa: BLE001 - whatever it does wrong, the call goes on
        _log.exception("%s failed", what)
        return None
