"""The list of vectors."""

from __future__ import annotations

from base64 import b64encode
from struct import unpack

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import headers
from chaoskit.dialects.openai_embeddings.vectors import vector
from chaoskit.exchange import Call, HttpReply, Reply

__all__ = ["plain"]


def plain(reply: Reply, call: Call, envelope: Envelope) -> HttpReply:
    """Encode the vectors of all inputs, in their order."""
    model = str(call.options.get("served", call.model))
    texts, size = call.options.get("texts"), call.options.get("size")
    floats = bool(call.options.get("floats"))
    body: Json = {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _written(vector(text, model, size), floats=floats),
            }
            for index, text in enumerate(texts if isinstance(texts, tuple) else ())
            if isinstance(size, int)
        ],
        "model": model,
        "usage": {"prompt_tokens": reply.usage.prompt, "total_tokens": reply.usage.prompt},
    }
    data = dumps(body).encode()
    made = headers.common("application/json", envelope)
    return HttpReply.whole(200, made | headers.limits(envelope), data)


def _written(data: bytes, *, floats: bool) -> list[float] | str:
    if floats:
        return list(unpack(f"<{len(data) // 4}f", data))
    return b64encode(data).decode()
