"""A routed answer in pieces: until the first one is out, another provider may take over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from chaoskit_guards.answers import Assembler, assembler
from chaoskit_guards.completion import Completion
from chaoskit_guards.course import Course, asked, received
from chaoskit_guards.route import Ask

__all__ = ["RoutedStream"]


class RoutedStream:
    """The pieces of a text as they arrive; iterate it once, with `for` or `async for`.

    Attributes:
        completion: the whole answer, once the iteration has ended.
    """

    def __init__(self, course: Course) -> None:
        self.completion: Completion | None = None
        self._course = course
        self._begun = False
        self._shown = False

    def __iter__(self) -> Iterator[str]:
        course = self._begin()
        while (ask := course.step()) is not None:
            try:
                yield from self._pieces(ask)
            except BaseException as error:
                if self.completion is not None or not course.failed(ask, error) or self._shown:
                    raise
            else:
                return

    async def __aiter__(self) -> AsyncGenerator[str, None]:
        course = self._begin()
        while (ask := await course.astep()) is not None:
            try:
                async with aclosing(self._apieces(ask)) as pieces:
                    async for piece in pieces:
                        yield piece
            except BaseException as error:
                if self.completion is not None or not await course.afailed(ask, error):
                    raise
                if self._shown:
                    raise
            else:
                return

    def _begin(self) -> Course:
        if self._begun:
            raise RuntimeError("a stream is iterated once; ask again for another answer")
        self._begun = True
        return self._course

    def _pieces(self, ask: Ask) -> Iterator[str]:
        caller = ask.provider.caller
        if not caller.streams:
            completion = received(ask, caller.send(ask.request, ask.timeout))
            self._course.answered(ask, completion, final=True)
            yield self._ended(completion)
            return
        parts = _Parts(ask)
        for event in caller.stream(ask.request, ask.timeout):
            piece = parts.feed(event)
            if piece:
                self._shown = True
                yield piece
        self._course.answered(ask, parts.completion(), final=True)
        self._ended()

    async def _apieces(self, ask: Ask) -> AsyncGenerator[str, None]:
        caller = ask.provider.caller
        if not caller.streams:
            completion = await asked(ask)
            await self._course.aanswered(ask, completion, final=True)
            yield self._ended(completion)
            return
        parts = _Parts(ask)
        async with aclosing(caller.astream(ask.request, ask.timeout)) as events:
            async for event in events:
                piece = parts.feed(event)
                if piece:
                    self._shown = True
                    yield piece
        await self._course.aanswered(ask, parts.completion(), final=True)
        self._ended()

    def _ended(self, completion: Completion | None = None) -> str:
        """Keep the result and return the text that is still to be shown."""
        self._shown = True
        self.completion = self._course.result()
        return "" if completion is None else completion.text


class _Parts:
    """The events of one attempt, whose first content its breaker is told about."""

    def __init__(self, ask: Ask) -> None:
        self._assembler: Assembler = assembler(ask.provider.config.words)
        self._permit = ask.permit
        self.completion = self._assembler.completion

    def feed(self, event: object) -> str:
        """Take one event and return the text in it."""
        piece = self._assembler.feed(event)
        if self._permit is not None and self._assembler.begun:
            self._permit.first_item()
            self._permit = None
        return piece
