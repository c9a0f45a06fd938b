"""`tinkex billing`: what was used, and what checkpoints take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tinkex_py.cli.display import size
from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Group, Output
from tinkex_py.cli.tables import Column, Table, columns_option, csv_text, show
from tinkex_py.clients.admin import AdminClient
from tinkex_py.types.usage import BillingEvent, BillingUsageResponse, CheckpointStorage


def _amount(event: BillingEvent) -> str | None:
    info = event.event_info
    if info is None:
        return None
    if info.gigabyte_hours is not None:
        return f"{info.gigabyte_hours:.6g} GB h"
    return f"{info.count} saved" if info.count is not None else f"{info.token_count or 0} tokens"


USAGE: Table[BillingEvent] = Table(
    key="data",
    columns={
        "from": Column(lambda event: event.bucket_start),
        "to": Column(lambda event: event.bucket_end),
        "what": Column(lambda event: None if event.event_info is None else event.event_info.type),
        "amount": Column(_amount, right=True),
        "model": Column(lambda event: event.base_model),
        "user": Column(lambda event: event.user_name or event.user_id),
        "session": Column(lambda event: event.session_id, whole=True),
        "project": Column(lambda event: event.project_id),
        "cost_usd": Column(lambda event: event.estimated_cost_usd, right=True),
    },
    usual=("from", "what", "amount", "model", "user", "cost_usd"),
)
STORAGE: Table[CheckpointStorage] = Table(
    key="data",
    columns={
        "project": Column(lambda row: row.project_id),
        "user": Column(lambda row: row.user_name or row.user_email or row.org_user_urn),
        "email": Column(lambda row: row.user_email),
        "checkpoints": Column(lambda row: row.checkpoint_count, right=True),
        "size": Column(lambda row: size(row.size_bytes), right=True),
        "monthly_usd": Column(lambda row: row.estimated_monthly_cost_usd, right=True),
    },
    usual=("project", "user", "checkpoints", "size", "monthly_usd"),
)


@click.group(cls=Group)
def billing() -> None:
    """What was used and what it costs; needs a key that may view billing."""


@billing.command()
@click.argument("starting_on")
@click.argument("ending_before")
@click.option("--csv", "csv_file", type=Output(), help="Write the usage as CSV to a file; - is the screen.")
@click.option("--sessions-csv", type=Output(), help="Write what the billed sessions say of themselves as CSV.")
@columns_option(USAGE)
@invoked
def usage(
    invocation: Invocation,
    starting_on: str,
    ending_before: str,
    csv_file: Path | None,
    sessions_csv: Path | None,
    columns: str | None,
) -> None:
    """What was used from STARTING_ON until ENDING_BEFORE, by hour.

    Both are times on the hour such as 2026-07-13T00:00:00Z, at most 14 days apart.
    """
    with invocation.client(AdminClient) as admin:
        found = invocation.or_exit(admin.get_billing_usage(starting_on, ending_before))
    if csv_file is not None:
        _export(invocation, csv_file, csv_text(_USAGE_FIELDS, map(_usage_row, found.data)))
    if sessions_csv is not None:
        _export(invocation, sessions_csv, csv_text(("session_id", "name", "value"), _session_rows(found)))
    if csv_file is None and sessions_csv is None:
        extra = {"sessions": found.sessions, "cost_data_through": found.cost_data_through}
        show(invocation, USAGE, found.data, columns, extra)


@billing.command("checkpoint-storage")
@click.option("--project-id", help="Only that project.")
@click.option("--csv", "csv_file", type=Output(), help="Write it as CSV to a file; - is the screen.")
@columns_option(STORAGE)
@invoked
def checkpoint_storage(
    invocation: Invocation, project_id: str | None, csv_file: Path | None, columns: str | None
) -> None:
    """What checkpoints take now, by project and user."""
    with invocation.client(AdminClient) as admin:
        found = invocation.or_exit(admin.get_current_checkpoint_storage_usage(project_id))
    if csv_file is not None:
        fields = CheckpointStorage.__struct_fields__
        _export(invocation, csv_file, csv_text(fields, ([getattr(row, name) for name in fields] for row in found.data)))
        return
    rate = {"effective_rate_usd_per_gigabyte_month": found.effective_rate_usd_per_gigabyte_month}
    show(invocation, STORAGE, found.data, columns, rate)


_INFO = ("type", "token_count", "cached", "count", "free", "gigabyte_hours")
_FLAT = tuple(name for name in BillingEvent.__struct_fields__ if name != "event_info")
_USAGE_FIELDS = (*_FLAT, *_INFO)


def _usage_row(event: BillingEvent) -> Sequence[object]:
    values = [getattr(event, name) for name in _FLAT] + [getattr(event.event_info, name, None) for name in _INFO]
    return [value.isoformat() if hasattr(value, "isoformat") else value for value in values]


def _session_rows(found: BillingUsageResponse) -> list[tuple[str, str, str]]:
    return [
        (session, name, value)
        for session, billed in found.sessions.items()
        for name, value in (billed.user_metadata or {}).items()
    ]


def _export(invocation: Invocation, file: Path, text: str) -> None:
    if str(file) == "-":
        invocation.write(text)
        return
    invocation.save(file, text.encode())
    invocation.tell(f"Written: {file}")
