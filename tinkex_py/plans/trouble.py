"""What went wrong last, for whoever ends a plan before it ends by itself. Pure."""

from __future__ import annotations

from contextvars import ContextVar

from msgspec import Struct

from tinkex_py.errors import TinkerError
from tinkex_py.events import AnyEvent, ReplyReceived, RequestSent, RetryScheduled
from tinkex_py.plans.startup import FIRST

_REFUSALS = 400
_ASIDE = frozenset({"session_heartbeat", "send_telemetry"})
"""Requests that nobody waits for: that they are answered says nothing about those that somebody waits for."""
_FOR_ALL = frozenset({"auth_token", "client_config", "create_session", *_ASIDE})
"""Requests that are made for all operations of a client, whichever of them came first."""


class Trouble(Struct):
    """Why the last request is going to be repeated, None when it was answered; and whether any was `sent` at all, or
    `answered`.

    `endpoint` is where the last one went that wasn't for the client's start, and `attempts` how often one went there in
    a row. A client's has what concerns all its operations, and hands the rest to that of the operation at work, `OWN`.
    """

    last: TinkerError | None = None
    sent: bool = False
    answered: bool = False
    endpoint: str | None = None
    attempts: int = 0

    def note(self, event: AnyEvent) -> None:
        """What observers are told is what there is to know."""
        match event:
            case RetryScheduled(error=error, operation=operation):
                self._of(operation).last = error
            case ReplyReceived(status=status, operation=operation) if status < _REFUSALS and operation not in _ASIDE:
                self._of(operation).last, self._of(operation).answered = None, True
            case RequestSent(operation=operation, endpoint=endpoint) if operation not in _ASIDE:
                self.own.count(operation, endpoint)
            case _:
                pass

    @property
    def known(self) -> TinkerError | None:
        """What keeps the operation at work from ending, as far as is known."""
        return self.own.last or self.last

    @property
    def own(self) -> Trouble:
        """That of the operation at work, where there is one."""
        return OWN.get(self)

    def count(self, operation: str, endpoint: str) -> None:
        """A request goes there; those of a client's start go while the one that they come before waits."""
        self.sent = True
        if operation not in FIRST:
            self.attempts = self.attempts + 1 if endpoint == self.endpoint else 1
            self.endpoint = endpoint

    def _of(self, operation: str) -> Trouble:
        return self if operation in _FOR_ALL else self.own


OWN: ContextVar[Trouble] = ContextVar("tinkex_trouble")
"""The trouble of the operation at work, where there is one."""
