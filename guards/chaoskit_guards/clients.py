"""One provider of a router: its settings, and how its SDK is called.

The SDKs are imported when the first request needs them, with their own retries switched off.
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from chaoskit_guards.answers import Dialect
from chaoskit_guards.completion import Completion
from chaoskit_guards.forks import own_lock
from chaoskit_guards.translate import Request, copied, to_anthropic, to_openai

__all__ = ["Caller", "NotConfigured", "ProviderConfig"]

_PLAIN = frozenset({str, dict, Completion})
_GENERATORS = (GeneratorType, AsyncGeneratorType)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """One provider that a router may ask.

    Attributes:
        name: how errors, events and `skip_providers` call it.
        model: model to ask for.
        priority: lower is asked first.
        dialect: whose words it speaks; by default read from client, name and model.
        client: a sync or async SDK client; by default one is made from the installed SDK.
        async_client: the client for async calls, where `client` is a sync one.
        call: instead of a client: a function of the request's keywords that answers with text,
            a `Completion` or an SDK's response.
        acall: the same for async calls.
        timeout: seconds for one attempt; by default 30 and one for every 25 tokens asked for.
        context_window: tokens of prompt and answer together, where known; a request that is
            estimated to be larger goes elsewhere.
        max_usd: a request that is estimated to cost more goes elsewhere, and so does one whose
            price is not known; needs the router's `price`.
        options: keywords that only this provider gets, such as `extra_headers`.
    """

    name: str
    model: str
    priority: int = 1
    dialect: Dialect | None = None
    client: Any = field(default=None, repr=False)
    async_client: Any = field(default=None, repr=False)
    call: Callable[..., Any] | None = field(default=None, repr=False)
    acall: Callable[..., Awaitable[Any]] | None = field(default=None, repr=False)
    timeout: float | None = None
    context_window: int | None = None
    max_usd: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError("timeout is more than 0 seconds")
        if self.max_usd is not None and not self.max_usd >= 0:
            raise ValueError("max_usd is 0 or more")
        if self.dialect is None:
            object.__setattr__(self, "dialect", self._guess())

    @property
    def words(self) -> Dialect:
        """Whose words it speaks."""
        return self.dialect or "anthropic"

    def _guess(self) -> Dialect:
        client = self.client if self.client is not None else self.async_client
        package = type(client).__module__.partition(".")[0]
        for hint in (package, self.name.lower(), self.model.lower()):
            if "anthropic" in hint or "claude" in hint:
                return "anthropic"
            if "openai" in hint or "gpt" in hint or "azure" in hint:
                return "openai"
        if self.call is not None or self.acall is not None:
            return "anthropic"
        raise ValueError(
            f"provider {self.name!r}: say dialect='anthropic' or dialect='openai'; "
            "neither client, name nor model tells"
        )


class NotConfigured(Exception):  # noqa: N818 - a signal to the router, never seen outside
    """A provider cannot be asked at all: no SDK, no credentials."""


class Caller:
    """Calls one provider."""

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        self._lock = own_lock(self)
        self._client: Any = None
        # Connections belong to the event loop that opened them.
        self._async_clients: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def request(self, asked: Request) -> dict[str, Any]:
        """Return the request in the provider's words, a copy of its own."""
        config = self.config
        make = to_anthropic if config.dialect != "openai" else to_openai
        request = make(config.model, asked)
        if config.options:
            request.update(copied(config.options))
        return request

    def timeout(self, max_tokens: int) -> float:
        """Return the seconds that one attempt may take."""
        return self.config.timeout or 30 + max_tokens / 25

    @property
    def streams(self) -> bool:
        """Whether it can answer piece by piece."""
        return self.config.call is None and self.config.acall is None

    def send(self, request: dict[str, Any], seconds: float) -> Any:
        """Ask and wait for the answer, at most so many seconds."""
        if self.config.call is not None:
            return _here(self.config.call(**request))
        if _is_async(self.config.client) or (self.config.client is None and self.config.acall):
            raise TypeError(
                f"provider {self.config.name!r} is async only: use acall, acomplete, astream"
            )
        return _here(self._create(self._sync_client())(**request, timeout=seconds))

    async def asend(self, request: dict[str, Any], seconds: float) -> Any:
        """Ask without blocking, at most so many seconds; a sync client is asked in a thread."""
        async with asyncio.timeout(seconds):
            return await self._asend(request, seconds)

    async def _asend(self, request: dict[str, Any], seconds: float) -> Any:
        if self.config.acall is not None:
            return await _settled(self.config.acall(**request))
        if self.config.call is not None:
            return await _settled(await asyncio.to_thread(self.config.call, **request))
        client = self._async_client()
        if client is None:
            create = self._create(self._sync_client())
            return await asyncio.to_thread(create, **request, timeout=seconds)
        return await self._create(client)(**request, timeout=seconds)

    def stream(self, request: dict[str, Any], seconds: float) -> Iterator[Any]:
        """Ask for the events of an answer."""
        stream = self.send(self._streaming(request), seconds)
        try:
            yield from stream
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()

    async def astream(self, request: dict[str, Any], seconds: float) -> AsyncGenerator[Any, None]:
        """Ask for the events of an answer without blocking."""
        stream = await self.asend(self._streaming(request), seconds)
        try:
            if hasattr(stream, "__aiter__"):
                async for event in stream:
                    yield event
            else:
                done = object()
                events = iter(stream)
                while (event := await asyncio.to_thread(next, events, done)) is not done:
                    yield event
        finally:
            close = getattr(stream, "close", None)
            closing = None if close is None else close()
            if inspect.isawaitable(closing):
                await closing

    def _streaming(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.config.words == "anthropic":
            return {**request, "stream": True}
        return {**request, "stream": True, "stream_options": {"include_usage": True}}

    def _create(self, client: Any) -> Callable[..., Any]:
        if self.config.words == "anthropic":
            create: Callable[..., Any] = client.messages.create
        else:
            create = client.chat.completions.create
        return create

    def _sync_client(self) -> Any:
        with self._lock:
            if self._client is None:
                given = self.config.client
                self._client = self._new("") if given is None else _without_retries(given)
            return self._client

    def _async_client(self) -> Any:
        """Return the async client of the running loop; None where only a sync one was given."""
        given = self.config.async_client
        if given is None and _is_async(self.config.client):
            given = self.config.client
        if given is None and self.config.client is not None:
            return None
        loop = asyncio.get_running_loop()
        client = self._async_clients.get(loop)
        if client is None:
            client = self._new("Async") if given is None else _without_retries(given)
            self._async_clients[loop] = client
        return client

    def _new(self, prefix: str) -> Any:
        name = "Anthropic" if self.config.words == "anthropic" else "OpenAI"
        try:
            kind = getattr(import_module(name.lower()), prefix + name)
        except ImportError:
            raise NotConfigured(f"the package {name.lower()} is not installed") from None
        try:
            client = kind(max_retries=0)
        except Exception as error:
            raise NotConfigured(f"{name} cannot be set up: {type(error).__name__}") from error
        known = ("api_key", "auth_token", "credentials")
        if hasattr(client, "api_key") and not any(getattr(client, n, None) for n in known):
            raise NotConfigured(f"{name} has no credentials")  # it would say so as a TypeError
        return client


def _is_async(client: Any) -> bool:
    return any(base.__name__.startswith("Async") for base in type(client).__mro__)


def _without_retries(client: Any) -> Any:
    retries = getattr(client, "max_retries", None)
    if isinstance(retries, int) and retries > 0 and hasattr(client, "with_options"):
        return client.with_options(max_retries=0)
    return client


def _here(answer: Any) -> Any:
    """Return an answer that is there; a coroutine would be taken for one unseen."""
    if answer.__class__ in _PLAIN:
        return answer
    if _is_to_come(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise TypeError("the provider answers asynchronously: use acall, acomplete, astream")
    return _whole(answer)


async def _settled(answer: Any) -> Any:
    return _whole(await answer if _is_to_come(answer) else answer)


def _is_to_come(answer: Any) -> bool:
    return hasattr(answer.__class__, "__await__")


def _whole(answer: Any) -> Any:
    if answer.__class__ in _GENERATORS:
        raise TypeError("the provider's function is a generator: it has to return the whole answer")
    return answer
