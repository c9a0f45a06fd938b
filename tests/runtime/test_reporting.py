"""The server is told kinds, statuses and counts, and never a text that may hold a secret."""

from __future__ import annotations

import msgspec
import pytest

from tinkex_py import errors
from tinkex_py.events import (
    AnyEvent,
    HeartbeatMissed,
    PromiseSettled,
    RequestSent,
    RetryScheduled,
    SessionOver,
    SessionStarted,
)
from tinkex_py.runtime.reporting import Reporter
from tinkex_py.types.telemetry import GenericEvent

SECRET = "tml-very-secret"
FAULT = errors.ServerFault(message=SECRET, status=503, detail=SECRET)
USERS = errors.RequestFailed(message=SECRET, category="user")
SERVERS = errors.RequestFailed(message=SECRET, category="server")
MISSING = errors.NotFound(message=SECRET, status=404)
SLOW = errors.RequestTimedOut(message=SECRET, status=408)


def settled(error: errors.TinkerError | None) -> AnyEvent:
    return PromiseSettled(operation="o", promise=SECRET, elapsed=1.0, error=error)


REPORTS: dict[str, tuple[AnyEvent, tuple[str, str, dict[str, object]] | None]] = {
    "kept": (settled(None), None),
    "request": (RequestSent(operation="o", endpoint="POST /o", attempt=1), None),
    "over": (SessionOver(session_id="s"), ("session_over", "WARNING", {})),
    "failed": (
        settled(SERVERS),
        ("promise_failed", "ERROR", {"operation": "o", "elapsed": 1.0, "error_type": "RequestFailed"}),
    ),
    "user's": (
        settled(USERS),
        ("user_error", "WARNING", {"operation": "o", "elapsed": 1.0, "error_type": "RequestFailed"}),
    ),
    "refused": (
        settled(MISSING),
        ("user_error", "WARNING", {"operation": "o", "elapsed": 1.0, "error_type": "NotFound", "status": 404}),
    ),
    "slow": (
        settled(SLOW),
        ("promise_failed", "ERROR", {"operation": "o", "elapsed": 1.0, "error_type": "RequestTimedOut", "status": 408}),
    ),
    "repeated": (
        RetryScheduled(operation="o", endpoint="POST /o", attempt=2, delay=1, error=FAULT),
        ("request_repeated", "INFO", {"operation": "o", "attempt": 2, "error_type": "ServerFault", "status": 503}),
    ),
    "missed": (
        HeartbeatMissed(session_id="s", since=120.0, error=FAULT),
        ("heartbeat_missed", "WARNING", {"since": 120.0, "error_type": "ServerFault", "status": 503}),
    ),
}


@pytest.mark.parametrize(("event", "report"), REPORTS.values(), ids=REPORTS)
def test_an_event_is_told_without_its_texts(event: AnyEvent, report: tuple[str, str, dict[str, object]] | None) -> None:
    reporter = Reporter()
    reporter.report(event)
    told = [each for each in reporter.outbox.waiting if isinstance(each, GenericEvent)]
    assert [(each.event_name, each.severity, dict(each.event_data)) for each in told] == ([report] if report else [])
    assert SECRET not in msgspec.json.encode(list(reporter.outbox.waiting), enc_hook=dict).decode()


def test_a_session_begins_and_ends_once() -> None:
    reporter = Reporter()
    reporter.end()
    assert reporter.outbox.session.startswith("sessionless-")
    reporter.report(SessionStarted(session_id="s"))
    reporter.end()
    reporter.end()
    events = msgspec.to_builtins(list(reporter.outbox.waiting), enc_hook=dict)
    assert [(each["event"], each["event_session_index"]) for each in events] == [
        ("SESSION_START", 0),
        ("SESSION_END", 1),
    ]
    assert events[1]["duration"].startswith("0:00:00")
    assert reporter.outbox.session == "s"
