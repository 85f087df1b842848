"""Makes `datetime` tell the run's time.

A class of ours in its place would break identity (`isinstance`, pydantic fields, pickles), so the
two methods that read the clock are exchanged inside the type itself. `datetime.today` and
`date.today` ask `time.time` and need nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import gc
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["datetime_reading"]


@contextlib.contextmanager
def datetime_reading(seconds: Callable[[], float | None]) -> Iterator[None]:
    """Let `datetime.now` and `utcnow` tell `seconds()`, or the real time where that is None."""
    cls = dt.datetime
    methods = gc.get_referents(cls.__dict__)[0]
    originals = {name: methods[name] for name in ("now", "utcnow")}

    def now(kind: type[dt.datetime], tz: dt.tzinfo | None = None) -> Any:
        unix = seconds()
        if unix is None:
            return originals["now"].__get__(None, kind)(tz)
        return kind.fromtimestamp(unix, tz)

    def utcnow(kind: type[dt.datetime]) -> Any:
        unix = seconds()
        if unix is None:
            return originals["utcnow"].__get__(None, kind)()
        return kind.fromtimestamp(unix, dt.UTC).replace(tzinfo=None)

    methods["now"], methods["utcnow"] = classmethod(now), classmethod(utcnow)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))
    try:
        yield
    finally:
        methods.update(originals)
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))
