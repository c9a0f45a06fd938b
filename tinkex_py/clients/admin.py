"""Admin clients: what an organization did and used. They open no session, and need a key with the role for it."""

from __future__ import annotations

from datetime import date, datetime

from tinkex_py.clients.opened import Opened, OpenedAsync, OpenedBlocking
from tinkex_py.clients.operation import operation
from tinkex_py.endpoints import admin
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.exports import audit_log
from tinkex_py.plans.retry import call
from tinkex_py.types.arguments import as_day, as_moment
from tinkex_py.types.limits import refused
from tinkex_py.types.usage import (
    AuditEventType,
    AuditLogResponse,
    BillingUsageResponse,
    CheckpointStorageUsageResponse,
)


class AdminOperations(Opened):
    """What both admin clients can do."""

    @operation
    def get_audit_log(
        self, event_type: AuditEventType = "all", day: date | str | None = None, *, timeout: float | None = None
    ) -> Plan[AuditLogResponse]:
        """What was done, on one day if it is given. GET /api/v1/audit; Forbidden without the permission to read it."""
        which = None if day is None else as_day(day)
        if which is None and day is not None:
            return halt(refused("day", day, "give a date, or a text such as 2026-07-13"))
        plan = audit_log(admin.get_audit_log(event_type, which), self.context.policy(timeout))
        return self.context.limited(timeout, "get_audit_log", plan)

    @operation
    def get_billing_usage(
        self, starting_on: datetime | str, ending_before: datetime | str, *, timeout: float | None = None
    ) -> Plan[BillingUsageResponse]:
        """What was used between two moments, at most 14 days apart and on the hour, in UTC unless they say otherwise.

        GET /api/v1/billing/usage/events; Forbidden without the permission to view billing.
        """
        begin, end = as_moment(starting_on), as_moment(ending_before)
        if begin is None:
            return halt(refused("starting_on", starting_on, _MOMENT))
        if end is None:
            return halt(refused("ending_before", ending_before, _MOMENT))
        return call(admin.get_billing_usage(begin, end), self.context.policy(timeout))

    @operation
    def get_current_checkpoint_storage_usage(
        self, project_id: str | None = None, *, timeout: float | None = None
    ) -> Plan[CheckpointStorageUsageResponse]:
        """How much storage checkpoints take now, of one project or of all.

        GET /api/v1/billing/usage/checkpoints/current; Forbidden without the permission to view billing.
        """
        return call(admin.get_current_checkpoint_storage_usage(project_id), self.context.policy(timeout))


class AdminClient(AdminOperations, OpenedBlocking):
    """What an organization did and used. Blocking: every operation returns its outcome.

    The arguments are those of `tinkex_py.clients.opened.Opened`; the key needs the role for it.

    >>> with AdminClient() as admin:  # doctest: +SKIP
    ...     admin.get_audit_log(day="2026-07-13")
    """


class AsyncAdminClient(AdminOperations, OpenedAsync):
    """As AdminClient, awaitable: every operation returns a coroutine of its outcome."""


_MOMENT = "give a datetime, or a text such as 2026-07-13T00:00:00Z"
