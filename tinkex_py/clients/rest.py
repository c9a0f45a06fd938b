"""REST clients: runs, checkpoints and sessions, listed and managed; they open no session of their own."""

from __future__ import annotations

from tinkex_py.clients.checkpoints import CheckpointOperations
from tinkex_py.clients.opened import OpenedAsync, OpenedBlocking
from tinkex_py.clients.operation import operation
from tinkex_py.clients.sessions import SessionOperations
from tinkex_py.endpoints import runs, service
from tinkex_py.plans.checkpoints import located
from tinkex_py.plans.effects import Plan
from tinkex_py.plans.identity import Identity, identified
from tinkex_py.plans.pages import collected, training_runs
from tinkex_py.plans.retry import call
from tinkex_py.types.runs import AccessScope, TrainingRun, TrainingRunsResponse
from tinkex_py.types.service import GetServerCapabilitiesResponse


class RestOperations(CheckpointOperations, SessionOperations):
    """What both REST clients can do."""

    @operation
    def get_server_capabilities(self, *, timeout: float | None = None) -> Plan[GetServerCapabilitiesResponse]:
        """The base models that the server has. GET /api/v1/get_server_capabilities"""
        return call(service.get_server_capabilities(), self.context.policy(timeout))

    @operation
    def get_training_run(
        self, training_run_id: str, access_scope: AccessScope = "owned", *, timeout: float | None = None
    ) -> Plan[TrainingRun]:
        """A training run. GET /api/v1/training_runs/{training_run_id}; NotFound when it isn't there, or not yours."""
        return self._training_run(training_run_id, access_scope, timeout)

    @operation
    def get_training_run_by_tinker_path(
        self, tinker_path: str, access_scope: AccessScope = "owned", *, timeout: float | None = None
    ) -> Plan[TrainingRun]:
        """The training run that a checkpoint comes from. GET /api/v1/training_runs/{training_run_id}"""
        return located(tinker_path, lambda path: self._training_run(path.training_run_id, access_scope, timeout))

    @operation
    def list_training_runs(
        self,
        limit: int = 20,
        offset: int = 0,
        access_scope: AccessScope = "owned",
        project_id: str | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[TrainingRunsResponse]:
        """One page of training runs. GET /api/v1/training_runs"""
        request = runs.list_training_runs(limit=limit, offset=offset, access_scope=access_scope, project_id=project_id)
        return call(request, self.context.policy(timeout))

    @operation
    def all_training_runs(
        self,
        limit: int | None = None,
        access_scope: AccessScope = "owned",
        project_id: str | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[tuple[TrainingRun, ...]]:
        """Training runs from as many pages as it takes, `limit` of them at most. GET /api/v1/training_runs

        `timeout` is for all pages together.
        """
        plan = collected(training_runs(access_scope, project_id), self.context.policy(timeout), wanted=limit)
        return self.context.limited(timeout, "all_training_runs", plan)

    @operation
    def whoami(self, *, timeout: float | None = None) -> Plan[Identity]:
        """Whom the credential stands for, as its JWT says; CapabilityMissing when the server gives out none.

        Sends nothing unless a token has still to be fetched.
        """
        seconds = self.context.policy(timeout).seconds
        return self.context.limited(seconds, "whoami", identified(self.context.startup))

    def _training_run(self, training_run_id: str, scope: AccessScope, timeout: float | None) -> Plan[TrainingRun]:
        return call(runs.get_training_run(training_run_id, access_scope=scope), self.context.policy(timeout))


class RestClient(RestOperations, OpenedBlocking):
    """Runs, checkpoints and sessions, listed and managed. Blocking: every operation returns its outcome.

    The arguments are those of `tinkex_py.clients.opened.Opened`.

    >>> with RestClient() as rest:  # doctest: +SKIP
    ...     rest.list_training_runs()
    """


class AsyncRestClient(RestOperations, OpenedAsync):
    """As RestClient, awaitable: every operation returns a coroutine of its outcome."""
