"""Asks a running server how a session is judged."""

from __future__ import annotations

import contextlib
import http.client
import urllib.error
import urllib.request

from chaoskit.check import Verdict
from chaoskit.errors import UsageError
from chaoskit.sessions import NOWHERE, SESSION

__all__ = ["verdict_of"]

_PATIENCE = 10.0  # seconds; it answers in milliseconds
_MOST = 64 * 1024  # bytes of an error that are read
_DIRECT = urllib.request.ProxyHandler({})


def verdict_of(url: str, session: str = "") -> tuple[Verdict, str]:
    """Return the verdict of a session, and the text that tells it.

    Raises:
        UsageError: nobody answers there, or somebody else, or there is no such session.
    """
    try:
        request = urllib.request.Request(  # noqa: S310 - the scheme is looked at below
            f"{url.rstrip('/')}/_chaos/verdict", headers={"accept": "text/plain"}
        )
        if request.type not in ("http", "https"):
            raise ValueError(f"unknown url type: {request.type}")  # noqa: TRY301 - told as the others
        if session:
            request.add_header(SESSION, session)
        with urllib.request.build_opener(_DIRECT).open(request, timeout=_PATIENCE) as reply:
            text = reply.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        told = _told(error)
        if not told.startswith(NOWHERE):
            told = f"{url} is no chaoskit server: it answers {error.code}"
        raise UsageError(told) from None
    except urllib.error.URLError as error:
        raise UsageError(
            f"nobody answers at {url} ({error.reason}); start `chaoskit serve`, or say where it "
            "is by --url"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise UsageError(f"{url} is no chaoskit server: {error!r}") from None
    except ValueError as error:
        raise UsageError(f"{url!r} is no URL such as http://127.0.0.1:8642: {error}") from None
    word = text.partition("\n")[0]
    try:
        return Verdict(word), text
    except ValueError:
        raise UsageError(f"{url} is no chaoskit server: it answers {word[:60]!r}") from None


def _told(error: urllib.error.HTTPError) -> str:
    with error, contextlib.suppress(OSError, http.client.HTTPException):
        return error.read(_MOST).decode("utf-8", "replace").rstrip("\n")
    return ""
