"""How the items of a conversation belong together."""

from __future__ import annotations

from chaoskit.dialects._refused import invalid
from chaoskit.dialects.openai_responses.items import Item
from chaoskit.exchange import ToolCall, ToolResult

__all__ = ["check"]

_CALLS = ("function_call", "custom_tool_call")


def check(items: tuple[Item, ...]) -> None:
    """Check a whole conversation, earlier responses included.

    Raises:
        RefusedError: with production's message for the first flaw.
    """
    _unique(items)
    calls: dict[str, str] = {}
    answered: set[str] = set()
    for at, item in enumerate(items):
        if item.kind == "reasoning" and item.id:
            _followed(item, items[at + 1] if at + 1 < len(items) else None)
        for part in item.parts:
            if isinstance(part, ToolCall):
                calls[part.id] = item.kind
            elif isinstance(part, ToolResult):
                if part.call_id not in calls:
                    raise _orphan(item, part.call_id)
                answered.add(part.call_id)
    for identity, kind in calls.items():
        if identity not in answered:
            name = "function call" if kind == "function_call" else "custom tool call"
            raise invalid(f"No tool output found for {name} {identity}.", param="input")


def _orphan(item: Item, identity: str) -> Exception:
    name = "function call" if item.kind == "function_call_output" else "custom tool call"
    return invalid(f"No tool call found for {name} output with call_id {identity}.", param="input")


def _unique(items: tuple[Item, ...]) -> None:
    """Whoever sends earlier items along with the id of a response sends them twice."""
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise invalid(
                f"Duplicate item found with id {item.id}. Remove duplicate items from your input "
                "and try again.",
                param="input",
            )
        if item.id:
            seen.add(item.id)


def _followed(item: Item, following: Item | None) -> None:
    if following is None or following.role != "assistant":
        raise invalid(
            f"Item '{item.id}' of type 'reasoning' was provided without its required following "
            "item.",
            param="input",
        )
