"""Which public method is at work: set where it is called, read where its requests leave, for statistics only."""

from __future__ import annotations

from contextvars import ContextVar

METHOD: ContextVar[str] = ContextVar("tinkex_method", default="")
"""Such as `TrainingClient.forward_backward`, whichever world it was called from; empty for none."""

BACKGROUND = frozenset(
    {
        "auth_token",
        "cancel_future",
        "client_config",
        "client_dynamic_config",
        "create_session",
        "retrieve_futures",
        "send_telemetry",
        "session_heartbeat",
    }
)
"""Requests that no public method stands for."""
