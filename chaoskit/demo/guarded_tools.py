"""The tools of the guarded agent: checked before they run, effects once, results not too large."""

from __future__ import annotations

from typing import Any

from chaoskit.demo.tools import FUNCTIONS, SPECS, find_refunds
from chaoskit_guards import Effect, IdempotentTools, LimitedTools, Vet

__all__ = ["once", "tools", "vet"]

vet = Vet()
for spec in SPECS:
    name, told = spec["name"], spec["description"]
    vet.guard(spec["input_schema"], name=name, description=told)(FUNCTIONS[name])


def refunded(order_id: str, amount: float) -> Any:
    """Return the refund whose answer got lost, or False where none was made."""
    return next((one for one in find_refunds(order_id) if one["amount"] == amount), False)


once = IdempotentTools(vet, {"refund_order": Effect(check=refunded), "send_email": Effect()})
tools = LimitedTools(once, max_tokens=6_000)
