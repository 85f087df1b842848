"""Tools whose results have a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from chaoskit_guards.events import Listener
from chaoskit_guards.result_blocks import holds_blocks
from chaoskit_guards.result_cut import as_text
from chaoskit_guards.result_limiter import ResultLimiter
from chaoskit_guards.settings import at_least_one
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.tool_guard import Inner, Json, Tools, checked_names, schemas_of

__all__ = ["LimitedTools"]


class LimitedTools:
    """Runs tools and limits what they give; see `ResultLimiter`. What is JSON is given as text.

    Around `IdempotentTools` and not inside of it, so that the whole result is remembered.

    Args:
        tools: the tools; a `Vet`, or another guard around one.
        max_tokens: of one result.
        limits: other limits for single tools.
        counter: counts texts and content blocks.
        listener: told about each result that was cut.

    Raises:
        ValueError: a name is not that of a tool.
    """

    def __init__(
        self,
        tools: Tools,
        *,
        max_tokens: int = 4_000,
        limits: Mapping[str, int] | None = None,
        counter: Callable[[Any], int] = count_tokens,
        listener: Listener | None = None,
    ) -> None:
        checked_names("limits", limits or (), tools)
        for most in (limits or {}).values():
            at_least_one(limits=most)
        self._inner = Inner(tools)
        self._limiter = ResultLimiter(max_tokens, counter=counter, listener=listener)
        self._limiters = {
            name: ResultLimiter(most, counter=counter, listener=listener)
            for name, most in (limits or {}).items()
        }

    def dispatch(self, name: str, arguments: object) -> Any:
        """Run a tool and limit its result; an async one gives a coroutine."""
        result = self._inner.tools.dispatch(name, arguments)
        if self._inner.noted(name, result):
            return self._awaited(name, result)
        return self._of(name, result)

    async def adispatch(self, name: str, arguments: object) -> Any:
        """Run a tool without blocking, a sync one in a thread, and limit its result."""
        return self._of(name, await self._inner.run(name, arguments))

    def schemas(self, vendor: str = "anthropic") -> list[Json]:
        """Return the declarations to offer to the model."""
        return schemas_of(self._inner.tools, vendor)

    async def _awaited(self, name: str, call: Awaitable[Any]) -> Any:
        return self._of(name, await call)

    def _of(self, name: str, result: Any) -> Any:
        limited = self._limiters.get(name, self._limiter).limit(result)
        # As text nobody writes it in more characters than were counted.
        return limited if isinstance(limited, str) or holds_blocks(limited) else as_text(limited)
