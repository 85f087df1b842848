"""What fields demand of each other and of the model."""

from __future__ import annotations

from chaoskit.dialect import ModelFacts
from chaoskit.dialects._openai import caching
from chaoskit.dialects._openai.options import effort_of
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses.body import Body
from chaoskit.exchange import Text, ToolResult

__all__ = ["check"]


def check(body: Body, model: ModelFacts) -> None:
    """Refuse what production refuses.

    Raises:
        RefusedError: with production's message for the first flaw.
    """
    if "embedding" in model.features:
        raise invalid(
            f"The requested model '{model.name}' cannot be used with the Responses API.",
            param="model",
            code="unsupported_model",
        )
    if "reasoning" in model.features:
        _no_sampling(body, model)
        if body.logprobs is not None and _tells_none(body, model):
            raise invalid(
                "logprobs are not supported with reasoning models.",
                param=body.logprobs_by,
                code="unsupported_parameter",
            )
    elif body.effort or body.summary:
        name = "reasoning.effort" if body.effort else "reasoning.summary"
        raise _unsupported(name, "unsupported_parameter")
    if body.max_tokens is not None and body.max_tokens > model.max_output:
        raise invalid(
            f"Invalid 'max_output_tokens': integer above maximum value. Expected a value <= "
            f"{model.max_output}, but got {body.max_tokens} instead.",
            param="max_output_tokens",
            code="integer_above_max_value",
        )
    if body.output_schema is not None and "structured_output" not in model.features:
        raise invalid(
            "Invalid parameter: 'text.format' of type 'json_schema' is not supported with model "
            f"version `{model.name}`.",
            param="text.format",
        )
    if body.caching is not caching.USUAL:
        caching.check(body.caching, model)
    if body.json_object and not _says_json(body):
        raise invalid(
            "Response input messages must contain the word 'json' in some form to use "
            "'text.format' of type 'json_object'.",
            param="input",
        )


def _tells_none(body: Body, model: ModelFacts) -> bool:
    return "logprobs_barred" in model.features or effort_of(body, model) != "none"


def _no_sampling(body: Body, model: ModelFacts) -> None:
    if "sampling" in model.features:
        return
    for name, value in body.sampling.items():
        if value != 1:
            raise _unsupported(name, None)


def _unsupported(name: str, code: str | None) -> Exception:
    return invalid(
        f"Unsupported parameter: '{name}' is not supported with this model.",
        param=name,
        code=code,
    )


def _says_json(body: Body) -> bool:
    """Tell whether the word occurs; of what the request continues nothing is known here."""
    if body.previous or body.conversation or "json" in body.instructions.lower():
        return True
    return any(
        "json" in part.text.lower()
        for item in body.items
        for part in item.parts
        if isinstance(part, Text | ToolResult)
    )
