"""What a server answers beside the provider: a small API for test runners in any language.

    GET  /_chaos/verdict     how the session is judged; JSON, or text for `Accept: text/plain`
    GET  /_chaos/journal     what happened in it, as JSON Lines
    POST /_chaos/scenario    tables of a scenario file: provider, behaviour, faults, promises, …
    POST /_chaos/faults      one fault more, in the same words
    POST /_chaos/replies     what the model says next: a list of texts, or of a script's turns
    POST /_chaos/reset       begin the session anew

Which session is meant is said as in requests to the provider: see `sessions`. Whoever posts begins
it; what nobody began has no verdict and no journal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

from chaoskit.check import Verdict, worst
from chaoskit.errors import UsageError
from chaoskit.exchange import HttpReply, HttpRequest
from chaoskit.freely import UNKEPT, in_words
from chaoskit.journal import Journal
from chaoskit.outcome import Judged
from chaoskit.plan import Rule
from chaoskit.scenario_tables import parts
from chaoskit.sessions import NOWHERE, session_of

__all__ = ["Sessions", "answer", "is_control", "verdict_text"]

_BLANK = {"title": "-", "workload": {"prompt": "-"}, "promises": [{"check": "no_crash"}]}
_FAULT = 'write {"fault": "rate_limited", "when": {"calls": "1-3"}, "retry_after": "7s"}'
_REPLIES = 'write ["a text", {"call": {"tool": "search", "arguments": {"query": "deploy"}}}]'
_TABLES = 'write {"provider": {"limits": {"requests_per_minute": 50}}, "promises": [{"check": …}]}'
_WAYS = (
    "GET /_chaos/verdict, GET /_chaos/journal, POST /_chaos/scenario, POST /_chaos/faults, "
    "POST /_chaos/replies, POST /_chaos/reset"
)
_SHOWN = 20  # names of sessions
_CONTROL = re.compile(r"/_chaos(?=/|$)")


class Session(Protocol):
    """One world behind a server."""

    @property
    def journal(self) -> Journal:
        """What happened in it."""
        ...

    def add(self, rule: Rule) -> None:
        """Let a fault strike from now on."""
        ...

    def world_of(self, table: Mapping[str, Any]) -> tuple[str, ...]:
        """Take what the tables of a scenario say; return which of them have no place here."""
        ...

    def turns(self, *turns: Mapping[str, Any] | str) -> object:
        """Let the model say these turns."""
        ...

    def judge(self) -> tuple[Judged, ...]:
        """Return how its clients are judged."""
        ...


class Sessions(Protocol):
    """Whoever keeps the sessions of a server."""

    def session(self, name: str = "") -> Session:
        """Return a session, which begins when it is first asked for."""
        ...

    def reset(self, name: str = "") -> None:
        """Begin a session anew."""
        ...

    def known(self, name: str) -> bool:
        """Tell whether anybody ever began a session; the one without a name is always there."""
        ...

    def names(self) -> list[str]:
        """Return the names of the sessions that there are, in order."""
        ...


def is_control(request: HttpRequest) -> bool:
    """Tell whether a request is for this API, whatever stands before it in the path."""
    path = request.path
    return "/_chaos" in path and _CONTROL.search(path) is not None


def answer(server: Sessions, request: HttpRequest) -> HttpReply:
    """Answer a request that is for no provider."""
    name = session_of(request)
    own = _CONTROL.search(request.path)
    as_text = "text/plain" in request.headers.get("accept", "")
    match request.method, request.path[own.start() :].rstrip("/") if own else "":
        case "GET", "/_chaos/verdict" | "/_chaos/journal" if not server.known(name):
            told = _nowhere(name, server.names())
            return _text(f"{told}\n", 404) if as_text else _error(404, told)
        case "GET", "/_chaos/verdict":
            judged = server.session(name).judge()
            return _text(verdict_text(judged)) if as_text else _json(200, _judged(judged))
        case "GET", "/_chaos/journal":
            return _text(server.session(name).journal.dumps())
        case "POST", "/_chaos/faults":
            return _faults(server, name, request.body)
        case "POST", "/_chaos/scenario":
            return _tables(server, name, request.body)
        case "POST", "/_chaos/replies":
            return _replies(server, name, request.body)
        case "POST", "/_chaos/reset":
            server.reset(name)
            return _json(200, {"session": name})
        case method, path if path:
            return _error(404, f"there is no {method} {path}; there are {_WAYS}")
    # As OpenAI answers; a request that speaks Claude's protocol never comes here.
    message = f"Invalid URL ({request.method} {request.path})"
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return _json(404, {"error": error})


def verdict_text(judged: tuple[Judged, ...]) -> str:
    """Return the verdict as text: one word on the first line, then what was not kept."""
    bad = [in_words(item) for item in judged if item.judgement.verdict in UNKEPT]
    return "\n".join([str(_whole(judged)), *bad, ""])


def _nowhere(name: str, names: list[str]) -> str:
    """Tell that nobody ever began a session. Who only looks begins none."""
    shown = [repr(one) for one in names[:_SHOWN]]
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    there = ", ".join(shown + more) or "none with a name"
    return f"{NOWHERE}{name!r}: nothing was sent to it; there are {there}"


def _tables(server: Sessions, name: str, body: bytes) -> HttpReply:
    table = _parsed(body)
    if not isinstance(table, dict):
        return _error(400, f"the body is no JSON object; {_TABLES}")
    try:
        return _json(200, {"session": name, "left_out": server.session(name).world_of(table)})
    except UsageError as error:
        return _error(400, str(error))


def _replies(server: Sessions, name: str, body: bytes) -> HttpReply:
    turns = _parsed(body)
    if not isinstance(turns, list) or not all(isinstance(turn, (str, dict)) for turn in turns):
        return _error(400, f"the body is no list of replies; {_REPLIES}")
    try:
        server.session(name).turns(*turns)
    except UsageError as error:
        return _error(400, f"{error}; {_REPLIES}")
    return _json(200, {"session": name, "replies": len(turns)})


def _parsed(body: bytes) -> object:
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed


def _faults(server: Sessions, name: str, body: bytes) -> HttpReply:
    try:
        table = json.loads(body)
    except (ValueError, RecursionError) as error:
        return _error(400, f"the body is no JSON: {error}; {_FAULT}")
    if not isinstance(table, dict):
        return _error(400, f"the body is no fault; {_FAULT}")
    wrong, made = parts({**_BLANK, "faults": [table]})
    if wrong:
        spelt = (".".join(str(step) for step in item.path[2:]) or "fault" for item in wrong)
        told = [
            f"{path}: {item.message}" + (f" ({item.advice})" if item.advice else "")
            for path, item in zip(spelt, wrong, strict=True)
        ]
        return _error(400, "; ".join(told))
    (rule,) = made["faults"]
    try:
        server.session(name).add(rule)
    except UsageError as error:
        return _error(400, str(error))
    return _json(200, {"rule": rule.describe()})


def _judged(judged: tuple[Judged, ...]) -> dict[str, Any]:
    return {
        "verdict": str(_whole(judged)),
        "promises": [
            {
                "name": item.name,
                "sentence": item.sentence,
                "verdict": str(item.judgement.verdict),
                "reason": item.judgement.reason,
                "findings": [
                    {"message": one.message, "at": one.at, "user": one.user, "advice": one.advice}
                    for one in item.judgement.findings
                ],
            }
            for item in judged
        ],
    }


def _whole(judged: tuple[Judged, ...]) -> Verdict:
    return worst([item.judgement.verdict for item in judged])


def _error(status: int, message: str) -> HttpReply:
    return _json(status, {"error": {"message": message, "type": "chaoskit"}})


def _json(status: int, value: object) -> HttpReply:
    return _reply(status, "application/json", json.dumps(value, ensure_ascii=False))


def _text(text: str, status: int = 200) -> HttpReply:
    return _reply(status, "text/plain; charset=utf-8", text)


def _reply(status: int, kind: str, text: str) -> HttpReply:
    body = text.encode("utf-8", "backslashreplace")  # JSON may hold half of a surrogate pair
    return HttpReply.whole(status, {"content-type": kind}, body)
