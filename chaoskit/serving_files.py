"""The journals of a server's sessions, in files that others may read meanwhile."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Literal, TextIO

from chaoskit.errors import UsageError
from chaoskit.journal import HALVES, Event, as_line

__all__ = ["Files"]

_MOST = 64  # files that are open at once
_LONGEST_NAME = 80  # characters of a session's name in that of a file


class Files:
    """The files of journals: one for each session, beside that of the session without a name.

    Raises:
        UsageError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[Path, TextIO] = {}  # those that are open, the latest used last
        self._owners: dict[Path, object] = {}
        self._names: dict[str, str] = {}  # whose name a file bears, by what stands in its name
        self._lock = threading.Lock()  # sessions have threads of their own
        self.of("")

    def of(self, name: str) -> Callable[[Event], None]:
        """Return what writes the events of a session, into a file that begins anew."""
        owner = object()
        with self._lock:
            path = self._path_of(name)
            if path in self._files:
                self._files.pop(path).close()
            self._owners[path] = owner
            self._file(path, "w")

        def write(event: Event) -> None:
            line = f"{as_line(event)}\n"
            with self._lock:
                if self._owners.get(path) is owner:  # else it was begun anew meanwhile
                    file = self._file(path, "a")
                    file.write(line)
                    file.flush()

        return write

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._owners.clear()
            for file in self._files.values():
                file.close()

    def _path_of(self, name: str) -> Path:
        """Return the path for a session: its name, and a number where others have it already."""
        if not name:
            return self._path
        own = re.sub(r"[^A-Za-z0-9_=-]+", "-", name)[:_LONGEST_NAME]
        for number in count(1):
            word = own if number == 1 else f"{own}-{number}"
            if self._names.setdefault(word.casefold(), name) == name:
                break
        return self._path.with_suffix(f".{word}{self._path.suffix}")

    def _file(self, path: Path, mode: Literal["w", "a"]) -> TextIO:
        file = self._files.pop(path, None)
        if file is None:
            try:
                file = path.open(mode, encoding="utf-8", errors=HALVES)
            except OSError as error:
                raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        self._files[path] = file
        if len(self._files) > _MOST:
            self._files.pop(next(iter(self._files))).close()
        return file
