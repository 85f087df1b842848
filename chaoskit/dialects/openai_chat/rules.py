"""What fields demand of each other and of the model."""

from __future__ import annotations

from chaoskit.dialect import ModelFacts
from chaoskit.dialects._openai import caching
from chaoskit.dialects._openai.options import effort_of
from chaoskit.dialects._refused import RefusedError, invalid
from chaoskit.dialects.openai_chat.body import Body
from chaoskit.dialects.openai_chat.extras import NONE
from chaoskit.dialects.openai_chat.messages import paired
from chaoskit.exchange import Message, Refusal, Text, ToolResult

__all__ = ["check"]


def check(body: Body, messages: tuple[Message, ...], model: ModelFacts) -> None:
    """Refuse what production refuses.

    Raises:
        RefusedError: with production's message for the first flaw.
    """
    if "reasoning" in model.features:
        _reasoning(body, model)
    if body.max_tokens is not None and body.max_tokens > model.max_output:
        raise invalid(
            f"{body.limit_name} is too large: {body.max_tokens}. This model supports at most "
            f"{model.max_output} completion tokens, whereas you provided {body.max_tokens}.",
            param=body.limit_name,
            code="invalid_value",
        )
    if body.output_schema is not None and "structured_output" not in model.features:
        raise invalid(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this "
            "model.",
            param="response_format",
        )
    if body.extras is not NONE:
        _extras(body, model)
    if body.caching is not caching.USUAL:
        caching.check(body.caching, model)
    if body.json_object and not _says_json(messages):
        raise invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.",
            param="messages",
        )
    paired(messages)


def _extras(body: Body, model: ModelFacts) -> None:
    if body.extras.audio and "audio" not in model.features:
        raise invalid(
            "Unsupported value: 'modalities' does not support 'audio' with this model.",
            param="modalities",
            code="unsupported_value",
        )
    if body.extras.prediction and "prediction" not in model.features:
        raise invalid(
            "Unsupported parameter: 'prediction' is not supported with this model.",
            param="prediction",
            code="unsupported_parameter",
        )


def _reasoning(body: Body, model: ModelFacts) -> None:
    if body.limit_name == "max_tokens":
        raise invalid(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if "sampling" in model.features:
        return
    if body.logprobs is not None:
        _improbable(body, model)
    for name in ("temperature", "top_p"):
        value = body.sampling.get(name, 1)
        if value != 1:
            raise invalid(
                f"Unsupported value: '{name}' does not support {value:g} with this model. "
                "Only the default (1) value is supported.",
                param=name,
                code="unsupported_value",
            )


def _improbable(body: Body, model: ModelFacts) -> None:
    """Refuse probabilities: some models never tell them, the others not while they reason."""
    if "logprobs_barred" in model.features:
        message = "You are not allowed to request logprobs from this model"
        raise RefusedError(Refusal(kind="invalid_request", status=403, message=message))
    if effort_of(body, model) != "none":
        raise invalid(
            "Unsupported parameter: 'logprobs' is not supported with this model.",
            param="logprobs",
            code="unsupported_parameter",
        )


def _says_json(messages: tuple[Message, ...]) -> bool:
    return any(
        "json" in part.text.lower()
        for message in messages
        for part in message.content
        if isinstance(part, Text | ToolResult)
    )
