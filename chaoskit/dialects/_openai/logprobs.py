"""How likely the model found each token of its answer: made up, but the same for the same text."""

from __future__ import annotations

import re
from hashlib import blake2b

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.exchange import Call

__all__ = ["MOST", "of", "read_top", "wanted"]

MOST = 20
_TOKEN = re.compile(r"\s?[^\W_]{1,7}|\s?[\W_]", re.DOTALL)
_OTHERS = (" the", " a", ".", ",", " and", " of", " to", " in", " is", " that", "\n", " for")


def read_top(value: object) -> int:
    """Return how many alternatives a request wants for each token."""
    return 0 if value is None else values.integer(value, "top_logprobs", 0, MOST)


def wanted(call: Call) -> int | None:
    """Return how many alternatives the call wants; None when it wants no probabilities."""
    found = call.options.get("logprobs")
    return found if isinstance(found, int) else None


def of(text: str, alternatives: int) -> list[Json]:
    """Return the tokens of a text, which joined are the text, each with its log probability."""
    return [_token(token, alternatives) for token in _TOKEN.findall(text)]


def _token(token: str, alternatives: int) -> Json:
    # Between -0.0 and -0.5: the most likely token was taken.
    digest = blake2b(token.encode(errors="replace"), digest_size=2).digest()
    first = -int.from_bytes(digest, "big") / 131_072
    others = [other for other in _OTHERS if other != token]
    likely = [(token, first)]
    likely += [(other, -2.0 - at) for at, other in enumerate(others)]
    made = _entry(token, first)
    made["top_logprobs"] = [_entry(*pair) for pair in likely[:alternatives]]
    return made


def _entry(token: str, logprob: float) -> Json:
    # A token that no UTF-8 can say (a lone surrogate) has no bytes.
    data = token.encode(errors="replace")
    return {"token": token, "logprob": logprob, "bytes": list(data)}
