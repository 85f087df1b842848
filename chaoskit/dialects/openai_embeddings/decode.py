"""Requests for embeddings, into calls or into the refusals of production."""

from __future__ import annotations

from chaoskit.dialect import ModelFacts, Models
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.request import PROVIDER, allow, authenticate, facts_on, parse
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects._request import fingerprint, retry_count
from chaoskit.dialects.openai_embeddings.vectors import size_of
from chaoskit.exchange import Call, HttpRequest, Message, Refusal, Text

__all__ = ["NAME", "decode"]

NAME = "openai_embeddings"
_FIELDS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_MOST = 2048
_WHOLE = " a"  # a text of one token, which repeated has as many


def decode(request: HttpRequest, models: Models) -> Call | Refusal:
    """Return the call, or what production answers to an invalid request."""
    try:
        allow(request, "POST")
        key = fingerprint(authenticate(request))
        body = parse(request.body)
        model = body.get("model")
        if model is None or model == "":
            raise invalid("you must provide a model parameter")
        facts = facts_on(values.string(model, "model"), models)
        _check(body, facts)
        inputs = _inputs(body.get("input"))
    except RefusedError as error:
        return error.refusal
    options: dict[str, object] = {
        "served": facts.name,
        "texts": tuple([text for text, _ in inputs]),
        "size": body.get("dimensions") or size_of(facts.name),
        "floats": body.get("encoding_format") != "base64",
    }
    if retries := retry_count(request.headers):
        options["retry_count"] = retries
    return Call(
        dialect=NAME,
        provider=PROVIDER,
        operation="embed",
        model=facts.name,
        key=key,
        messages=tuple([Message(role="user", content=(Text(told),)) for _, told in inputs]),
        options=options,
    )


def _check(body: Json, model: ModelFacts) -> None:
    """Check all fields but the input."""
    if "embedding" not in model.features:
        message = "You are not allowed to generate embeddings from this model"
        raise RefusedError(Refusal(kind="permission", message=message))
    extra = [name for name in body if name not in _FIELDS]
    if extra:
        plural = "s" if len(extra) > 1 else ""
        raise invalid(f"Unrecognized request argument{plural} supplied: {', '.join(extra)}")
    if body.get("encoding_format") is not None:
        values.one_of(body["encoding_format"], ("float", "base64"), "encoding_format")
    if body.get("dimensions") is not None:
        if "-3-" not in model.name:
            raise invalid("This model does not support specifying dimensions.")
        values.integer(body["dimensions"], "dimensions", 1, size_of(model.name))
    if body.get("user") is not None:
        values.string(body["user"], "user")


def _inputs(value: object) -> list[tuple[str, str]]:
    """Return of each input what stands for it, and a text that has its tokens."""
    if isinstance(value, str) and value:
        return [(value, value)]
    if not isinstance(value, list) or not value:
        raise _wrong()
    if len(value) > _MOST:
        raise invalid(
            f"Invalid 'input': array too long. Expected an array with maximum length {_MOST}, but "
            f"got an array with length {len(value)} instead.",
            param="input",
            code="array_above_max_length",
        )
    if _is_tokens(value):
        return [_tokens(value)]
    return [_one(item) for item in value]


def _one(value: object) -> tuple[str, str]:
    if isinstance(value, str) and value:
        return value, value
    if isinstance(value, list) and value and _is_tokens(value):
        return _tokens(value)
    raise _wrong()


def _is_tokens(value: list[object]) -> bool:
    return all(isinstance(item, int) and not isinstance(item, bool) for item in value)


def _tokens(value: list[object]) -> tuple[str, str]:
    return dumps(value), _WHOLE * len(value)


def _wrong() -> RefusedError:
    return invalid(
        "'$.input' is invalid. Please check the API reference: "
        "https://platform.openai.com/docs/api-reference."
    )
