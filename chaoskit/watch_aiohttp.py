"""What there is to look at in a request of `aiohttp`, before it leaves.

Of a body, what is at hand: JSON, text, bytes and forms; not what is read from files or generators,
nor uploads in parts. Redirects are not looked at again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from chaoskit.watch_requests import parts_of

__all__ = ["parts_of_aiohttp"]


def parts_of_aiohttp(
    session: Any, url: Any, headers: Mapping[str, str], options: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the name of each part, and its text.

    Args:
        url: absolute.
        headers: those of the session and of the request.
        options: what else the request was given.
    """
    told = {name: str(value) for name, value in headers.items()}
    if (auth := options.get("auth") or getattr(session, "auth", None)) is not None:
        told["authorization"] = auth.encode()
    if cookies := session.cookie_jar.filter_cookies(url).output(header="", sep=";"):
        told["cookie"] = cookies
    if own := options.get("cookies"):
        told["cookie"] = f"{told.get('cookie', '')}; {own}"
    whole = url.update_query(params) if (params := options.get("params")) else url
    yield from parts_of(str(whole), told, _body(options))


def _body(options: Mapping[str, Any]) -> str | bytes | None:
    if (value := options.get("json")) is not None:
        return json.dumps(value, default=str, ensure_ascii=False)
    data = options.get("data")
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        return urlencode({name: value for name, value in data.items() if isinstance(value, str)})
    return None
