"""Requests for files, uploads and batches, into calls."""

from __future__ import annotations

from chaoskit.dialects import _form
from chaoskit.dialects._openai.request import PROVIDER, authenticate, bounded, parse
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects._request import fingerprint, query_of
from chaoskit.dialects.openai_files.routes import TABLE, largest
from chaoskit.exchange import Call, HttpRequest, Refusal

__all__ = ["NAME", "decode"]

NAME = "openai_files"
_FORMS = ("create_file", "add_part")
_EMPTY = ("cancel_upload", "cancel_batch")


def decode(request: HttpRequest) -> Call | Refusal:
    """Return the call, or what production answers to an invalid request."""
    try:
        route, names = TABLE.route(request)
        key = fingerprint(authenticate(request))
        options: dict[str, object] = {
            "route": route,
            "name": names[0] if names else "",
            "query": query_of(request),
            "authorization": request.headers.get("authorization", ""),
        }
        if route in _FORMS:
            options["form"] = _form_of(request)
        elif request.method.upper() == "POST" and route not in _EMPTY:
            options["body"] = parse(request.body)
    except RefusedError as error:
        return error.refusal
    return Call(dialect=NAME, provider=PROVIDER, operation="stored", key=key, options=options)


def _form_of(request: HttpRequest) -> dict[str, _form.Field]:
    body = bounded(request.body, largest(request))
    fields = _form.read(request.headers.get("content-type", ""), body)
    if fields is None:
        raise invalid("Expected a request with 'Content-Type: multipart/form-data'.")
    return fields
