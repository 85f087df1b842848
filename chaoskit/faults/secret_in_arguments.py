"""The model hands a credential to a tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

from chaoskit.arguments import is_valid
from chaoskit.exchange import Call, Reply, ToolCall, ToolSpec
from chaoskit.fault import Strike
from chaoskit.settings import settings

__all__ = ["SecretInArguments"]

_CREDENTIAL = re.compile(
    r"(?:api|access|private)_?key|(?:api|access|auth|bearer)_?token|^token$|^auth$|secret|password"
    r"|credential|authorization",
    re.IGNORECASE,
)


@settings
class SecretInArguments:
    """The first tool call that has room for it carries a credential; its schema is satisfied."""

    example: ClassVar[str] = """
    [[faults]]
    fault = "secret_in_arguments"
    argument = "query"
    """

    argument: str | None = None
    """The argument that gets it; without it one named like a credential, else any text."""

    def reply(self, reply: Reply, call: Call, strike: Strike) -> Reply:
        """Plant the credential."""
        for index, part in enumerate(reply.content):
            if isinstance(part, ToolCall) and (tool := call.tool(part.name)) is not None:
                for arguments in self._planted(part, tool, strike):
                    if is_valid(tool.schema, arguments):
                        told = replace(part, arguments=arguments)
                        content = (*reply.content[:index], told, *reply.content[index + 1 :])
                        return replace(reply, content=content)
        return reply

    def _planted(self, part: ToolCall, tool: ToolSpec, strike: Strike) -> Iterator[str]:
        if not is_valid(tool.schema, part.arguments):
            return
        arguments = json.loads(part.arguments)
        for name in self._names(arguments, tool):
            secret = strike.canary("tool-argument")
            before = arguments.get(name)
            if isinstance(before, str) and not _CREDENTIAL.search(name):
                yield json.dumps({**arguments, name: f"{before} {secret}"}, ensure_ascii=False)
            yield json.dumps({**arguments, name: secret}, ensure_ascii=False)

    def _names(self, arguments: dict[str, object], tool: ToolSpec) -> list[str]:
        if self.argument is not None:
            return [self.argument]
        properties = tool.schema.get("properties")
        known = [*properties] if isinstance(properties, dict) else []
        texts = [name for name, value in arguments.items() if isinstance(value, str)]
        credentials = [name for name in known if _CREDENTIAL.search(name)]
        # Last, where the schema is open: an argument that the tool did not ask for.
        return [*credentials, *(name for name in texts if name not in credentials), "api_key"]
