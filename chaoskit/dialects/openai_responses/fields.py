"""The fields that a request may have, and where those of Chat Completions have gone."""

from __future__ import annotations

from chaoskit.dialects._json import Json
from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses.items import unknown

__all__ = ["check"]

_FIELDS = frozenset(
    {
        *("access_programs", "background", "background_options", "context_management"),
        *("conversation", "image", "include", "input", "instructions", "max_output_tokens"),
        *("max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls"),
        *("personality", "previous_response_id", "prompt", "prompt_cache_key"),
        *("prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier"),
        *("service_tier", "store", "stream", "stream_options", "temperature", "text"),
        *("tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user"),
    }
)
_MOVED = {
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}


def check(body: Json) -> None:
    """Check that all fields exist.

    Raises:
        RefusedError: with the message that names the first that does not.
    """
    for name in body:
        if name in _MOVED:
            raise invalid(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved "
                f"to '{_MOVED[name]}'. Try again with the new parameter. See the API documentation "
                "for more information: "
                "https://platform.openai.com/docs/api-reference/responses/create.",
                param=name,
                code="unsupported_parameter",
            )
        if name not in _FIELDS:
            raise unknown(name)
