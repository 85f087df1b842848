"""The content of messages and of tool outputs."""

from __future__ import annotations

from chaoskit.dialects import _images
from chaoskit.dialects._json import Json, dumps
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.caching import breakpoint_of
from chaoskit.dialects._refused import invalid
from chaoskit.exchange import Image, Opaque, Part, Text

__all__ = ["read_content", "read_output"]

_ALL = (
    *("input_text", "input_image", "output_text", "refusal"),
    *("input_file", "computer_screenshot", "summary_text"),
)
_GIVEN = ("input_text", "input_image", "input_file")
_SAID = ("output_text", "refusal")
_TEXTS = {"input_text": "text", "output_text": "text", "refusal": "refusal"}


def read_content(content: object, role: str, path: str) -> tuple[Part, ...]:
    """Return the content of a message; what the assistant says has kinds of its own."""
    return _read(content, _SAID if role == "assistant" else _GIVEN, path)


def read_output(output: object, path: str) -> tuple[Part, ...]:
    """Return what a tool answered."""
    return _read(output, _GIVEN, path)


def _read(content: object, kinds: tuple[str, ...], path: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise values.wrong_type(content, "one of an array of objects or string", path)
    return tuple([_part(item, kinds, f"{path}[{at}]") for at, item in enumerate(content)])


def _part(value: object, kinds: tuple[str, ...], path: str) -> Part:
    part = values.record(value, path)
    kind = values.string(values.required(part, "type", f"{path}.type"), f"{path}.type")
    if kind not in kinds:
        # A kind that exists is wrong for this role; one that does not is wrong everywhere.
        values.one_of(kind, kinds if kind in _ALL else _ALL, path)
    key = _TEXTS.get(kind)
    if key is not None:
        text = values.required(part, key, f"{path}.{key}")
        return Text(values.string(text, f"{path}.{key}"), breakpoint_of(part, path))
    if kind == "input_image":
        return _image(part, path)
    return Opaque(kind=kind, raw=dumps(part))


def _image(part: Json, path: str) -> Part:
    url = part.get("image_url")
    if isinstance(url, str):
        return _images.from_url(url, breakpoint_of(part, path))
    if url is not None:
        raise values.wrong_type(url, "an image URL", f"{path}.image_url")
    file = part.get("file_id")
    if isinstance(file, str):
        return Image(source=file)
    raise invalid(
        f"Missing required parameter: '{path}.image_url'.",
        param=f"{path}.image_url",
        code="missing_required_parameter",
    )
