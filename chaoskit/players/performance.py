"""The performance of one exchange, without I/O: what comes next, and when the client gives up."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from chaoskit.player import Ending, Exchange, Host
from chaoskit.steps import Close, Crash, Deafen, Finish, Head, Raw, Refuse, Reset, Send, Wait

__all__ = ["Broken", "Performance"]


class Broken(Exception):  # noqa: N818 - a signal between performance and player, never seen outside
    """The connection ends badly. `ending` says how, `message` what a real transport would say.

    `half`: the client may go on sending.
    """

    def __init__(self, ending: Ending, message: str, *, begun: bool, half: bool = False) -> None:
        super().__init__(message)
        self.ending = ending
        self.message = message
        self.begun = begun
        self.half = half


class Performance:
    """One exchange on its way to the client.

    Iterating gives seconds to wait (floats), the `Head` once, the bytes of the body, `Raw` for
    those that are not of the body, and `Deafen`; it raises `Broken` where the connection breaks.
    The end is told to the host exactly once.

    Args:
        read: the client's read timeout, in seconds: the longest silence that it tolerates.
    """

    def __init__(self, exchange: Exchange, host: Host, *, read: float | None) -> None:
        self._exchange = exchange
        self._host = host
        self._read = float("inf") if read is None else read
        self._sent_content = False
        self._at = 0
        self._ended = False
        self._moves: Generator[float | Head | bytes | Raw | Deafen] | None = None

    def __iter__(self) -> Iterator[float | Head | bytes | Raw | Deafen]:
        if self._moves is None:  # not before: it holds this object, and the answer with it
            self._moves = self._play()
        return self._moves

    def whole_body(self) -> bytes | None:
        """Return the body if nothing but it is left, so that it need not be streamed."""
        match self._exchange.steps[self._at + 1 :]:
            case (Send() as send, Finish()):
                self._sent_content = True
                self._finish("complete")
                return send.data
        return None

    def at_once(self) -> tuple[Head, bytes] | None:
        """Return head and body of an answer in one piece, which thereby is delivered.

        None where there is something to wait for, a boundary to keep or a flaw to perform.
        """
        match self._exchange.steps:
            case (Head() as head, Send(data=data) as send, Finish()):
                self._sent_content = send.content
                self._finish("complete" if self._exchange.whole else "unfinished")
                return head, data
        return None

    def abandon(self) -> None:
        """The client stopped reading."""
        steps, at = self._exchange.steps, self._at
        unanswered = not any(isinstance(step, (Head, Raw)) for step in steps[: at + 1])
        if unanswered or any(isinstance(step, Send) for step in steps[at + 1 :]):
            self._finish("abandoned")
        else:
            self._finish("complete" if self._exchange.whole else "unfinished")
        if self._moves is not None:
            self._moves.close()

    def cut(self, how: Ending) -> None:
        """The server ends the connection for another reason."""
        self._finish(how)
        if self._moves is not None:
            self._moves.close()

    def _play(self) -> Generator[float | Head | bytes | Raw | Deafen]:
        silence, begun = 0.0, False
        for self._at, step in enumerate(self._exchange.steps):  # noqa: B020 - how far it has come
            if isinstance(step, Wait):
                if silence + step.seconds > self._read:
                    yield float(self._read - silence)
                    self._finish("timeout")
                    raise Broken("timeout", "The read operation timed out", begun=begun)
                silence += step.seconds
                yield float(step.seconds)
                continue
            silence = 0.0
            if isinstance(step, Head):
                begun = True
                yield step
            elif isinstance(step, Send):
                self._sent_content = self._sent_content or step.content
                yield step.data
            elif isinstance(step, (Raw, Deafen)):
                yield step
            elif isinstance(step, Finish):
                self._finish("complete" if self._exchange.whole else "unfinished")
            elif isinstance(step, Refuse):
                self._finish("refused")
                raise Broken("refused", "[Errno 111] Connection refused", begun=False)
            elif isinstance(step, Close):
                self._finish("closed")
                raise Broken(
                    "closed",
                    "peer closed connection without sending complete message body "
                    "(incomplete chunked read)"
                    if begun
                    else "Server disconnected without sending a response.",
                    begun=begun,
                    half=step.half,
                )
            elif isinstance(step, (Reset, Crash)):
                self._finish("reset")
                raise Broken("reset", "[Errno 104] Connection reset by peer", begun=begun)

    def _finish(self, how: Ending) -> None:
        if not self._ended:
            self._ended = True
            self._host.delivered(self._exchange, how, sent_content=self._sent_content)
