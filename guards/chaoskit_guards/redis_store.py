"""Share a budget or a breaker between processes and machines, through Redis 5 or later.

Every operation is one atomic script and one round trip, and the time is the server's, so that the
clocks of the clients do not matter.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, Literal
from weakref import WeakKeyDictionary

from chaoskit_guards.errors import StoreUnavailable

__all__ = ["RedisStore", "WhenDown"]

WhenDown = Literal["refuse", "alone"]
"""What a guard does while Redis does not answer: refuse calls, or go by its own counts."""

_log = logging.getLogger("chaoskit_guards")


class RedisStore:
    """Where guards of the same key share their state; give it to them as `store=`.

    With a URL it makes its own clients, one for threads and one for each event loop. With a client
    of redis-py it uses that one, and the methods of the other world, blocking or async, are not to
    be had.

    Args:
        client: a URL such as `redis://cache:6379/0`, a `redis.Redis` or a `redis.asyncio.Redis`.
        key: whoever names the same one shares: an organisation, an API key, a provider.
        when_down: `refuse`: calls raise `StoreUnavailable`; `alone`: every process goes by its own
            counts until Redis is back. None: a budget refuses, since its cap would be passed by as
            many times as there are processes; a breaker goes alone, since it is there to keep
            calls possible.
        timeout: seconds that an operation may take, where the client is made here.
    """

    def __init__(
        self,
        client: Any,
        key: str,
        *,
        when_down: WhenDown | None = None,
        timeout: float = 0.5,
    ) -> None:
        if not key or set("{}") & set(key):
            raise ValueError("the key of a store is a text without braces")
        if when_down not in (None, "refuse", "alone"):
            raise ValueError("when_down is 'refuse', 'alone' or None")
        self.key = key
        self.when_down = when_down
        self._redis = _library()
        self._errors = (self._redis.RedisError, OSError)
        self._url = client if isinstance(client, str) else None
        self._timeout = timeout
        self._blocking: Any = None
        self._async: Any = None
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._missed = False
        if self._url is not None:
            self._blocking = self._connect("redis")
        elif inspect.iscoroutinefunction(getattr(client, "execute_command", None)):
            self._async = client
        elif hasattr(client, "evalsha"):
            self._blocking = client
        else:
            raise TypeError("a store is made of a URL or a client of redis-py")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key={self.key!r}, when_down={self.when_down!r})"

    def run(self, script: str, keys: Sequence[str], args: Sequence[bytes | str | int]) -> list[int]:
        """Run a script of this package in one round trip.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        if self._blocking is None:
            raise TypeError("an async client has no blocking calls: give the store a URL")
        text, digest = load(script)
        try:
            try:
                reply = self._blocking.evalsha(digest, len(keys), *keys, *args)
            except self._redis.exceptions.NoScriptError:
                reply = self._blocking.eval(text, len(keys), *keys, *args)
        except self._errors as error:
            raise self._unavailable(error) from error
        return self._answered(reply)

    async def arun(
        self, script: str, keys: Sequence[str], args: Sequence[bytes | str | int]
    ) -> list[int]:
        """Run a script of this package in one round trip, without blocking.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        client = self._async_client()
        text, digest = load(script)
        try:
            try:
                reply = await client.evalsha(digest, len(keys), *keys, *args)
            except self._redis.exceptions.NoScriptError:
                reply = await client.eval(text, len(keys), *keys, *args)
        except self._errors as error:
            raise self._unavailable(error) from error
        return self._answered(reply)

    def close(self) -> None:
        """Close the blocking connections that were made here."""
        if self._url is not None:
            self._blocking.close()

    async def aclose(self) -> None:
        """Close the connections that were made here for this event loop, and the blocking ones."""
        client = self._by_loop.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
        self.close()

    def _async_client(self) -> Any:
        if self._async is not None:
            return self._async
        if self._url is None:
            raise TypeError("a blocking client has no async calls: give the store a URL")
        loop = asyncio.get_running_loop()
        client = self._by_loop.get(loop)
        if client is None:
            client = self._by_loop[loop] = self._connect("redis.asyncio")
        return client

    def _connect(self, module: str) -> Any:
        # One repetition, for a pooled connection that the server has closed meanwhile; none after
        # a timeout, which would double it.
        lost = self._redis.exceptions.ConnectionError
        retry = import_module(f"{module}.retry").Retry(
            import_module("redis.backoff").NoBackoff(), 1, (lost,)
        )
        return import_module(module).Redis.from_url(
            self._url,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=retry,
            retry_on_error=[lost],
        )

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        if not self._missed:
            self._missed = True
            _log.warning("the store %r does not answer: %s", self.key, type(error).__name__)
        return StoreUnavailable(f"the shared store {self.key!r} does not answer")

    def _answered(self, reply: Any) -> list[int]:
        if self._missed:
            self._missed = False
            _log.warning("the store %r answers again", self.key)
        return [int(number) for number in reply.split()]


@cache
def load(script: str) -> tuple[str, str]:
    """Return the text of a script and the digest that Redis knows it by."""
    text = files("chaoskit_guards").joinpath(f"{script}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _library() -> Any:
    try:
        return import_module("redis")
    except ImportError as error:
        raise ImportError("a store needs redis-py: install chaoskit-guards[redis]") from error
