"""The Model Context Protocol: both of its eras, over streamable HTTP and over standard streams."""

from chaoskit.dialects.mcp.dialect import McpDialect

__all__ = ["McpDialect"]
