"""A model's answer as a value of a declared form.

It is read, repaired where that has one reading, or asked for again with everything that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast, overload

from chaoskit_guards.argcontainers import Record
from chaoskit_guards.arghints import Hints, Model
from chaoskit_guards.argnodes import Node, Repaired
from chaoskit_guards.argschema import compile_schema
from chaoskit_guards.completion import Completion
from chaoskit_guards.deadline import time_left
from chaoskit_guards.errors import ArgProblem, OutputError, OutputTruncated
from chaoskit_guards.events import Listener, emit
from chaoskit_guards.loose_json import NotJson
from chaoskit_guards.output_find import Candidate, candidates
from chaoskit_guards.settings import at_least_one
from chaoskit_guards.tokens import count_tokens
from chaoskit_guards.vet import ArgSpec

__all__ = ["OutputParser", "Parsed"]

T = TypeVar("T")
Said = str | Completion
Messages = list[dict[str, Any]]

_LIMITS = frozenset({"incomplete", "length", "max_output_tokens", "max_tokens",
                     "model_context_window_exceeded"})  # fmt: skip
"""Why a model stopped, where it had more to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[T]):
    """A value that was read from an answer.

    Attributes:
        value: the value.
        repairs: what was undone to read it, in words and places; never values.
        attempts: how often the model was asked.
    """

    value: T
    repairs: tuple[str, ...] = ()
    attempts: int = 1


