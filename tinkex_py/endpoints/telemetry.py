"""What a client tells its server about itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tinkex_py.endpoints.verbs import PREFIX
from tinkex_py.request import NEVER, Request
from tinkex_py.types.telemetry import TelemetryEvent
from tinkex_py.wire.replies import Nothing


class TelemetryBatch(Struct, frozen=True, kw_only=True):
    """Body of `telemetry`."""

    events: tuple[TelemetryEvent, ...]
    platform: str
    sdk_version: str
    session_id: str
    process_uuid: str


def send_telemetry(
    events: Sequence[TelemetryEvent], *, platform: str, sdk_version: str, session_id: str, process_uuid: str
) -> Request[None]:
    """POST /api/v1/telemetry"""
    return Request(
        operation="send_telemetry",
        method="POST",
        path=(*PREFIX, "telemetry"),
        returns=Nothing(),
        body=TelemetryBatch(
            events=tuple(events),
            platform=platform,
            sdk_version=sdk_version,
            session_id=session_id,
            process_uuid=process_uuid,
        ),
        repeat=NEVER,
        timeout=5.0,
    )
