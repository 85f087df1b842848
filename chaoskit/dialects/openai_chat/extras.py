"""What few requests have: functions by their old name, sound, predictions, the vendor's search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._openai.functions import spec
from chaoskit.dialects._refused import invalid
from chaoskit.exchange import ToolChoice, ToolSpec

__all__ = ["NAMES", "NONE", "Extras", "read"]

NAMES = frozenset(
    {"audio", "function_call", "functions", "modalities", "prediction", "web_search_options"}
)
_FORMATS = ("wav", "aac", "mp3", "flac", "opus", "pcm16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """The fields that a request has of these.

    Attributes:
        functions: tools by their old name; None where the request has no such field.
        choice: among the functions.
        audio: the format of the sound in which the answer is to be spoken, or empty.
        prediction: what the answer will mostly be, or empty.
        searches: the vendor's search may be used.
    """

    functions: tuple[ToolSpec, ...] | None = None
    choice: ToolChoice
    audio: str = ""
    prediction: str = ""
    searches: bool = False


NONE = Extras(choice=ToolChoice())


def read(body: Json) -> Extras:
    """Check the shape of these fields.

    Raises:
        RefusedError: with the message that names the first field that is wrong.
    """
    functions = _functions(body.get("functions"))
    return Extras(
        functions=functions,
        choice=_choice(body.get("function_call"), functions),
        audio=_audio(body),
        prediction=_prediction(body.get("prediction")),
        searches=body.get("web_search_options") is not None,
    )


def _functions(value: object) -> tuple[ToolSpec, ...] | None:
    if value is None:
        return None
    found = []
    for at, item in enumerate(values.filled(value, "functions")):
        function = values.record(item, f"functions[{at}]")
        found.append(spec(function, function, f"functions[{at}]"))
    return tuple(found)


def _choice(value: object, functions: tuple[ToolSpec, ...] | None) -> ToolChoice:
    """Return how the model may choose; it never calls two functions at once."""
    if value is not None and functions is None:
        raise invalid(
            "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' "
            "are specified.",
            param="function_call",
        )
    if isinstance(value, dict):
        name = values.string(
            values.required(value, "name", "function_call.name"), "function_call.name"
        )
        if all(function.name != name for function in functions or ()):
            raise invalid(
                f"Function '{name}' not found in 'functions' parameter.", param="function_call"
            )
        return ToolChoice(mode="tool", name=name, parallel=False)
    if value is not None and values.one_of(value, ("none", "auto"), "function_call") == "none":
        return ToolChoice(mode="none", parallel=False)
    return ToolChoice(parallel=False)


def _audio(body: Json) -> str:
    """Return the format in which the answer is to be spoken."""
    wanted = body.get("modalities")
    kinds = [] if wanted is None else values.array(wanted, "modalities", "strings")
    for at, kind in enumerate(kinds):
        values.one_of(kind, ("text", "audio"), f"modalities[{at}]")
    if "audio" not in kinds:
        return ""
    audio = values.record(values.required(body, "audio", "audio"), "audio")
    values.required(audio, "voice", "audio.voice")
    return values.one_of(values.required(audio, "format", "audio.format"), _FORMATS, "audio.format")


def _prediction(value: object) -> str:
    if value is None:
        return ""
    record = values.record(value, "prediction")
    kind = values.required(record, "type", "prediction.type")
    values.one_of(kind, ("content",), "prediction.type")
    content: Any = values.required(record, "content", "prediction.content")
    if isinstance(content, str):
        return content
    parts = values.array(content, "prediction.content")
    texts = []
    for at, item in enumerate(parts):
        path = f"prediction.content[{at}]"
        part = values.record(item, path)
        inner = f"{path}.text"
        texts.append(values.string(values.required(part, "text", inner), inner))
    return "".join(texts)