class OutputParser(Generic[T]):
    """Reads answers into a form.

    A form is whatever `Vet` checks: annotations, `ArgSpec`, dataclasses, TypedDicts, pydantic
    models, and a JSON Schema of an object.

    With `repair` code fences and prose around the JSON are no obstacle, nor is JSON that is loose
    in a way that has one reading; `loose_json` has the list. No value is ever made up. An answer
    that was cut off is told from one that is malformed: it is refused even where its brackets can
    be closed, since a list would be short without a word; `truncated="keep"` takes what is
    complete of it. Where an answer holds several values that fit, none is chosen.

    Args:
        annotation: the form.
        repair: undo what has one reading.
        truncated: `refuse` an answer that was cut off, or `keep` what is complete of it.
        unknown: `refuse` names that are not declared, or `drop` them at the top.
        max_attempts: how often a model is asked, the first time included.
        max_tokens: of all these prompts and answers together; None: no limit. A deadline around it
            (`Deadline`) ends the asking too.
        counter: counts where an answer does not tell its usage.
        listener: told what was repaired and what was asked again, with places only.

    Raises:
        TypeError: the form cannot be checked.
    """

    @overload
    def __init__(
        self: OutputParser[T],
        annotation: type[T],
        *,
        repair: bool = ...,
        truncated: Literal["refuse", "keep"] = ...,
        unknown: Literal["refuse", "drop"] = ...,
        max_attempts: int = ...,
        max_tokens: int | None = ...,
        counter: Callable[[Any], int] = ...,
        listener: Listener | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: OutputParser[Any],
        annotation: Any,
        *,
        repair: bool = ...,
        truncated: Literal["refuse", "keep"] = ...,
        unknown: Literal["refuse", "drop"] = ...,
        max_attempts: int = ...,
        max_tokens: int | None = ...,
        counter: Callable[[Any], int] = ...,
        listener: Listener | None = ...,
    ) -> None: ...
    def __init__(
        self,
        annotation: Any,
        *,
        repair: bool = True,
        truncated: Literal["refuse", "keep"] = "refuse",
        unknown: Literal["refuse", "drop"] = "refuse",
        max_attempts: int = 3,
        max_tokens: int | None = None,
        counter: Callable[[Any], int] = count_tokens,
        listener: Listener | None = None,
    ) -> None:
        at_least_one(max_attempts=max_attempts)
        if max_tokens is not None:
            at_least_one(max_tokens=max_tokens)
        if truncated not in ("refuse", "keep") or unknown not in ("refuse", "drop"):
            raise ValueError("truncated is 'refuse' or 'keep', unknown 'refuse' or 'drop'")
        self._declared = annotation if isinstance(annotation, Mapping) else None
        self._node: Node = (
            Hints(ArgSpec).node(annotation)
            if self._declared is None
            else cast("Node", compile_schema(self._declared))
        )
        self._repair = repair
        self._keep = truncated == "keep"
        self._drop = unknown == "drop"
        self._most = max_attempts
        self._max_tokens = max_tokens
        self._count = counter
        self._listener = listener

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the form."""
        return dict(self._declared) if self._declared is not None else self._node.schema()

    def instructions(self) -> str:
        """Return what to add to the prompt."""
        schema = json.dumps(self.schema(), ensure_ascii=False, default=str)
        return f"Answer with JSON only, without any other text. It must match this schema: {schema}"

    def parse(self, answer: Said, *, stop_reason: str | None = None) -> T:
        """Return the value that an answer holds.

        Args:
            stop_reason: why the model stopped, where `answer` does not tell; in the words of
                either vendor.

        Raises:
            OutputTruncated: it ends before it is complete.
            OutputError: it does not have the form.
        """
        return self.read(answer, stop_reason=stop_reason).value

    def read(self, answer: Said, *, stop_reason: str | None = None) -> Parsed[T]:
        """Return the value, and what was undone to read it.

        Raises:
            OutputTruncated: it ends before it is complete.
            OutputError: it does not have the form.
        """
        text = answer if isinstance(answer, str) else answer.text
        if stop_reason is None and not isinstance(answer, str):
            stop_reason = answer.stop_reason
        limited = stop_reason in _LIMITS
        try:
            found = candidates(text, repair=self._repair)
        except NotJson as error:
            return self._bare(text, error, limited=limited)
        results = [self._checked(candidate, limited=limited) for candidate in found]
        fitting = [(value, one) for value, problems, one in results if not problems]
        if not fitting or (results[-1][2].cut and not self._keep):
            _, last, one = results[-1]
            cut = one.cut or bool(one.closed and stop_reason is None)
            problems = last if cut else min((found for _, found, _ in results), key=len)
            raise (OutputTruncated if cut else OutputError)(tuple(problems))
        value, one = fitting[0]
        if any(other.value != one.value for _, other in fitting[1:]):
            raise OutputError((_problem(f"holds {len(fitting)} different answers"),))
        if one.repairs:
            emit(self._listener, "repaired", "output", repairs=tuple(one.repairs))
        return Parsed(value=value, repairs=tuple(one.repairs))

    def ask_again(self, error: OutputError) -> str:
        """Return what to tell the model: everything that is wrong, and what to do."""
        if isinstance(error, OutputTruncated):
            missing = "".join(f"\n- {problem}" for problem in error.problems if problem.pointer)
            return (
                f"Your answer was cut off before it was complete.{missing}\nAnswer again with the "
                "whole JSON and nothing else, and make it shorter."
            )
        told = "\n".join(f"- {problem}" for problem in error.problems)
        more = error.count - len(error.problems)
        told += f"\n- and {more} more" if more else ""
        return (
            f"Your answer does not have the form that was asked for:\n{told}\n"
            "Answer again with the whole corrected JSON and nothing else."
        )

    def parse_or_ask(
        self, ask: Callable[[Messages], Said], messages: Iterable[Mapping[str, Any]] = ()
    ) -> Parsed[T]:
        """Ask a model until its answer has the form.

        Args:
            ask: gives the answer to messages, as text or as a `Completion`.
            messages: the conversation so far; it is not changed.

        Raises:
            OutputTruncated: the last answer ends before it is complete, and nothing is left to
                ask with.
            OutputError: the last answer does not have the form, and likewise.
        """
        asking = _Asking(self, messages)
        while True:
            parsed = asking.take(ask(asking.messages))
            if parsed is not None:
                return parsed

    async def aparse_or_ask(
        self,
        ask: Callable[[Messages], Awaitable[Said]],
        messages: Iterable[Mapping[str, Any]] = (),
    ) -> Parsed[T]:
        """Ask a model without blocking until its answer has the form; see `parse_or_ask`."""
        asking = _Asking(self, messages)
        while True:
            parsed = asking.take(await ask(asking.messages))
            if parsed is not None:
                return parsed

    def _checked(
        self, candidate: Candidate, *, limited: bool
    ) -> tuple[Any, list[ArgProblem], Candidate]:
        """Return the value to use, what is wrong with it, and where it comes from."""
        if candidate.cut or (limited and candidate.closed):
            candidate.cut = True
            if not self._keep:
                return None, [_problem("ends before it is complete")], candidate
            candidate.repairs.append("what is cut off at the end")
        elif candidate.closed:
            candidate.repairs.append(f"{candidate.closed} missing closing brackets")
        problems: list[ArgProblem] = []
        repairs = Repaired() if self._repair else None
        value, node = candidate.value, self._node
        if self._drop and isinstance(value, Mapping) and isinstance(node, Record | Model):
            known = node.fields if isinstance(node, Record) else node.names
            if isinstance(node, Model) or node.extra is None:
                value = {key: item for key, item in value.items() if key in known}
        try:
            made = node.check(value, "", problems, repairs)
        except RecursionError:
            return None, [_problem("is nested too deeply")], candidate
        candidate.repairs += [f"{place or '/'} was wrapped wrongly" for place in repairs or ()]
        return made, problems, candidate

    def _bare(self, text: str, error: NotJson, *, limited: bool) -> Parsed[T]:
        """Take a text without JSON for what it says, where the form is a text."""
        plain = text.strip()
        if self._repair and plain and self._node.admits_text and not limited:
            problems: list[ArgProblem] = []
            made = self._node.check(plain, "", problems, None)
            if not problems:
                emit(self._listener, "repaired", "output", repairs=("missing quotes",))
                return Parsed(value=made, repairs=("missing quotes",))
        line = text.count("\n", 0, error.at) + 1
        column = error.at - text.rfind("\n", 0, error.at)
        place = f" (line {line}, column {column})" if error.at else ""
        kind = OutputTruncated if limited else OutputError
        raise kind((_problem(f"the answer is no JSON: {error}{place}"),)) from None


class _Asking(Generic[T]):
    """One value that is asked for, with what that has cost so far."""

    def __init__(self, parser: OutputParser[T], messages: Iterable[Mapping[str, Any]]) -> None:
        self.messages: Messages = [dict(message) for message in messages]
        self._parser = parser
        self._attempts = 0
        self._tokens = 0

    def take(self, answer: Said) -> Parsed[T] | None:
        """Return the value of an answer; None: ask again with the messages.

        Raises:
            OutputError: it has none, and nothing is left to ask with.
        """
        parser = self._parser
        self._attempts += 1
        self._tokens += self._cost(answer)
        try:
            parsed = parser.read(answer)
        except OutputError as error:
            error.attempts = self._attempts
            text = answer if isinstance(answer, str) else answer.text
            asked = {"role": "user", "content": parser.ask_again(error)}
            self.messages = [
                *self.messages,
                {"role": "assistant", "content": text.strip() or "(nothing)"},
                asked,
            ]
            if self._attempts >= parser._most or self._spent() or time_left() == 0:  # noqa: SLF001 - one idea in two classes
                raise
            emit(
                parser._listener,  # noqa: SLF001 - likewise
                "asked_again",
                "output",
                attempt=self._attempts,
                places=tuple(problem.pointer for problem in error.problems),
                truncated=isinstance(error, OutputTruncated),
            )
            return None
        return Parsed(value=parsed.value, repairs=parsed.repairs, attempts=self._attempts)

    def _cost(self, answer: Said) -> int:
        if not isinstance(answer, str) and answer.usage.total_tokens:
            return answer.usage.total_tokens
        said = answer if isinstance(answer, str) else answer.text
        count = self._parser._count  # noqa: SLF001 - likewise
        return count(self.messages) + count(said)

    def _spent(self) -> bool:
        """Whether another prompt alone would be too much."""
        most = self._parser._max_tokens  # noqa: SLF001 - likewise
        return most is not None and self._tokens + self._parser._count(self.messages) > most  # noqa: SLF001 - likewise


def _problem(message: str) -> ArgProblem:
    return ArgProblem(pointer="", message=message)
