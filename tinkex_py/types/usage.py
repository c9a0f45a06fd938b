"""What an organization did and used: audit log, billing, storage. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.moments import Moment

AuditEventType: TypeAlias = Literal["all", "checkpoints", "projects", "teams", "organizations"]
"""Which entries of the audit log are asked for."""


class AuditLogEntry(Struct, frozen=True, gc=False, kw_only=True):
    """Something that somebody did."""

    timestamp: Moment | None = None
    event: str = ""
    event_details: Mapping[str, Any] = FrozenMapping()
    model_id: str | None = None
    tinker_path: str | None = None
    purpose: str | None = None


class AuditLogResponse(Struct, frozen=True, kw_only=True):
    """Entries of the audit log."""

    entries: Sequence[AuditLogEntry] = ()


class EventInfo(Struct, frozen=True, kw_only=True):
    """What was used: `training`, `sampling_prefill`, `sampling_sample`, `checkpoint`, `storage`; and how much of it."""

    type: str
    token_count: int | None = None
    cached: bool | None = None
    count: int | None = None
    free: bool = False
    gigabyte_hours: float | None = None


class BillingEvent(Struct, frozen=True, gc=False, kw_only=True):
    """What one user used of one thing from `bucket_start` to `bucket_end`; costs are in US dollars."""

    bucket_start: Moment | None = None
    bucket_end: Moment | None = None
    event_info: EventInfo | None = None
    base_model: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    session_id: str | None = None
    project_id: str | None = None
    estimated_cost_usd: float | None = None
    effective_rate_usd_per_million_tokens: float | None = None
    effective_rate_usd_per_gigabyte_month: float | None = None


class BilledSession(Struct, frozen=True, kw_only=True):
    """What a session that was billed said of itself."""

    user_metadata: Mapping[str, str] | None = None


class BillingUsageResponse(Struct, frozen=True, gc=False, kw_only=True):
    """What was used, by hour; costs are known up to `cost_data_through`."""

    data: Sequence[BillingEvent] = ()
    sessions: Mapping[str, BilledSession] = FrozenMapping()
    cost_data_through: Moment | None = None


class CheckpointStorage(Struct, frozen=True, kw_only=True):
    """What one user's checkpoints take in one project."""

    project_id: str | None = None
    org_user_urn: str | None = None
    user_email: str | None = None
    user_name: str | None = None
    checkpoint_count: int = 0
    size_bytes: int = 0
    size_gigabytes: float = 0.0
    estimated_monthly_cost_usd: float | None = None


class CheckpointStorageUsageResponse(Struct, frozen=True, kw_only=True):
    """What checkpoints take now."""

    effective_rate_usd_per_gigabyte_month: float | None = None
    data: Sequence[CheckpointStorage] = ()
