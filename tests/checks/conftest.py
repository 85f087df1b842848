"""Hand-written journals."""

import pytest

from chaoskit.journal import (
    Answered,
    CalledTool,
    Delivered,
    Failed,
    GotResult,
    Happened,
    Journal,
    Leaked,
    Planted,
    RanTool,
    Refused,
    Replied,
    Requested,
    RunStarted,
    Struck,
    TurnStarted,
)


class Story:
    """Writes a journal, event by event."""

    def __init__(self):
        self.journal = Journal()
        self.calls = {}
        self.began = {}

    def add(self, event):
        self.journal.append(event)
        return self

    def starts(self, *rules, users=1):
        return self.add(
            RunStarted(
                at=0,
                scenario="test",
                agent="test",
                seed=1,
                healthy=not rules,
                clock="virtual",
                users=users,
                rules=rules,
            )
        )

    def happens(self, what, at):
        return self.add(Happened(at=at, what=what))

    def asks(self, user="ann", at=0.0, *, turn=1, prompt="Why did the deploy fail?"):
        self.began[user, turn] = at
        return self.add(TurnStarted(at=at, user=user, turn=turn, prompt=prompt))

    def answers(self, text, at=1.0, *, user="ann", turn=1):
        seconds = at - self.began.get((user, turn), 0.0)
        return self.add(Answered(at=at, user=user, turn=turn, answer=text, seconds=seconds))

    def fails(self, error="builtins.ValueError", at=1.0, *, user="ann", turn=1, stopped=False):
        return self.add(
            Failed(
                at=at,
                user=user,
                turn=turn,
                error=error,
                message="boom",
                where="agent.py:3",
                seconds=at,
                stopped=stopped,
            )
        )

    def requests(self, at=0.0, *, user="ann", turn=1, results=(), **more):
        """Add a request and return its number."""
        call = len(self.calls) + 1
        event = {
            "attempt": call,
            "provider": "anthropic",
            "dialect": "anthropic",
            "operation": "generate",
            "model": "claude",
            "stream": False,
            "key": "k",
            "digest": f"d{call}",
            "step": f"s{call}",
            "prefix": "p",
            "messages": 1,
            "tools": (),
            "prompt_tokens": 100,
            "max_tokens": 1000,
        } | more
        self.calls[call] = Requested(
            at=at, user=user, turn=turn, call=call, results=tuple(results), **event
        )
        self.add(self.calls[call])
        return call

    def _of(self, call, at):
        request = self.calls[call]
        at = request.at if at is None else at
        return {"at": at, "user": request.user, "turn": request.turn, "call": call}

    def refuses(self, call, status=429, kind="rate_limited", *, at=None, **more):
        return self.add(
            Refused(**self._of(call, at), status=status, kind=kind, message="no", **more)
        )

    def replies(self, call, text="", *, at=None, calls=(), **more):
        request = self.calls[call]
        return self.add(
            Replied(
                **self._of(call, at),
                provider=request.provider,
                model=request.model,
                stop="tool_use" if calls else "end",
                text=text,
                tool_calls=tuple(calls),
                **more,
            )
        )

    def delivers(self, call, how="complete", *, at=None, **more):
        return self.add(Delivered(**self._of(call, at), how=how, seconds=0.0, **more))

    def strikes(self, call, rule=0):
        return self.add(Struck(**self._of(call, None), rule=rule, fault="Hang", stage="admit"))

    def runs(self, tool, arguments, result, *, at=0.5, user="ann", turn=1, **more):
        return self.add(
            RanTool(
                at=at,
                user=user,
                turn=turn,
                tool=tool,
                arguments=arguments,
                outcome="result",
                result=result,
                **more,
            )
        )

    def leaks(self, canary, channel="log", *, user="ann", where="app (a.py:1)"):
        return self.add(
            Leaked(
                at=1,
                user=user,
                turn=1,
                canary=canary,
                channel=channel,
                encoding="plain",
                where=where,
            )
        )

    def plants(self, canary):
        return self.add(Planted(at=0, canary=canary))


def called(tool="search", arguments="{}", *, call_id="c1", valid=True):
    return CalledTool(call_id=call_id, tool=tool, arguments=arguments, valid=valid)


def got(text, *, call_id="c1", tool="search", is_error=False):
    return GotResult(call_id=call_id, tool=tool, is_error=is_error, text=text)


@pytest.fixture
def story():
    return Story()


@pytest.fixture(name="called")
def _called():
    return called


@pytest.fixture(name="got")
def _got():
    return got
