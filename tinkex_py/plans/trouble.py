"""What went wrong last, for whoever ends a plan before it ends by itself. Pure."""

from __future__ import annotations

from msgspec import Struct

from tinkex_py.errors import TinkerError
from tinkex_py.events import AnyEvent, ReplyReceived, RetryScheduled

_REFUSALS = 400
_ASIDE = frozenset({"session_heartbeat", "send_telemetry"})
"""Requests that nobody waits for: that they are answered says nothing about those that somebody waits for."""


class Trouble(Struct):
    """Why the last request is going to be repeated; None when it was answered."""

    last: TinkerError | None = None

    def note(self, event: AnyEvent) -> None:
        """What observers are told is what there is to know."""
        match event:
            case RetryScheduled(error=error):
                self.last = error
            case ReplyReceived(status=status, operation=operation) if status < _REFUSALS and operation not in _ASIDE:
                self.last = None
            case _:
                pass
