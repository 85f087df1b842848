"""An agent that is a command, in any language: the prompt goes in, the answer comes out.

The prompt is what the command reads on its standard input, or what stands in its words in place
of `{prompt}`. The answer is what it writes to its standard output. An exit code other than 0, and
an answer that is empty or endless, are failures.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, cast

from chaoskit.errors import AgentNotFound
from chaoskit.output import Output
from chaoskit.outside import Question
from chaoskit.sessions import environment_of

__all__ = ["PREFIX", "Command", "CommandFailed", "Finished", "kill"]

PREFIX = "command:"
"""What the name of an agent begins with that is a command."""

_PROMPT = "{prompt}"
_MB = 1024 * 1024
_MOST_ANSWERED = 16 * _MB  # bytes of stdout; an agent that writes more is killed
_MOST_TOLD = 4 * _MB  # bytes of stderr that are kept, the last ones
_REMOVED = ("ANTHROPIC_AUTH_TOKEN",)
_DIRECT = "127.0.0.1,localhost"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
"""Where clients are told of a proxy: it is the server itself, which refuses other hosts."""
_OBEY = {"NODE_USE_ENV_PROXY": "1"}  # Node looks at the variables only where this says so
_LINES = 8  # last lines of stderr that a failure tells


class CommandFailed(Exception):  # noqa: N818 - it says what happened
    """The command ended with another exit code than 0, without an answer, or with too long a one.

    Attributes:
        chaoskit_place: the command, which is where it happened.
    """

    def __init__(self, message: str, place: str) -> None:
        super().__init__(message)
        self.chaoskit_place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended.

    Attributes:
        flooded: it was killed, since its answer had no end.
    """

    code: int
    answer: str
    errors: str
    flooded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as words, without a shell.

    Attributes:
        scale: how many seconds of the world pass in one of the machine while it runs.
    """

    words: tuple[str, ...]
    scale: float = 1.0

    @classmethod
    def of(cls, text: str, *, scale: float = 1.0) -> Command:
        """Return the command that a line stands for, split as a shell splits it.

        Raises:
            AgentNotFound: it is empty, a quotation mark is missing, or there is no such program.
        """
        try:
            words = tuple(shlex.split(text))
        except ValueError as error:
            raise AgentNotFound(f"{text!r} is no command: {error}") from None
        if not words:
            raise AgentNotFound(f"no command; write {PREFIX} node agent.js, or what yours is")
        if shutil.which(words[0]) is None:
            raise AgentNotFound(
                f"there is no program {words[0]!r} (looking for {text!r}); name one that is on "
                "PATH, or its path. For a shell's own words write sh -c '…'"
            )
        return cls(words=words, scale=scale)

    @property
    def port(self) -> int:
        """Where the provider has to listen: anywhere, since each turn is told."""
        return 0

    @property
    def apart(self) -> bool:
        """Whether each turn is told anew where the provider is: in its environment."""
        return True

    @property
    def options(self) -> tuple[str, ...]:
        """The command line needs no more than the command."""
        return ()

    @property
    def wiring(self) -> str:
        """Its user need not set anything."""
        return ""

    def ready(self) -> None:
        """A command can always be tried."""

    def talk(
        self,
        provider: str,
        seen: Callable[[str, str, str], None],
        *,
        allow: tuple[str, ...] = (),
    ) -> Processes:
        """Begin to run it, a process for each turn."""
        return Processes(self, provider, seen, allow)

    def run(
        self,
        prompt: str,
        environment: Mapping[str, str],
        *,
        started: Callable[[subprocess.Popen[bytes]], None],
        ended: Callable[[subprocess.Popen[bytes]], None],
    ) -> Finished:
        """Run the command to its end; what it leaves running in its process group is killed.

        Args:
            started: gets the process, for whoever may have to kill it.
            ended: gets it again, before its id can be another's.
        """
        inline = any(_PROMPT in word for word in self.words)
        with tempfile.TemporaryFile() as given:
            if not inline:
                given.write(prompt.encode("utf-8", "replace"))
                given.seek(0)
            process = subprocess.Popen(  # noqa: S603 - it is the user's own command
                [word.replace(_PROMPT, prompt) for word in self.words],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=environment,
                start_new_session=True,
            )
        reaping = threading.Lock()  # after it, the id of the process may be another's

        def flooded() -> None:
            with reaping:
                if process.returncode is None:
                    kill(process)

        started(process)
        out, err = (cast("IO[bytes]", pipe) for pipe in (process.stdout, process.stderr))
        answer = Output(out, most=_MOST_ANSWERED, full=flooded)
        errors = Output(err, most=_MOST_TOLD)
        try:
            _wait(process)
        finally:
            ended(process)
            with reaping:
                kill(process)
                process.wait()
        return Finished(
            code=process.returncode,
            answer=answer.text(),
            errors=errors.text(),
            flooded=answer.flooded,
        )

    def answer_of(self, finished: Finished) -> str:
        """Return the answer of a command that ended.

        Raises:
            CommandFailed: it failed, said nothing, or did not stop.
        """
        answer = finished.answer.strip("\r\n")
        if finished.code == 0 and answer.strip() and not finished.flooded:
            return answer
        what = "nothing on stdout" if finished.code == 0 else _ending(finished.code)
        if finished.flooded:
            most = f"{_MOST_ANSWERED // _MB} MB"
            what = f"killed: more than {most} on stdout, which is the answer; log to stderr"
        last = finished.errors.strip().splitlines()[-_LINES:]
        told = "; stderr: " + "\n".join(last) if last else "; nothing on stderr"
        raise CommandFailed(what + told, shlex.join(self.words))


class Processes:
    """Runs a command, a process for each turn."""

    def __init__(
        self,
        command: Command,
        provider: str,
        seen: Callable[[str, str, str], None],
        allow: tuple[str, ...],
    ) -> None:
        self._command = command
        self._provider = provider
        self._seen = seen
        self._allow = allow
        self._stopped = False
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()  # a process is either killed by a stop or has ended

    def ask(self, question: Question) -> str:
        """Run the command for one turn.

        Raises:
            CommandFailed: it failed, or said nothing.
        """
        environment = {name: text for name, text in os.environ.items() if name not in _REMOVED}
        for name in ("NO_PROXY", "no_proxy"):
            direct = (environment.get(name), _DIRECT, *self._allow)
            environment[name] = ",".join(filter(None, direct))
        environment |= dict.fromkeys(_PROXIES, self._provider) | _OBEY
        environment |= environment_of(self._provider, question.user)
        environment |= {
            "CHAOS_USER": question.user,
            "CHAOS_SESSION": question.session,
            "CHAOS_TURN": str(question.turn),
        }
        finished = self._command.run(
            question.prompt, environment, started=self._started, ended=self._ended
        )
        self._seen("stderr", finished.errors, "stderr of the command")
        return self._command.answer_of(finished)

    def stop(self) -> None:
        """Kill what is running."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                kill(process)

    def _started(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.add(process)
            if self._stopped:
                kill(process)

    def _ended(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process that was not waited for yet, and all that it started in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a process, and leave its id taken where the system allows that."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
