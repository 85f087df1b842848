"""Secrets that are written in base64 or percent encoding."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote

from chaoskit_guards.scrub_formats import runs
from chaoskit_guards.scrub_spans import Span

__all__ = ["find_encoded", "find_percent", "requoted"]

_CODE = re.compile(
    r"(?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]){4}"
    r"[A-Za-z0-9+/_-]{0,65536}+(?:\\?\r?\n[A-Za-z0-9+/]{16,128}+){0,1024}+={0,2}"
)
"""Base64 of a text: of each four characters the first three tell that three bytes are ASCII."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_RUN = re.compile(r"[^\s\"'<>&?]{1,8192}+")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")


def find_encoded(text: str, is_secret: Callable[[str], bool]) -> Iterator[Span]:
    """Yield every base64 run whose decoded text contains a secret."""
    done = 0
    for start, _ in runs(text):
        if start < done:
            continue
        escaped = text[start - 1 : start + 1] in ("\\n", "\\r", "\\t")
        match = _CODE.match(text, start + escaped)
        if match is None:
            continue
        done = match.end()
        plain = _decoded(match.group())
        if plain is not None and is_secret(plain):
            yield Span(match.start(), match.end(), "base64", match.start())


def _decoded(run: str) -> str | None:
    body = "".join(run.split()).rstrip("=").replace("-", "+").replace("_", "/")
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        text = base64.b64decode(body + "=" * (-len(body) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return None if _CONTROL.search(text) else text


def find_percent(text: str, cleaned: Callable[[str], str]) -> Iterator[Span]:
    """Yield every percent-encoded run that contains a secret when decoded."""
    for match in _RUN.finditer(text):
        run = match.group()
        if "%" in run and _ENCODED.search(run):
            plain = unquote(run)
            if cleaned(plain) != plain:
                yield Span(match.start(), match.end(), "percent", match.start())


def requoted(run: str, cleaned: Callable[[str], str], marks: re.Pattern[str]) -> str:
    """Return a percent-encoded run with the secrets of its decoded text taken out."""
    safe = "".join(c for c in ":/?&=#[]@!$'()*+,;{}" if c in run)
    return "".join(
        part if at % 2 else quote(part, safe=safe)  # the markers stay readable
        for at, part in enumerate(marks.split(cleaned(unquote(run))))
    )
