"""What credentials look like: the published formats of their issuers, by their literal beginnings.

Each format is a literal that `str.find` looks for and a body that is matched only there, so the
time is linear in the text whatever it contains.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from chaoskit_guards.scrub_spans import Span

__all__ = ["find_encoded", "find_formats"]


_A = r"[A-Za-z0-9]"
_AD = r"[A-Za-z0-9_-]"

_FORMATS: tuple[tuple[str, str, str], ...] = (
    ("anthropic", "sk-ant-", _AD + r"{8,}+"),
    ("openai", "sk-", rf"(?:proj-|svcacct-|admin-|or-v1-|lf-)?{_AD}{{16,}}+"),
    ("aws", "AKIA", r"[A-Z0-9]{12,20}+"),
    ("aws", "ASIA", r"[A-Z0-9]{12,20}+"),
    ("github", "gh", r"[pousr]_[A-Za-z0-9]{20,}+"),
    ("github", "github_pat_", r"\w{20,}+"),
    ("gitlab", "gl", r"(?:pat|ptt|rt|dt|soat|cbt|ft|imt|agent|oas|ffct)-[A-Za-z0-9_.-]{16,}+"),
    ("slack", "xox", r"[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}+"),
    ("slack", "xapp-", _AD + r"{10,}+"),
    ("slack", "hooks.slack.com/", r"(?:services|workflows|triggers)/[A-Za-z0-9/_+-]{16,}+"),
    ("discord", "discord.com/api/webhooks/", r"\d+/[\w-]{20,}+"),
    ("stripe", "sk_", r"(?:live|test|prod)_[A-Za-z0-9]{10,}+"),
    ("stripe", "rk_", r"(?:live|test|prod)_[A-Za-z0-9]{10,}+"),
    ("stripe", "whsec_", r"[A-Za-z0-9+/=]{16,}+"),
    ("google", "AIza", _AD + r"{30,}+"),
    ("google", "GOCSPX-", _AD + r"{20,}+"),
    ("google", "ya29.", r"[\w.-]{16,}+"),
    ("google", "1//0", _AD + r"{24,}+"),
    ("huggingface", "hf_", r"[A-Za-z0-9]{20,}+"),
    ("huggingface", "api_org_", r"[A-Za-z0-9]{20,}+"),
    ("groq", "gsk_", r"[A-Za-z0-9]{20,}+"),
    ("xai", "xai-", r"[A-Za-z0-9]{20,}+"),
    ("perplexity", "pplx-", r"[A-Za-z0-9]{20,}+"),
    ("nvidia", "nvapi-", _AD + r"{20,}+"),
    ("tavily", "tvly-", _AD + r"{16,}+"),
    ("replicate", "r8_", r"[A-Za-z0-9]{20,}+"),
    ("langsmith", "lsv2_", r"(?:pt|sk)_\w{20,}+"),
    ("sendgrid", "SG.", r"[\w-]{12,}+\.[\w-]{12,}+"),
    ("mailgun", "key-", r"[0-9a-f]{32}"),
    ("brevo", "xkeysib-", r"[A-Za-z0-9-]{30,}+"),
    ("twilio", "SK", r"[0-9a-f]{32}"),
    ("npm", "npm_", r"[A-Za-z0-9]{20,}+"),
    ("pypi", "pypi-", _AD + r"{32,}+"),
    ("docker", "dckr_pat_", _AD + r"{20,}+"),
    ("rubygems", "rubygems_", r"[0-9a-f]{32,}+"),
    ("databricks", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    ("digitalocean", "do", r"[opr]_v1_[0-9a-f]{32,}+"),
    ("shopify", "shp", r"(?:at|ca|pa|ss)_[0-9a-fA-F]{24,}+"),
    ("vault", "hv", r"[sbr]\.[\w-]{20,}+"),
    ("grafana", "gl", r"(?:sa|c)_[\w+/=-]{20,}+"),
    ("newrelic", "NRAK-", r"[A-Z0-9]{20,}+"),
    ("linear", "lin_api_", r"[A-Za-z0-9]{30,}+"),
    ("notion", "ntn_", r"[A-Za-z0-9]{30,}+"),
    ("figma", "figd_", _AD + r"{30,}+"),
    ("atlassian", "ATATT3", r"[\w=+/-]{30,}+"),
    ("supabase", "sbp_", r"[0-9a-f]{32,}+"),
    ("postman", "PMAK-", r"[0-9a-f-]{40,}+"),
    ("planetscale", "pscale_", r"(?:tkn|pw|oauth)_[\w.=-]{24,}+"),
    ("sentry", "sntr", r"y[su]_[\w+/=]{32,}+"),
    ("facebook", "EAA", r"[A-Za-z0-9]{60,}+"),
    ("square", "sq0", r"(?:csp|atp|idp)-[\w-]{20,}+"),
    ("age", "AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}+"),
    ("airtable", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("doppler", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9.]{30,}+"),
    ("telegram", ":AA", _AD + r"{30,40}+"),
    ("jwt", "eyJ", r"[\w-]{6,}+\.[\w-]{6,}+(?:\.[\w-]*+){0,3}"),
)

_COMPILED = tuple((kind, head, re.compile(body, re.ASCII)) for kind, head, body in _FORMATS)

_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_DISCORD_TAIL = re.compile(r"\.[\w-]{6}\.[\w-]{25,40}+", re.ASCII)
_DISCORD_HEAD = re.compile(r"[MNO][\w-]{22,27}", re.ASCII)
_PEM_MOST = 16_384
_PEM_BODY = re.compile(r"(?:[A-Za-z0-9+/=:,\s-]++|\\+[rn])*+")
_URL_USER = re.compile(r"[^\s/:@\"'<>`\\]{0,128}+:([^\s/\"'<>`\\]{1,512})@", re.ASCII)
_URL_TOKEN = re.compile(rf"({_AD}{{20,255}}+)@", re.ASCII)


def find_formats(text: str) -> Iterator[Span]:
    """Yield every credential that shows by its own format."""
    for kind, head, body in _COMPILED:
        at = text.find(head)
        while at >= 0:
            match = None
            if not at or text[at - 1] not in _WORD or kind == "telegram" or _escaped(text, at):
                match = body.match(text, at + len(head))
            if match is not None:
                start = at
                if kind == "telegram":
                    while start and text[start - 1].isdigit() and at - start < 12:
                        start -= 1
                if kind != "telegram" or at - start >= 8:
                    yield Span(start, match.end(), kind, start)
                    at = text.find(head, match.end())
                    continue
            at = text.find(head, at + len(head))
    if len(text) >= 60:
        yield from _discord(text)
    if "PRIVATE KEY" in text:
        yield from _pem(text)
    if "://" in text:
        yield from _urls(text)


def _escaped(text: str, at: int) -> bool:
    """Tell whether the letter before is the `n` of an escaped newline."""
    return at > 1 and text[at - 1] in "nrt" and text[at - 2] == "\\"


def _discord(text: str) -> Iterator[Span]:
    at = text.find(".")
    while at >= 0:
        if text[at + 7 : at + 8] == "." and at >= 23:
            tail = _DISCORD_TAIL.match(text, at)
            if tail is not None:
                for length in range(23, 29):
                    start = at - length
                    if start < 0 or (
                        start and text[start - 1] in _WORD and not _escaped(text, start)
                    ):
                        continue
                    if _DISCORD_HEAD.fullmatch(text, start, at):
                        yield Span(start, tail.end(), "discord", start)
                        break
        at = text.find(".", at + 1)


def _pem(text: str) -> Iterator[Span]:
    at = text.find("-----BEGIN ")
    while at >= 0:
        end = text.find("-----", at + 11, at + 64)
        if end < 0 or "PRIVATE KEY" not in text[at:end]:
            at = text.find("-----BEGIN ", at + 11)
            continue
        close = text.find("-----END ", end + 5, end + _PEM_MOST)
        if close >= 0:
            stop = text.find("-----", close + 9, close + 64) + 5
            stop = close + 9 if stop < close else stop
        else:
            body = _PEM_BODY.match(text, end + 5, end + _PEM_MOST)
            stop = body.end() if body else end + 5
        yield Span(at, stop, "private_key", at)
        at = text.find("-----BEGIN ", stop)


def _urls(text: str) -> Iterator[Span]:
    at = text.find("://")
    while at >= 0:
        match = _URL_USER.match(text, at + 3)
        if match is not None:
            yield Span(match.start(1), match.end(1), "url_password", at)
        else:
            match = _URL_TOKEN.match(text, at + 3)
            if match is not None and any(c.isdigit() for c in match[1]):
                yield Span(match.start(1), match.end(1), "url_token", at)
        at = text.find("://", at + 3)


_B64 = re.compile(r"[A-Za-z0-9+/_-]{16,}+={0,2}", re.ASCII)
_B64_MOST = 65_536


def find_encoded(text: str, is_secret: Callable[[str], bool]) -> Iterator[Span]:
    """Yield every base64 run whose decoded text contains a secret."""
    for match in _B64.finditer(text):
        run = match.group()
        head = _decode(run[:32])
        if head is None or not _printable(head):
            continue
        whole = _decode(run[:_B64_MOST])
        if whole is not None and _printable(whole) and is_secret(whole.decode("ascii")):
            yield Span(match.start(), match.end(), "base64", match.start())


def _decode(run: str) -> bytes | None:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return None


def _printable(data: bytes) -> bool:
    return bool(data) and data.isascii() and all(32 <= c < 127 or c in b"\r\n\t" for c in data)
