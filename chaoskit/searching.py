"""How a model uses the search of its vendor: what it finds is made up, and always the same."""

from __future__ import annotations

from dataclasses import replace

from chaoskit.exchange import Call, Found, Hosted, Reply, Text
from chaoskit.schema.phrases import content_words

__all__ = ["searched"]

_SEARCHES = ("web_search", "file_search")
_HITS = ("Overview", "Report")


def searched(said: Reply, call: Call, prompt: str) -> Reply:
    """Return an answer after a search for the prompt, where the request offers one.

    The answer cites what was found. JSON cites nothing: it is the whole of what was asked for.
    """
    tool = next((name for name in call.hosted if name in _SEARCHES), None)
    if tool is None:
        return said
    words = content_words(prompt)[:4] or ["message"]
    found = tuple(
        [_hit(words, kind, at, files=tool == "file_search") for at, kind in enumerate(_HITS)]
    )
    search = Hosted(tool=tool, query=" ".join(words), found=found)
    shaped = "output_schema" in call.options or "json_object" in call.options
    content = tuple(
        [
            replace(part, sources=found[:1]) if isinstance(part, Text) and not shaped else part
            for part in said.content
        ]
    )
    return replace(said, content=(search, *content))


def _hit(words: list[str], kind: str, at: int, *, files: bool) -> Found:
    subject = " ".join(words)
    slug = "-".join(word.lower() for word in words)
    url = f"file-{slug}-{at + 1}" if files else f"https://example.com/{kind.lower()}/{slug}"
    return Found(title=f"{kind}: {subject}", url=url, text=f"{kind} of what is known on {subject}.")
