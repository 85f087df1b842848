"""A tool has another schema than it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from chaoskit.fault import Offered, Strike
from chaoskit.schema.short import check_short, expanded
from chaoskit.settings import settings

__all__ = ["SchemaDrift"]


@settings
class SchemaDrift:
    """The tool wants other arguments than before, as after a deploy of its server."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "schema_drift"
    tool = "search_logs"
    rename = { query = "text" }
    require = { tenant = "string" }
    """

    tool: Annotated[str, Field(min_length=1)]
    """Name of the tool."""

    rename: dict[str, str] = Field(default_factory=dict)
    """Arguments that are called otherwise, with their new names."""

    require: dict[str, Any] = Field(default_factory=dict)
    """Arguments that are new and required, with their types, as in the `input` of a tool."""

    def __post_init__(self) -> None:
        if not self.rename and not self.require:
            raise ValueError("say what is different: `rename`, `require`, or both")
        check_short(self.require, "new arguments")

    def offer(
        self,
        tools: tuple[Offered, ...],
        strike: Strike,  # noqa: ARG002 - the stage's signature
    ) -> tuple[Offered, ...]:
        """Change the schema."""
        return tuple(
            replace(tool, schema=self._drifted(tool.schema)) if tool.name == self.tool else tool
            for tool in tools
        )

    def _drifted(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        new = expanded(self.require)
        kept = {
            self.rename.get(name, name): kind for name, kind in schema.get("properties", {}).items()
        }
        required = [self.rename.get(name, name) for name in schema.get("required", ())]
        return {
            **schema,
            "type": "object",
            "properties": {**kept, **new["properties"]},
            "required": [*required, *(name for name in new["required"] if name not in required)],
            "additionalProperties": False,
        }
