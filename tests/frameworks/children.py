"""Processes that leave nothing behind, however the runner ends."""

import contextlib
import json
import subprocess
import threading

from chaoskit.command import kill

PATIENCE = 120  # seconds for one answer


@contextlib.contextmanager
def child(words, **options):
    """Run a command for a block, with whose end all ends that the command started."""
    process = subprocess.Popen(words, start_new_session=True, **options)
    try:
        yield process
    finally:
        kill(process)
        process.wait()


@contextlib.contextmanager
def answering(words, log):
    """Run a program, which answers line by line, for a block."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
    with child(words, encoding="utf-8", **pipes) as process:
        yield Program(process)
        with contextlib.suppress(BrokenPipeError):  # it may have ended before it was asked
            process.stdin.close()


class Program:
    """A running program, which answers line by line."""

    def __init__(self, process):
        self._process = process

    def hear(self):
        """Return the next answer; one that takes too long, or no program at all, is a failure."""
        late = threading.Timer(PATIENCE, kill, [self._process])
        late.start()
        try:
            line = self._process.stdout.readline()
        finally:
            late.cancel()
        return json.loads(line) if line else None

    def ask(self, **asked):
        """Let a function of the program be called."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{json.dumps(asked)}\n")
            self._process.stdin.flush()
        return self.hear()
