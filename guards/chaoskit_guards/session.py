"""Whose session the code under way belongs to, and a check that state stays where it was made.

Tasks and `asyncio.to_thread` keep the session of whoever starts them. Plain threads and executors
do not: `SessionScope.bind` takes it along, and what forgets to is refused rather than mixed up.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import update_wrapper
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast

from chaoskit_guards.callables import kind_of
from chaoskit_guards.errors import SessionError

__all__ = ["SessionBound", "SessionScope", "current_session"]

P = ParamSpec("P")
T = TypeVar("T")

_entered: ContextVar[tuple[str, ...]] = ContextVar("chaoskit_guards_session", default=())
"""The sessions that the code under way has entered, the innermost one last."""


def current_session() -> str | None:
    """Return the session that the code under way belongs to."""
    entered = _entered.get()
    return entered[-1] if entered else None


class SessionScope:
    """A block of code that belongs to one session: `with SessionScope(user_id): …`.

    A session within another one is a mistake in a server, and refused; `switch` says that it is
    meant, as where a dispatcher works for one user after the other.

    Args:
        session: what tells sessions apart, such as the id of a conversation; never shown.
        switch: leave the session around it, if there is one, for this block.
    """

    def __init__(self, session: str, *, switch: bool = False) -> None:
        if session.__class__ is not str or not session:
            raise ValueError("a session is a text that is not empty")
        self.session = session
        self._switch = switch

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __enter__(self) -> Self:
        if current_session() not in (None, self.session) and not self._switch:
            raise SessionError(
                "a session began within another one: start it where no session is under way, or "
                "say switch=True"
            )
        _entered.set((*_entered.get(), self.session))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        entered = _entered.get()
        if entered and entered[-1] == self.session:  # else it is left in another context
            _entered.set(entered[:-1])

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def bind(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function for this session, in whatever thread or executor it is called.

        Raises:
            TypeError: it is a generator function, whose body would run later, outside of it.
        """
        kind = kind_of(function)
        if "generator" in kind:
            raise TypeError("a generator runs where it is read: enter the session there")
        scope = SessionScope(self.session, switch=True)
        bound: Any
        if kind == "awaitable":

            async def bound(*args: Any, **kwargs: Any) -> Any:
                with scope:
                    return await cast("Any", function)(*args, **kwargs)

        else:

            def bound(*args: Any, **kwargs: Any) -> Any:
                with scope:
                    return function(*args, **kwargs)

        update_wrapper(bound, function)
        return cast("Callable[P, T]", bound)


class SessionBound(Generic[T]):
    """State that belongs to the session in which it was made; elsewhere it is not handed out.

    Args:
        value: the state.
        session: whose it is; None: the session under way.

    Raises:
        SessionError: no session is under way.
    """

    def __init__(self, value: T, *, session: str | None = None) -> None:
        owner = current_session() if session is None else session
        if owner is None:
            raise SessionError("state was to be bound to a session, but none is under way")
        self._owner = owner
        self._value = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._value).__name__})"

    @property
    def value(self) -> T:
        """The state.

        Raises:
            SessionError: another session is under way, or none.
        """
        around = current_session()
        if around != self._owner:
            where = "outside of any session" if around is None else "in another session"
            raise SessionError(
                f"a {type(self._value).__name__} that belongs to one session was touched {where}; "
                "take it from a SessionStore, and bind what runs in threads of its own"
            )
        return self._value
