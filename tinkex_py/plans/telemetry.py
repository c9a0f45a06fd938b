"""What a client tells its server about itself, if it was asked to: batches now and then, and a last one. Pure.

Nothing here is in anybody's way: what can't be sent is dropped and counted.
"""

from __future__ import annotations

from collections import deque

from msgspec import Struct, field
from returns.result import Success

from tinkex_py.endpoints.telemetry import send_telemetry
from tinkex_py.plans.effects import Plan, attempt, sleep
from tinkex_py.plans.retry import Policy, call
from tinkex_py.types.telemetry import TelemetryEvent

BATCH = 100
"""Events of one batch at most."""
INTERVAL = 10.0
"""Seconds between batches."""
CAPACITY = 10_000
"""Events that wait at most."""

_SENDING = Policy(seconds=5.0, attempts=1)


class Outbox(Struct, kw_only=True):
    """Events on their way to the server, and how many went where."""

    platform: str
    sdk_version: str
    process: str
    session: str
    """The session's id; until there is one, `sessionless-` and something unique."""
    waiting: deque[TelemetryEvent] = field(default_factory=deque[TelemetryEvent])
    numbered: int = 0
    sent: int = 0
    dropped: int = 0

    def put(self, event: TelemetryEvent) -> None:
        """Have it sent with the next batch, unless too many wait."""
        if len(self.waiting) < CAPACITY:
            self.waiting.append(event)
        else:
            self.dropped += 1

    def next_number(self) -> int:
        """The number of the session's next event, from 0."""
        self.numbered += 1
        return self.numbered - 1


def reporting(outbox: Outbox, session: str) -> Plan[None]:
    """Send what waits, every so often, for as long as the client works; as that session's until another is opened."""
    outbox.session = session
    while True:
        yield from sleep(INTERVAL)
        yield from flush(outbox)


def flush(outbox: Outbox) -> Plan[None]:
    """Send what waits. POST /api/v1/telemetry"""
    while outbox.waiting:
        batch = [outbox.waiting.popleft() for _ in range(min(BATCH, len(outbox.waiting)))]
        request = send_telemetry(
            batch,
            platform=outbox.platform,
            sdk_version=outbox.sdk_version,
            session_id=outbox.session,
            process_uuid=outbox.process,
        )
        arrived = False
        try:
            arrived = isinstance((yield from attempt(call(request, _SENDING))), Success)
        finally:  # closing may cut it off
            outbox.sent += len(batch) if arrived else 0
            outbox.dropped += 0 if arrived else len(batch)
