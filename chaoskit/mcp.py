"""How the simulated tools are served by MCP: the `[mcp]` table of a scenario file."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from chaoskit.settings import settings

__all__ = ["HANDSHAKE", "MODERN", "McpSettings"]

Revision: TypeAlias = Literal["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]

HANDSHAKE: tuple[Revision, ...] = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions of the protocol that begin with `initialize`, the oldest first."""

MODERN: tuple[Revision, ...] = ("2026-07-28",)
"""Revisions in which every request stands for itself, the oldest first."""


@settings
class McpSettings:
    """The MCP server that offers the simulated tools."""

    example: ClassVar[str] = """
    [mcp]
    hosts = ["mcp.tickets.internal"]
    versions = ["2025-06-18", "2025-11-25"]
    page = 20
    resumable = true
    instructions = "Search before you change anything."
    """

    hosts: tuple[str, ...] = ()
    """Hosts of the agent's own MCP servers, which it stands in for. Requests for a path that ends
    with `/mcp` are answered whatever their host."""

    versions: Annotated[tuple[Revision, ...], Field(min_length=1)] = (*HANDSHAKE, *MODERN)
    """Revisions of the protocol that it speaks."""

    page: Annotated[int, Field(ge=1)] = 50
    """How many tools one page of the listing holds."""

    resumable: bool = False
    """Its events have ids, so that a client can ask for what it missed when a stream broke."""

    instructions: str = ""
    """What it tells models of its use."""

    @property
    def handshake(self) -> tuple[str, ...]:
        """The revisions that begin with a handshake, the oldest first."""
        return tuple(version for version in HANDSHAKE if version in self.versions)

    @property
    def modern(self) -> tuple[str, ...]:
        """The stateless revisions, the oldest first."""
        return tuple(version for version in MODERN if version in self.versions)
