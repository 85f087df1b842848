"""Days of the week that failed, for `--lf` on its own."""

from __future__ import annotations

import pytest

__all__ = ["days_that_failed"]

_WEEK = "chaos-week::"


def days_that_failed(config: pytest.Config) -> list[str]:
    """Return the days that failed when they last ran, where `--lf` is to choose among everything.

    Where tests are named, only those are looked at, as pytest does with files.
    """
    option = config.option
    if option.chaos_week or option.chaos_named or config.args_source is config.ArgsSource.ARGS:
        return []
    cache = getattr(config, "cache", None)  # it can be switched off
    failed = cache.get("cache/lastfailed", {}) if cache is not None else {}
    return [name.removeprefix(_WEEK) for name in failed if name.startswith(_WEEK)]
