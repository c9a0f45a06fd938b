"""Copies of checkpoints, as service clients and REST clients make them."""

from __future__ import annotations

from tinkex_py.clients.opened import Opened
from tinkex_py.clients.operation import operation
from tinkex_py.plans.copies import copied
from tinkex_py.plans.effects import Plan


class CopyOperations(Opened):
    """Copying a checkpoint, which service clients and REST clients can do."""

    @operation
    def copy_weights(
        self,
        path: str,
        destination_project_id: str | None = None,
        *,
        ttl_seconds: int | None = None,
        weights_access_token: str | None = None,
        timeout: float | None = None,
    ) -> Plan[str]:
        """Copy a checkpoint to a project (TINKER_PROJECT_ID when none is given): the path of the copy.

        POST /api/v1/copy_weights, under one idempotency key; `weights_access_token` opens another account's checkpoint.
        """
        project = destination_project_id or self.context.config.project_id
        return copied(path, project, ttl_seconds, weights_access_token, self.context.policy(timeout))
