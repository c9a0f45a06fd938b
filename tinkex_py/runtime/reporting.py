"""Turns events into what is told to the server: kinds, statuses and counts, never a text, a body or a secret."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypedDict

from tinkex_py.errors import RequestFailed, StatusCause, TinkerError
from tinkex_py.events import AnyEvent, HeartbeatMissed, PromiseSettled, RetryScheduled, SessionOver, SessionStarted
from tinkex_py.plans.telemetry import Outbox
from tinkex_py.types.telemetry import GenericEvent, SessionEnd, SessionStart, Severity
from tinkex_py.version import PROTOCOL_VERSION


class _Common(TypedDict):
    event_id: str
    event_session_index: int
    timestamp: datetime
    severity: Severity


_PROCESS = str(uuid.uuid4())


class Reporter:
    """Fills an outbox with what happens; called on the runtime's thread."""

    def __init__(self, sdk_version: str = PROTOCOL_VERSION) -> None:
        self.outbox = Outbox(
            platform=platform.system(),
            sdk_version=sdk_version,
            process=_PROCESS,
            session=f"sessionless-{uuid.uuid4()}",
        )
        self._begun: datetime | None = None

    def report(self, event: AnyEvent) -> None:
        """Note an event if it is one that the server is told of."""
        match event:
            case SessionStarted(session_id=session):
                self.outbox.session, self._begun = session, _now()
                self.outbox.put(SessionStart(**self._common()))
            case SessionOver():
                self._generic("session_over", "WARNING", {})
            case HeartbeatMissed(since=since, error=error):
                self._generic("heartbeat_missed", "WARNING", {"since": since, **_facts(error)})
            case RetryScheduled(operation=operation, attempt=attempt, error=error):
                self._generic("request_repeated", "INFO", {"operation": operation, "attempt": attempt, **_facts(error)})
            case PromiseSettled(operation=operation, elapsed=elapsed, error=error) if error is not None:
                data = {"operation": operation, "elapsed": elapsed, **_facts(error)}
                if _users(error):
                    self._generic("user_error", "WARNING", data)
                else:
                    self._generic("promise_failed", "ERROR", data)
            case _:
                pass

    def end(self) -> None:
        """Note that the client closes, if it had a session."""
        if self._begun is not None:
            lasted, self._begun = _now() - self._begun, None
            self.outbox.put(SessionEnd(duration=str(lasted), **self._common()))

    def _generic(self, name: str, severity: Severity, data: Mapping[str, object]) -> None:
        self.outbox.put(GenericEvent(event_name=name, event_data=data, **self._common(severity)))

    def _common(self, severity: Severity = "INFO") -> _Common:
        return _Common(
            event_id=str(uuid.uuid4()),
            event_session_index=self.outbox.next_number(),
            timestamp=_now(),
            severity=severity,
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _facts(error: TinkerError) -> dict[str, object]:
    """What may be told of an error: its kind and status, not its text."""
    status = {"status": error.status} if isinstance(error, StatusCause) else {}
    return {"error_type": type(error).__name__, **status}


def _users(error: TinkerError) -> bool:
    """Whether the mistake is the user's: a refused request, or work that failed because of what it was given."""
    if isinstance(error, RequestFailed):
        return error.category == "user"
    return isinstance(error, StatusCause) and 400 <= error.status < 500 and error.status != 408
