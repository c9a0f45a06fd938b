"""Events that a client may report to its server. Pure; whoever makes one keeps secrets out of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from tinkex_py.types.mapping import FrozenMapping

Severity: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
"""How much an event matters."""


class Reported(Struct, frozen=True, kw_only=True):
    """What every reported event has; `event_session_index` counts from 0."""

    event_id: str
    event_session_index: int
    timestamp: datetime
    severity: Severity = "INFO"


class SessionStart(Reported, frozen=True, kw_only=True, tag_field="event", tag="SESSION_START"):
    """The client began its work."""


class SessionEnd(Reported, frozen=True, kw_only=True, tag_field="event", tag="SESSION_END"):
    """The client ended its work, after `duration` (`0:00:12.5`)."""

    duration: str


class UnhandledException(Reported, frozen=True, kw_only=True, tag_field="event", tag="UNHANDLED_EXCEPTION"):
    """Something went wrong that nobody expected."""

    error_type: str
    error_message: str
    traceback: str | None = None


class GenericEvent(Reported, frozen=True, kw_only=True, tag_field="event", tag="GENERIC_EVENT"):
    """Anything else, under a name."""

    event_name: str
    event_data: Mapping[str, Any] = FrozenMapping()

    def __post_init__(self) -> None:
        structs.force_setattr(self, "event_data", FrozenMapping(self.event_data))


TelemetryEvent: TypeAlias = SessionStart | SessionEnd | UnhandledException | GenericEvent
"""Everything that can be reported."""


class TelemetryCounts(Struct, frozen=True, kw_only=True):
    """What became of the events of one client: those for the server, if it is told of them, and for the observers."""

    reporting: bool = False
    sent: int = 0
    waiting: int = 0
    dropped: int = 0
    events_dropped: int = 0
    """Events that came too fast for the observers."""
    observer_failures: int = 0
    """How often an observer raised."""
