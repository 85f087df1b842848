"""How the steps of decoding give up: the exception never leaves `decode`."""

from __future__ import annotations

from chaoskit.exchange import Refusal

__all__ = ["RefusedError", "invalid"]


class RefusedError(Exception):
    """The request is invalid; `refusal` is what production answers."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> RefusedError:
    """Return the error for an invalid request."""
    return RefusedError(Refusal(kind="invalid_request", message=message, param=param, code=code))
