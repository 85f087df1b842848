"""What few answers have: pages that they cite, and the sound of their words."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from chaoskit.dialect import Envelope
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._pieces import deltas
from chaoskit.exchange import Call, Reply, Text

__all__ = ["applies", "chunks", "complete"]

_RATE = 24_000  # samples of 16 bits in a second
_PER_CHARACTER = 60  # milliseconds
_LIFE = 3600  # seconds that a sound can be referred to
_PIECE = 16_384  # bytes


def applies(reply: Reply, call: Call) -> bool:
    """Tell whether an answer has anything of this."""
    return "audio" in call.options or any(
        isinstance(part, Text) and bool(part.sources) for part in reply.content
    )


def complete(message: Json, reply: Reply, call: Call, envelope: Envelope) -> None:
    """Put the citations into a message, and its sound in place of its text."""
    message["annotations"] = _annotations(reply)
    if "audio" in call.options and reply.text:
        message["content"] = None
        message["audio"] = {
            "id": _id(envelope),
            "data": b64encode(_sound(reply.text, str(call.options["audio"]))).decode(),
            "expires_at": int(envelope.wall) + _LIFE,
            "transcript": reply.text,
        }


def chunks(reply: Reply, call: Call, envelope: Envelope) -> Iterator[str]:
    """Yield the deltas that come in place of those of the text, or after them."""
    if "audio" in call.options and reply.text:
        yield dumps({"audio": {"id": _id(envelope)}})
        for piece in deltas(reply.text):
            yield dumps({"audio": {"transcript": piece}})
        sound = _sound(reply.text, "pcm16")
        for at in range(0, len(sound), _PIECE):
            yield dumps({"audio": {"data": b64encode(sound[at : at + _PIECE]).decode()}})
        yield dumps({"audio": {"expires_at": int(envelope.wall) + _LIFE}})
    cited = _annotations(reply)
    if cited:
        yield dumps({"annotations": cited})


def _annotations(reply: Reply) -> list[Json]:
    text = reply.text
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "start_index": 0,
                "end_index": len(text),
                "title": source.title,
                "url": source.url,
            },
        }
        for part in reply.content
        if isinstance(part, Text)
        for source in part.sources
    ]


def _id(envelope: Envelope) -> str:
    return f"audio_{envelope.ids.getrandbits(128):032x}"


def _sound(text: str, kind: str) -> bytes:
    """Return silence as long as the text takes, with a header where the format has a simple one."""
    data = bytes(2 * (_RATE * len(text) * _PER_CHARACTER // 1000))
    if kind != "wav":
        return data
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt \x10\0\0\0\x01\0\x01\0"
    head += _RATE.to_bytes(4, "little") + (2 * _RATE).to_bytes(4, "little") + b"\x02\0\x10\0"
    return head + b"data" + len(data).to_bytes(4, "little") + data
