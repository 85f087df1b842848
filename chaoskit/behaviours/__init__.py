"""The catalogue of behaviours, by their names in scenario files."""

from __future__ import annotations

from chaoskit.behaviour import Behaviour
from chaoskit.behaviours.function import Function
from chaoskit.behaviours.gullible import Gullible
from chaoskit.behaviours.helpful import Helpful
from chaoskit.behaviours.scripted import Scripted, ScriptedCall, ScriptedTurn
from chaoskit.behaviours.stubborn import Stubborn
from chaoskit.registry import Registry

__all__ = [
    "BEHAVIOURS",
    "Function",
    "Gullible",
    "Helpful",
    "Scripted",
    "ScriptedCall",
    "ScriptedTurn",
    "Stubborn",
]

BEHAVIOURS: Registry[Behaviour] = Registry("behaviour")
BEHAVIOURS.register("helpful", Helpful)
BEHAVIOURS.register("stubborn", Stubborn)
BEHAVIOURS.register("gullible", Gullible)
BEHAVIOURS.register("scripted", Scripted)
BEHAVIOURS.register("function", Function)
