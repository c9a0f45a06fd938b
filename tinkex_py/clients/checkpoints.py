"""What REST clients do with checkpoints: list, delete, share, keep, copy and fetch them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from tinkex_py.clients.copies import CopyOperations
from tinkex_py.clients.operation import operation
from tinkex_py.endpoints import checkpoints, models
from tinkex_py.plans.checkpoints import at_path, located
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.pages import collected, user_checkpoints
from tinkex_py.plans.retry import call
from tinkex_py.request import Request
from tinkex_py.types.limits import refused
from tinkex_py.types.paths import TinkerPath
from tinkex_py.types.runs import (
    Checkpoint,
    CheckpointArchiveUrlResponse,
    CheckpointsListResponse,
    ExternalWeightsUrlsResponse,
)
from tinkex_py.types.training import WeightsInfoResponse

T = TypeVar("T")


class CheckpointOperations(CopyOperations):
    """Operations on checkpoints, by run and id (`weights/step-10`) or by the path that saving returned."""

    @operation
    def list_checkpoints(self, training_run_id: str, *, timeout: float | None = None) -> Plan[CheckpointsListResponse]:
        """All checkpoints of a run. GET /api/v1/training_runs/{training_run_id}/checkpoints"""
        return call(checkpoints.list_checkpoints(training_run_id), self.context.policy(timeout))

    @operation
    def list_user_checkpoints(
        self, limit: int = 100, offset: int = 0, *, timeout: float | None = None
    ) -> Plan[CheckpointsListResponse]:
        """One page of your checkpoints of all runs. GET /api/v1/checkpoints"""
        return call(checkpoints.list_user_checkpoints(limit=limit, offset=offset), self.context.policy(timeout))

    @operation
    def all_user_checkpoints(
        self, limit: int | None = None, *, timeout: float | None = None
    ) -> Plan[tuple[Checkpoint, ...]]:
        """Your checkpoints from as many pages as it takes, `limit` of them at most. GET /api/v1/checkpoints

        `timeout` is for all pages together.
        """
        plan = collected(user_checkpoints(), self.context.policy(timeout), wanted=limit)
        return self.context.limited(timeout, "all_user_checkpoints", plan)

    @operation
    def delete_checkpoint(
        self, training_run_id: str, checkpoint_id: str, *, timeout: float | None = None
    ) -> Plan[None]:
        """Delete a checkpoint, such as `weights/step-10`, for good.

        DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}; NotFound when it isn't there.
        """
        return self._checkpoint(checkpoints.delete_checkpoint, training_run_id, checkpoint_id, timeout)

    @operation
    def delete_checkpoint_from_tinker_path(self, tinker_path: str, *, timeout: float | None = None) -> Plan[None]:
        """Delete the checkpoint that a path names, for good. DELETE as delete_checkpoint."""
        return self._at(checkpoints.delete_checkpoint, tinker_path, timeout)

    @operation
    def publish_checkpoint(
        self, training_run_id: str, checkpoint_id: str, *, timeout: float | None = None
    ) -> Plan[None]:
        """Let everybody read a checkpoint; Conflict when it is public already.

        POST /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish
        """
        return self._checkpoint(checkpoints.publish_checkpoint, training_run_id, checkpoint_id, timeout)

    @operation
    def publish_checkpoint_from_tinker_path(self, tinker_path: str, *, timeout: float | None = None) -> Plan[None]:
        """Let everybody read the checkpoint that a path names. POST as publish_checkpoint."""
        return self._at(checkpoints.publish_checkpoint, tinker_path, timeout)

    @operation
    def unpublish_checkpoint(
        self, training_run_id: str, checkpoint_id: str, *, timeout: float | None = None
    ) -> Plan[None]:
        """Make a checkpoint private again; Conflict when it is private already.

        DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish
        """
        return self._checkpoint(checkpoints.unpublish_checkpoint, training_run_id, checkpoint_id, timeout)

    @operation
    def unpublish_checkpoint_from_tinker_path(self, tinker_path: str, *, timeout: float | None = None) -> Plan[None]:
        """Make the checkpoint that a path names private again. DELETE as unpublish_checkpoint."""
        return self._at(checkpoints.unpublish_checkpoint, tinker_path, timeout)

    @operation
    def set_checkpoint_ttl(
        self,
        training_run_id: str,
        checkpoint_id: str,
        ttl_seconds: int | None,
        *,
        timeout: float | None = None,
    ) -> Plan[None]:
        """Keep a checkpoint for so many seconds from now on, or for good (None).

        PUT /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/ttl; servers take 3600 s to ten years.
        """
        builder = partial(checkpoints.set_checkpoint_ttl, ttl_seconds=ttl_seconds)
        return self._checkpoint(builder, training_run_id, checkpoint_id, timeout)

    @operation
    def set_checkpoint_ttl_from_tinker_path(
        self, tinker_path: str, ttl_seconds: int | None, *, timeout: float | None = None
    ) -> Plan[None]:
        """Keep the checkpoint that a path names for so many seconds, or for good. PUT as set_checkpoint_ttl."""
        builder = partial(checkpoints.set_checkpoint_ttl, ttl_seconds=ttl_seconds)
        return self._at(builder, tinker_path, timeout)

    @operation
    def get_checkpoint_archive_url(
        self, training_run_id: str, checkpoint_id: str, *, timeout: float | None = None
    ) -> Plan[CheckpointArchiveUrlResponse]:
        """Where a checkpoint can be fetched as one archive, from servers of releases before 0.36; later ones have none.

        GET /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/archive
        """
        return self._checkpoint(checkpoints.get_checkpoint_archive_url, training_run_id, checkpoint_id, timeout)

    @operation
    def get_checkpoint_archive_url_from_tinker_path(
        self, tinker_path: str, *, timeout: float | None = None
    ) -> Plan[CheckpointArchiveUrlResponse]:
        """Where the checkpoint that a path names can be fetched. GET as get_checkpoint_archive_url."""
        return self._at(checkpoints.get_checkpoint_archive_url, tinker_path, timeout)

    @operation
    def get_external_weights_urls(
        self, tinker_path: str, *, timeout: float | None = None
    ) -> Plan[ExternalWeightsUrlsResponse]:
        """Where each file of weights saved by save_weights_external can be fetched.

        GET /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/external_weights_urls
        """
        return located(tinker_path, lambda path: self._external_urls(path, timeout))

    @operation
    def get_weights_info_by_tinker_path(
        self, tinker_path: str, *, timeout: float | None = None
    ) -> Plan[WeightsInfoResponse]:
        """What a checkpoint was trained on; any server's path will do. POST /api/v1/weights_info"""
        return call(models.weights_info(tinker_path), self.context.policy(timeout))

    def _checkpoint(
        self, builder: Callable[[str, str], Request[T]], run: str, checkpoint: str, timeout: float | None
    ) -> Plan[T]:
        return call(builder(run, checkpoint), self.context.policy(timeout))

    def _at(self, builder: Callable[[str, str], Request[T]], tinker_path: str, timeout: float | None) -> Plan[T]:
        def limited(path: TinkerPath) -> Plan[T]:
            operation = builder(path.training_run_id, path.checkpoint_id).operation
            return self.context.limited(timeout, operation, at_path(builder, path, self.context.policy(timeout)))

        return located(tinker_path, limited)

    def _external_urls(self, path: TinkerPath, timeout: float | None) -> Plan[ExternalWeightsUrlsResponse]:
        if path.checkpoint_type != "external":
            return halt(refused("tinker_path", str(path), "give a path that save_weights_external returned"))
        return self._checkpoint(
            checkpoints.get_external_weights_urls, path.training_run_id, path.checkpoint_id, timeout
        )
