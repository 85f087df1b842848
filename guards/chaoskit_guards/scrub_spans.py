"""Where secrets stand in a text, and how a known one may be written."""

from __future__ import annotations

import base64
import json
import re
from html import escape
from typing import NamedTuple
from urllib.parse import quote, quote_plus

__all__ = ["Span", "encodings", "merged"]


class Span(NamedTuple):
    """A stretch of a text that is a secret.

    `start` to `end` is replaced; `lead` is where the words begin that told of it.
    """

    start: int
    end: int
    kind: str
    lead: int


def encodings(secret: str) -> list[str]:
    """Return the ways in which a secret is written: plain, in URLs, JSON, HTML, hex and base64."""
    raw = secret.encode("utf-8", "surrogatepass")
    url, form = quote(raw, safe=""), quote_plus(raw, safe="")
    inner, narrow = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    forms = [secret, inner, narrow, json.dumps(inner)[1:-1], json.dumps(narrow)[1:-1]]
    forms += [url, form, _small(url), _small(form), escape(secret), raw.hex(), raw.hex().upper()]
    forms += [repr(secret)[1:-1], json.dumps(repr(secret)[1:-1])[1:-1]]
    for lead in range(3):  # base64 looks different at each offset within three bytes
        code = base64.b64encode(b"\0" * lead + raw).decode()
        body = code[(0, 2, 3)[lead] : len(code) - (0, 3, 2)[(lead + len(raw)) % 3]]
        if len(body) >= 8:
            forms += [body, body.replace("+", "-").replace("/", "_")]
    return list(dict.fromkeys(forms))


def _small(url: str) -> str:
    """Return a percent-encoded text with the digits of its codes in lower case."""
    return re.sub("%[0-9A-F]{2}", lambda match: match.group().lower(), url)


def merged(found: list[Span]) -> list[Span]:
    """Return the spans in order, overlapping ones as one."""
    spans: list[Span] = []
    for span in sorted(found, key=_order):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
            continue
        last = spans[-1]
        if span.kind == "percent":
            continue  # the secret shows without decoding, and only it goes
        if last.kind == "percent":
            spans[-1] = span
        elif span.end > last.end:
            spans[-1] = Span(last.start, span.end, last.kind, min(last.lead, span.lead))
    return spans


def _order(span: Span) -> tuple[int, int]:
    return span.start, -span.end
