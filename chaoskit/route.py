"""Where a tool stands in an HTTP API: `POST https://shop.internal/orders/{order_id}/refunds`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Self

__all__ = ["METHODS", "Route", "host_of", "is_local"]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_WRITTEN = re.compile(r"(?P<method>[A-Z]+) +(?P<origin>https?://(?P<host>[^/\s]+))(?P<path>/\S*)?")
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", ""})
_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")


@dataclass(frozen=True)
class Route:
    """A method, a host, and a path in which `{name}` stands for an argument."""

    method: str
    origin: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the route that a text writes.

        Raises:
            ValueError: it is none.
        """
        found = _WRITTEN.fullmatch(text.strip())
        if found is None or found["method"] not in METHODS:
            raise ValueError(
                f"{text!r} is no route; write a method ({', '.join(METHODS)}) and a URL, such as "
                "'GET https://shop.internal/orders/{order_id}'"
            )
        path = found["path"] or "/"
        if strange := [sign for sign in "?#" if sign in path]:
            raise ValueError(
                f"{text!r}: leave out what follows {strange[0]!r}; query parameters "
                "are arguments without a place in the path"
            )
        names = _PLACE.findall(path)
        if "{" in _PLACE.sub("", path) or "}" in _PLACE.sub("", path):
            raise ValueError(f"{text!r}: a place in the path is a name in braces, {{order_id}}")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"{text!r}: the path names {{{twice[0]}}} twice")
        return cls(found["method"], found["origin"], path)

    @cached_property
    def host(self) -> str:
        """The host, without its port."""
        return host_of(self.origin.partition("://")[2])

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments that have a place in the path."""
        return tuple(_PLACE.findall(self.path))

    @property
    def shape(self) -> tuple[str, str, str]:
        """What no two routes may have in common."""
        return self.method, self.host, _PLACE.sub("{}", self.path)

    def values(self, path: str) -> dict[str, str] | None:
        """Return what stands in the places of a path; None where the path is another."""
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()

    def __str__(self) -> str:
        return f"{self.method} {self.origin}{self.path}"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        parts = _PLACE.split(self.path)  # texts and names, in turns
        return re.compile(
            "".join(
                f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part)
                for index, part in enumerate(parts)
            )
        )


def host_of(authority: str) -> str:
    """Return the host of `host:port`, in lower case and without the brackets of IPv6."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    host, _, port = authority.partition(":")
    return (authority if ":" in port else host).lower()


def is_local(name: str) -> bool:
    """Tell whether a name or an address is this machine's own."""
    if name in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
