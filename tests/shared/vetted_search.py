"""A tool with arguments of every usual kind, and what is wrong with a call."""

import datetime as dt
from typing import Annotated, Literal, NotRequired, TypedDict

import pydantic
import pytest

from chaoskit_guards.errors import ArgError
from chaoskit_guards.vet import Arg, ArgSpec


class Condition(ArgSpec):
    field: str
    op: Literal["eq", "ne"] = "eq"


class Search(ArgSpec):
    query: Annotated[str, Arg(description="what to look for", min_length=1)]
    limit: Annotated[int, Arg(ge=1, le=50)] = 10
    filters: list[Condition] = []  # noqa: RUF012 - a default, copied for every call
    tag: str | None = None
    threshold: float = 0.5


class Options(TypedDict):
    deep: bool
    depth: NotRequired[int]


class Model(pydantic.BaseModel):
    query: str
    when: dt.datetime | None = None
    limit: int = pydantic.Field(10, ge=1)

    @pydantic.field_validator("query")
    @classmethod
    def check(cls, value):
        if value == "hunter2":
            raise ValueError(f"{value} is forbidden")
        return value


def search(query, limit, filters, tag, threshold):
    """Find things."""
    return (query, limit, filters, tag, threshold)


def problems(tool, /, **arguments):
    """The problems that a call has, by pointer."""
    with pytest.raises(ArgError) as caught:
        tool(**arguments)
    return {problem.pointer: problem.message for problem in caught.value.problems}
