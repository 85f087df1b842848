"""Objects of an SDK that hold what their types do not allow."""

import anthropic.types

from chaoskit_guards import count_tokens
from chaoskit_guards.translate import copied


def test_a_block_with_broken_arguments_is_copied_without_a_warning():
    """A model that writes text where an object belongs is no reason to warn the application."""
    block = anthropic.types.ToolUseBlock.model_construct(
        type="tool_use", id="toolu_1", name="search", input="not an object"
    )
    message = anthropic.types.Message.model_construct(role="assistant", content=[block])

    assert copied(block)["input"] == "not an object"
    assert count_tokens([message]) > 0
