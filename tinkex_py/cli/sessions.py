"""`tinkex session`: sessions, what was made in them, and their traces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from msgspec import Struct

from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Group, Output
from tinkex_py.cli.runs import limit_option, scope_option
from tinkex_py.cli.tables import Column, Table, answer, columns_option, done, show, show_one
from tinkex_py.clients.rest import RestClient
from tinkex_py.plans.effects import Plan
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import Address, Reply, Request
from tinkex_py.types.runs import AccessScope
from tinkex_py.types.sessions import (
    AccessibleSearchOwner,
    OwnSearchOwner,
    SearchStatus,
    SessionSearchRequest,
    SessionSummary,
)
from tinkex_py.wire.replies import Whole


class SessionId(Struct, frozen=True):
    """A session as the server lists it: by its id alone."""

    session_id: str


IDS: Table[SessionId] = Table(
    key="sessions", columns={"id": Column(lambda session: session.session_id, whole=True)}, usual=("id",)
)
SESSIONS: Table[SessionSummary] = Table(
    key="sessions",
    columns={
        "id": Column(lambda session: session.session_id, whole=True),
        "name": Column(lambda session: session.display_name),
        "created": Column(lambda session: session.created_at),
        "status": Column(lambda session: None if session.status is None else session.status.type),
        "checkpoints": Column(lambda session: session.checkpoints_count, right=True),
        "project": Column(lambda session: session.project_id),
        "owner": Column(lambda session: session.owner),
        "metadata": Column(lambda session: session.user_metadata),
    },
    usual=("id", "name", "created", "status", "checkpoints", "project"),
)
_STATUSES = ("active", "cancelled", "failed", "client_finished")


@click.group(cls=Group)
def session() -> None:
    """Sessions: what a program made between its start and its end."""


@session.command("list")
@limit_option(20)
@scope_option
@invoked
def list_sessions(invocation: Invocation, limit: int, access_scope: AccessScope) -> None:
    """Session ids, the latest first."""
    with invocation.client(RestClient) as rest:
        found = invocation.or_exit(rest.all_sessions(limit or None, access_scope))
    show(invocation, IDS, [SessionId(each) for each in found])


@session.command("info")
@click.argument("session_id")
@scope_option
@invoked
def session_info(invocation: Invocation, session_id: str, access_scope: AccessScope) -> None:
    """What was made in a session."""
    with invocation.client(RestClient) as rest:
        found = invocation.or_exit(rest.get_session(session_id, access_scope))
    fields = {
        "name": found.display_name,
        "training runs": ", ".join(found.training_run_ids),
        "samplers": ", ".join(found.sampler_ids),
        "metadata": found.user_metadata,
    }
    show_one(invocation, found, fields)


@session.command("search")
@click.option("--session-id", help="The session of that id.")
@click.option("--name", "display_name", help="Sessions of that display name.")
@click.option("--project-id", "project_ids", multiple=True, help="Sessions of that project; may be repeated.")
@click.option("--status", "statuses", type=click.Choice(_STATUSES), multiple=True, help="May be repeated.")
@click.option("--metadata", metavar="NAME=VALUE", multiple=True, help="Sessions that say so; may be repeated.")
@limit_option(20)
@scope_option
@columns_option(SESSIONS)
@invoked
def search_sessions(
    invocation: Invocation,
    limit: int,
    access_scope: AccessScope,
    columns: str | None,
    metadata: tuple[str, ...],
    statuses: tuple[str, ...],
    project_ids: tuple[str, ...],
    **conditions: str | None,
) -> None:
    """Sessions that fit every condition given, the latest first."""
    search = SessionSearchRequest(
        session_id=conditions["session_id"],
        display_name=conditions["display_name"],
        project_ids=project_ids or None,
        user_metadata=_pairs(metadata),
        owner=OwnSearchOwner() if access_scope == "owned" else AccessibleSearchOwner(),
        statuses=tuple(SearchStatus(type=each) for each in statuses) or None,
    )
    with invocation.client(RestClient) as rest:
        found = invocation.or_exit(rest.all_found_sessions(search, limit or None))
    show(invocation, SESSIONS, found, columns)


@session.command("export-trace")
@click.argument("session_id")
@click.option("-o", "--output", type=Output(), help="Where to; - is the screen.")
@click.option("--url-only", is_flag=True, help="Print the address, which needs no key, and fetch nothing.")
@invoked
def export_trace(invocation: Invocation, session_id: str, output: Path | None, *, url_only: bool) -> None:
    """Have the server export a session's trace, and fetch it: to trace-SESSION_ID.pftrace unless -o says otherwise.

    https://ui.perfetto.dev shows it. One in JSON, such as the embedded server's, gets the ending .json.
    """
    with invocation.client(RestClient) as rest:
        url = invocation.or_exit(rest.export_session_trace(session_id))
        if url_only:
            answer(invocation, url, {"url": url})
            return
        trace = invocation.or_exit(rest.execute(_fetched(url, rest.context.policy()))).body
    ending = "json" if trace.lstrip().startswith((b"{", b"[")) else "pftrace"
    file = output or Path(f"trace-{session_id.replace('/', '_').replace(':', '_')}.{ending}")
    if str(file) == "-":
        invocation.write(trace)
        return
    invocation.save(file, trace)
    done(invocation, f"Trace: {file}", {"session_id": session_id, "file": file})


def _fetched(url: str, policy: Policy) -> Plan[Reply]:
    where = Request(operation="export_session_trace", method="GET", path=(), returns=Whole(), address=Address(url))
    return call(where, policy)


def _pairs(texts: tuple[str, ...]) -> Mapping[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = [name for name, mark, _ in pairs if not mark]
    if wrong:
        raise click.BadParameter(f"{wrong[0]} has no value; give NAME=VALUE", param_hint="--metadata")
    return {name: value for name, _, value in pairs}
