"""Instructor: an answer with a structure."""
# ruff: noqa: T201 - a script prints

import instructor
import openai
from pydantic import BaseModel


class Cause(BaseModel):
    """Why something failed."""

    summary: str
    certain: bool


client = instructor.from_openai(openai.OpenAI())
print(
    client.chat.completions.create(
        model="gpt-4o-mini",
        response_model=Cause,
        messages=[{"role": "user", "content": "Why did the last deploy fail?"}],
    )
)
