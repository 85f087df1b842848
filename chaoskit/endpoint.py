"""An agent that is a service: the prompt is posted to its URL, the answer is what comes back.

It runs already, and finds the simulated provider on a port that is known beforehand, by the
variables that the vendors' SDKs read.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from chaoskit.errors import AgentNotFound, UsageError
from chaoskit.outside import Question
from chaoskit.said import NoAnswer, said
from chaoskit.sessions import SESSION, environment_of

__all__ = ["PORT", "Endpoint", "ServiceFailed", "is_url"]

_SCHEMES = ("http", "https")
PORT = 8642
"""Where the provider listens unless told otherwise; `chaoskit serve` has the same."""

_PATIENCE = 10.0  # seconds to be reached at all
_SHOWN = 500  # characters of an answer that a failure tells


def is_url(place: str) -> bool:
    """Tell whether the name of an agent is that of a service."""
    return place.startswith(tuple(f"{scheme}:" for scheme in _SCHEMES))


class ServiceFailed(Exception):  # noqa: N818 - it says what happened
    """The service answered with an error, without a text, or not to the end.

    Attributes:
        chaoskit_place: the URL, which is where it happened.
    """

    def __init__(self, message: str, place: str) -> None:
        super().__init__(message)
        self.chaoskit_place = place


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The URL of a service.

    Attributes:
        scale: how many seconds of the world pass in one of the machine while it runs.
        port: where the provider listens for it.
    """

    url: str
    scale: float = 1.0
    port: int = PORT

    @classmethod
    def of(cls, url: str, *, scale: float = 1.0, port: int = PORT) -> Endpoint:
        """Return the service at a URL.

        Raises:
            AgentNotFound: it is no URL.
        """
        try:
            parts = urlsplit(url)
            named = parts.scheme in _SCHEMES and parts.hostname and (parts.port or 1)
        except ValueError:
            named = None
        if not named:
            raise AgentNotFound(
                f"{url!r} is no URL of a service; write http://127.0.0.1:8000/answer"
            )
        return cls(url=url, scale=scale, port=port)

    @property
    def apart(self) -> bool:
        """Whether each turn tells it anew where the provider is: no, it runs already."""
        return False

    @property
    def options(self) -> tuple[str, ...]:
        """How the command line says on which port the provider is."""
        return () if self.port == PORT else ("--port", str(self.port))

    @property
    def wiring(self) -> str:
        """The variables that lead the SDKs in the service to the simulated provider."""
        environment = environment_of(f"http://127.0.0.1:{self.port}", "")
        return " ".join(f"{name}={value}" for name, value in environment.items())

    def ready(self) -> None:
        """Make sure that somebody listens at the URL.

        Raises:
            UsageError: nobody does.
        """
        parts = urlsplit(self.url)
        place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        try:
            socket.create_connection(place, timeout=_PATIENCE).close()
        except OSError as error:
            raise UsageError(
                f"nobody answers at {self.url} ({error}): start the service first, with these "
                f"variables in its environment: {self.wiring}"
            ) from None

    def talk(
        self,
        provider: str,
        seen: Callable[[str, str, str], None],
        *,
        allow: tuple[str, ...] = (),
    ) -> Posts:
        """Begin to talk with it."""
        del provider, seen, allow  # it was told beforehand; its output and network are out of reach
        return Posts(self)


class Posts:
    """Asks a service, a connection for each turn."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._url = endpoint.url
        self._open: set[http.client.HTTPConnection] = set()
        self._stopped = False
        self._lock = threading.Lock()  # a connection is either cut by a stop or has ended

    def ask(self, question: Question) -> str:
        """Post a question.

        Raises:
            ServiceFailed: the answer is an error or no answer.
            OSError: the connection was refused or broke.
        """
        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = make(parts.hostname or "", parts.port)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with contextlib.closing(connection):
            connection.connect()
            with self._lock:
                self._open.add(connection)
                if self._stopped:
                    _cut(connection)
            try:
                connection.request("POST", path, _body(question), _headers(question))
                reply = connection.getresponse()
                body = reply.read()
            except http.client.HTTPException as error:
                broken = f"the answer broke off: {type(error).__name__} {error}"
                raise ServiceFailed(broken, self._url) from error
            finally:
                with self._lock:
                    self._open.discard(connection)
        return self._answer(reply, body)

    def stop(self) -> None:
        """Cut what is still open."""
        with self._lock:
            self._stopped = True
            for connection in self._open:
                _cut(connection)

    def _answer(self, reply: http.client.HTTPResponse, body: bytes) -> str:
        shown = " ".join(body[: 4 * _SHOWN].decode("utf-8", "replace").split())[:_SHOWN]
        if reply.status >= 300:
            to = reply.headers.get("location")
            more = f"a redirect to {to}; name that URL" if to else shown or "with an empty body"
            raise ServiceFailed(f"HTTP {reply.status}: {more}", self._url)
        try:
            answer = said(reply.headers.get("content-type", ""), body)
        except NoAnswer as error:
            raise ServiceFailed(str(error), self._url) from None
        if not answer.strip():
            raise ServiceFailed(f"HTTP {reply.status} with an empty answer", self._url)
        return answer


def _body(question: Question) -> bytes:
    return json.dumps(
        {
            "prompt": question.prompt,
            "user": question.user,
            "session": question.session,
            "history": question.history,
        }
    ).encode()


def _headers(question: Question) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream, text/plain",
        SESSION: question.user,
        "traceparent": f"00-{question.trace}-{question.trace[:16]}-01",
    }


def _cut(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError, AttributeError):  # it is closed already
        connection.sock.shutdown(socket.SHUT_RDWR)
