"""Prompts that are kept at the vendor, with variables to fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chaoskit.dialects._json import Json
from chaoskit.dialects._openai import values
from chaoskit.dialects._refused import RefusedError
from chaoskit.dialects.openai_responses.content import read_content
from chaoskit.exchange import Part, Refusal, Text

__all__ = ["Template", "read"]

_PREFIX = "pmpt_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A prompt that a request refers to.

    Nobody knows here what it says. What the model sees of it is its name and its variables.

    Attributes:
        echo: the reference as answers repeat it.
    """

    parts: tuple[Part, ...]
    echo: Json


def read(value: object) -> Template | None:
    """Return the prompt of a request, if it has one; any well-formed id stands for a prompt.

    Raises:
        RefusedError: its form is wrong, or such a prompt cannot exist.
    """
    if value is None:
        return None
    prompt = values.record(value, "prompt")
    name = values.string(values.required(prompt, "id", "prompt.id"), "prompt.id")
    if not name.startswith(_PREFIX):
        message = f"Prompt with id '{name}' not found."
        raise RefusedError(Refusal(kind="not_found", message=message, param="prompt"))
    version = prompt.get("version")
    if version is not None:
        values.string(version, "prompt.version")
    variables = prompt.get("variables")
    given: Mapping[str, object] = (
        {} if variables is None else values.record(variables, "prompt.variables")
    )
    parts: list[Part] = [Text(f"Follow the prompt {name}{f', version {version}' * bool(version)}.")]
    for key, variable in given.items():
        parts.append(Text(f"{key}:"))
        path = f"prompt.variables.{key}"
        content = variable if isinstance(variable, str) else [values.record(variable, path)]
        parts += read_content(content, "user", path)
    echo: Json = {"id": name, "variables": dict(given), "version": version}
    return Template(parts=tuple(parts), echo=echo)
