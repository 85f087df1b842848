"""A real server behind a URL, for clients that talk in lines."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx

from chaoskit.dialects.mcp.reading import VERSION, envelope_of
from chaoskit.proxies.events import events_of
from chaoskit.proxies.upstream import Give

__all__ = ["UrlServer"]

_PATIENCE = httpx.Timeout(None, connect=10.0)  # a tool may take its time
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_BASE = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
_INTERNAL = -32603


class UrlServer:
    """Sends each line as a request of streamable HTTP, and says what comes back as lines."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: dict[str, str] = {}
        self._asking: dict[object, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.code = 1

    async def start(self, give: Give) -> None:
        """Make a client; the server is asked when there is something to ask."""
        self._give = give
        self._client = httpx.AsyncClient(timeout=_PATIENCE)

    def send(self, line: bytes) -> None:
        """Send a line; of a stateless request that is given up, the stream is closed instead."""
        try:
            message = json.loads(line)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        params = message.get("params")
        if (
            message.get("method") == "notifications/cancelled"
            and "mcp-session-id" not in self._session
        ):
            task = self._asking.get(params.get("requestId") if isinstance(params, dict) else None)
            if task is not None:
                task.cancel()
            return
        task = asyncio.get_running_loop().create_task(self._post(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if "id" in message and "method" in message:
            self._asking[message["id"]] = task

    async def ended(self) -> str:
        """Wait for ever: a server behind a URL that does not answer may answer again."""
        await asyncio.get_running_loop().create_future()
        return ""

    async def stop(self) -> None:
        """End the session, if there is one, and the streams."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session.get("mcp-session-id"):
            try:
                async with asyncio.timeout(1.0):
                    await self._client.delete(self._url, headers=_BASE | self._session)
            except (TimeoutError, httpx.HTTPError):
                pass
        await self._client.aclose()

    async def _post(self, message: dict[str, Any]) -> None:
        wanted = message.get("id") if "method" in message else None
        try:
            async with self._client.stream(
                "POST", self._url, json=message, headers=self._headers(message)
            ) as response:
                said = await self._read(response, wanted)
            if message.get("method") == "notifications/initialized":
                await self._listen()
            elif wanted is not None and not said:
                self._fail(wanted, f"the server answered with HTTP status {response.status_code}")
        except httpx.HTTPError as error:
            if wanted is not None:
                self._fail(wanted, f"the server cannot be reached: {type(error).__name__} {error}")
        finally:
            self._asking.pop(wanted, None)

    async def _read(self, response: httpx.Response, wanted: object) -> bool:
        """Say what a response says; tell whether the answer was in it."""
        kind = response.headers.get("content-type", "")
        if kind.startswith("text/event-stream"):
            answered = False
            async for _, data in events_of(response):
                answered = self._say(data, wanted, response) or answered
            return answered
        text = (await response.aread()).decode("utf-8", "replace")
        return kind.startswith("application/json") and self._say(text, wanted, response)

    def _say(self, text: str, wanted: object, response: httpx.Response) -> bool:
        try:
            said = json.loads(text)
        except ValueError:
            return False
        if not isinstance(said, dict):
            return False
        if "method" not in said and said.get("id") is None and wanted is not None:
            said["id"] = wanted  # an error that does not know to whom it goes
        result = said.get("result")
        if isinstance(result, dict) and "protocolVersion" in result:
            self._session["mcp-protocol-version"] = str(result["protocolVersion"])
            if "mcp-session-id" in response.headers:
                self._session["mcp-session-id"] = response.headers["mcp-session-id"]
        answers = "method" not in said and said.get("id") == wanted
        self._give(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())
        return answers

    async def _listen(self) -> None:
        """Say what the server has to say by itself, as long as it does."""
        async with self._client.stream("GET", self._url, headers=_BASE | self._session) as response:
            if response.status_code == 200:
                await self._read(response, None)

    def _fail(self, request: object, told: str) -> None:
        error = {"code": _INTERNAL, "message": told}
        self._give(json.dumps({"jsonrpc": "2.0", "id": request, "error": error}).encode())

    def _headers(self, message: dict[str, Any]) -> dict[str, str]:
        envelope = envelope_of(message) if isinstance(message.get("params"), dict) else None
        if envelope is None:
            return _BASE | ({} if message.get("method") == "initialize" else self._session)
        method = str(message.get("method"))
        headers = {"mcp-protocol-version": str(envelope[VERSION]), "mcp-method": method}
        name = message["params"].get(_NAMED.get(method, ""))
        if isinstance(name, str):
            plain = name.isascii() and name.isprintable() and name == name.strip()
            coded = base64.b64encode(name.encode()).decode()
            headers["mcp-name"] = name if plain else f"=?base64?{coded}?="
        return _BASE | headers
