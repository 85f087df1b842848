"""Plain HTTP and JSON: `POST /tools/NAME`, routes of the agent's own APIs, an OpenAPI document."""

from chaoskit.dialects.http_tool.dialect import HttpToolDialect

__all__ = ["HttpToolDialect"]
