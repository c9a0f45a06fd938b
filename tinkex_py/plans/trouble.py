"""What went wrong last, for whoever ends a plan before it ends by itself. Pure."""

from __future__ import annotations

from contextvars import ContextVar

from msgspec import Struct

from tinkex_py.errors import TinkerError
from tinkex_py.events import AnyEvent, ReplyReceived, RequestSent, RetryScheduled

_REFUSALS = 400
_ASIDE = frozenset({"session_heartbeat", "send_telemetry"})
"""Requests that nobody waits for: that they are answered says nothing about those that somebody waits for."""
_FOR_ALL = frozenset({"auth_token", "client_config", "create_session", *_ASIDE})
"""Requests that are made for all operations of a client, whichever of them came first."""


class Trouble(Struct):
    """Why the last request is going to be repeated, None when it was answered; and whether any was `sent` at all.

    A client's has what concerns all its operations, and hands the rest to that of the operation at work, `OWN`.
    """

    last: TinkerError | None = None
    sent: bool = False

    def note(self, event: AnyEvent) -> None:
        """What observers are told is what there is to know."""
        match event:
            case RetryScheduled(error=error, operation=operation):
                self._of(operation).last = error
            case ReplyReceived(status=status, operation=operation) if status < _REFUSALS and operation not in _ASIDE:
                self._of(operation).last = None
            case RequestSent(operation=operation) if operation not in _ASIDE:
                OWN.get(self).sent = True
            case _:
                pass

    @property
    def known(self) -> TinkerError | None:
        """What keeps the operation at work from ending, as far as is known."""
        return OWN.get(self).last or self.last

    def _of(self, operation: str) -> Trouble:
        return self if operation in _FOR_ALL else OWN.get(self)


OWN: ContextVar[Trouble] = ContextVar("tinkex_trouble")
"""The trouble of the operation at work, where there is one."""
