"""What administrators read: the audit log, billing, storage. Pure."""

from __future__ import annotations

from datetime import date, datetime

from tinkex_py.endpoints.verbs import PREFIX, get, given
from tinkex_py.request import Address, Request
from tinkex_py.types.usage import (
    AuditEventType,
    AuditLogResponse,
    BillingUsageResponse,
    CheckpointStorageUsageResponse,
)
from tinkex_py.wire.addresses import OrElsewhere


def get_audit_log(event_type: AuditEventType = "all", day: date | None = None) -> Request[AuditLogResponse | Address]:
    """GET /api/v1/audit"""
    return Request(
        operation="get_audit_log",
        method="GET",
        path=(*PREFIX, "audit"),
        query=given(event_type=event_type, day=None if day is None else day.isoformat()),
        returns=OrElsewhere(AuditLogResponse),
    )


def get_billing_usage(starting_on: datetime, ending_before: datetime) -> Request[BillingUsageResponse]:
    """GET /api/v1/billing/usage/events"""
    query = given(starting_on=_written(starting_on), ending_before=_written(ending_before))
    return get("get_billing_usage", "billing", "usage", "events", returns=BillingUsageResponse, query=query)


def get_current_checkpoint_storage_usage(project_id: str | None = None) -> Request[CheckpointStorageUsageResponse]:
    """GET /api/v1/billing/usage/checkpoints/current"""
    return get(
        "get_current_checkpoint_storage_usage",
        *("billing", "usage", "checkpoints", "current"),
        returns=CheckpointStorageUsageResponse,
        query=given(project_id=project_id),
    )


def _written(moment: datetime) -> str:
    """RFC 3339, in the moment's own zone; UTC is `Z`."""
    text = moment.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text
