"""The words of a session: what the project and installed extensions add to the catalogues."""

from __future__ import annotations

import warnings

import pytest

from chaoskit import extensions, installed
from chaoskit.errors import UsageError

__all__ = ["learn"]

_LEARNT = pytest.StashKey[bool]()


def learn(config: pytest.Config) -> None:
    """Load the extensions of the project, once in a session, and name those that are broken.

    Raises:
        pytest.UsageError: one that the project names cannot be used.
    """
    if config.stash.get(_LEARNT, False):
        return
    config.stash[_LEARNT] = True
    try:
        extensions.load_of_project(config.rootpath)
    except UsageError as error:
        raise pytest.UsageError(f"chaoskit: {error}") from None
    for one in installed.broken():
        warnings.warn(pytest.PytestWarning(str(one)), stacklevel=1)
