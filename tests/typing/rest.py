"""REST and admin clients in use, checked by mypy and pyright and never run."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, assert_type

from tinkex_py import (
    AdminClient,
    AsyncAdminClient,
    AsyncRestClient,
    AsyncServiceClient,
    Outcome,
    RestClient,
    ServiceClient,
)
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.plans.effects import pure
from tinkex_py.plans.identity import Identity
from tinkex_py.plans.retry import Policy
from tinkex_py.request import Reply
from tinkex_py.types import (
    AuditLogResponse,
    Checkpoint,
    CheckpointArchiveUrlResponse,
    GetServerCapabilitiesResponse,
    TrainingRun,
    TrainingRunsResponse,
)


def blocking(service: ServiceClient, rest: RestClient, admin: AdminClient) -> None:
    assert_type(service.create_rest_client(), Outcome[RestClient])
    assert_type(service.create_admin_client(), Outcome[AdminClient])
    assert_type(service.copy_weights("tinker://r/weights/a", "p"), Outcome[str])
    assert_type(rest.list_training_runs(limit=5), Outcome[TrainingRunsResponse])
    assert_type(rest.all_training_runs(), Outcome[tuple[TrainingRun, ...]])
    assert_type(rest.all_user_checkpoints(10), Outcome[tuple[Checkpoint, ...]])
    assert_type(rest.delete_checkpoint("r", "weights/a"), Outcome[None])
    assert_type(rest.set_checkpoint_ttl_from_tinker_path("tinker://r/weights/a", None), Outcome[None])
    assert_type(rest.get_checkpoint_archive_url("r", "weights/a"), Outcome[CheckpointArchiveUrlResponse])
    assert_type(rest.whoami(), Outcome[Identity])
    assert_type(admin.get_audit_log(day="2026-07-13"), Outcome[AuditLogResponse])
    assert_type(rest.execute(get_server_capabilities()), Outcome[GetServerCapabilitiesResponse])
    assert_type(rest.execute(get_server_capabilities(), raw=True, retry=Policy(seconds=5)), Outcome[Reply])
    assert_type(service.execute(pure(1)), Outcome[int])


async def awaited(service: AsyncServiceClient, rest: AsyncRestClient, admin: AsyncAdminClient) -> None:
    assert_type(service.create_rest_client(), Coroutine[Any, Any, Outcome[AsyncRestClient]]).close()
    assert_type(await service.create_admin_client(), Outcome[AsyncAdminClient])
    assert_type(await rest.all_sessions(), Outcome[tuple[str, ...]])
    assert_type(await rest.export_session_trace("s", timeout=60), Outcome[str])
    assert_type(await admin.get_audit_log("teams"), Outcome[AuditLogResponse])
    assert_type(await rest.execute(get_server_capabilities(), raw=True), Outcome[Reply])
    assert_type(await rest.execute(get_server_capabilities()), Outcome[GetServerCapabilitiesResponse])


def misused(rest: RestClient) -> None:
    rest.list_training_runs(access_scope="mine")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - no such scope
    rest.execute(pure(1), raw=True)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType] - no reply
