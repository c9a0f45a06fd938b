"""Training runs. Pure."""

from __future__ import annotations

from tinkex_py.endpoints.verbs import get, given
from tinkex_py.request import Request
from tinkex_py.types.runs import AccessScope, TrainingRun, TrainingRunsResponse


def get_training_run(training_run_id: str, *, access_scope: AccessScope = "owned") -> Request[TrainingRun]:
    """GET /api/v1/training_runs/{training_run_id}"""
    query = given(access_scope=access_scope)
    return get("get_training_run", "training_runs", training_run_id, returns=TrainingRun, query=query)


def list_training_runs(
    *, limit: int = 20, offset: int = 0, access_scope: AccessScope = "owned", project_id: str | None = None
) -> Request[TrainingRunsResponse]:
    """GET /api/v1/training_runs"""
    query = given(limit=limit, offset=offset, access_scope=access_scope, project_id=project_id)
    return get("list_training_runs", "training_runs", returns=TrainingRunsResponse, query=query)
