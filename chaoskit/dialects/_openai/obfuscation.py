"""Padding of streamed pieces, so that the size of a packet tells nothing of the text in it."""

from __future__ import annotations

from string import ascii_letters, digits

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values

__all__ = ["is_wanted", "padding"]

_STEP = 16
_CHARACTERS = ascii_letters + digits
_PADDINGS = tuple([f',"obfuscation":"{_CHARACTERS[size:_STEP]}"' for size in range(_STEP)])


def is_wanted(body: Json) -> bool:
    """Tell whether pieces are to be padded, as they are unless the request says otherwise."""
    options = body.get("stream_options")
    value = options.get("include_obfuscation") if isinstance(options, dict) else None
    return value is None or values.boolean(value, "stream_options.include_obfuscation")


def padding(size: int) -> str:
    """Return the field, with the comma before it, that pads so many characters."""
    return _PADDINGS[size % _STEP]
