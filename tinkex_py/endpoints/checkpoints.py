"""Checkpoints: listing, deleting, sharing, keeping, copying, fetching. Pure.

A checkpoint's id is its kind and its name, `weights/step-10`: two parts of the path.
"""

from __future__ import annotations

from msgspec import Struct

from tinkex_py.endpoints.verbs import PREFIX, command, get, given, post
from tinkex_py.request import NULL, UNLESS_CONFLICT, Null, Request, secret
from tinkex_py.types.runs import (
    CheckpointArchiveUrlResponse,
    CheckpointsListResponse,
    CopyWeightsResponse,
    ExternalWeightsUrlsResponse,
)
from tinkex_py.wire.addresses import ArchiveUrl


class CheckpointTtl(Struct, frozen=True, kw_only=True):
    """Body of `ttl`: seconds until the checkpoint is deleted, or null to keep it."""

    ttl_seconds: int | Null


class CopyWeights(Struct, frozen=True, kw_only=True):
    """Body of `copy_weights`."""

    source_path: str
    destination_project_id: str
    ttl_seconds: int | None = None


def list_checkpoints(training_run_id: str) -> Request[CheckpointsListResponse]:
    """GET /api/v1/training_runs/{training_run_id}/checkpoints"""
    return get("list_checkpoints", "training_runs", training_run_id, "checkpoints", returns=CheckpointsListResponse)


def list_user_checkpoints(*, limit: int = 100, offset: int = 0) -> Request[CheckpointsListResponse]:
    """GET /api/v1/checkpoints"""
    query = given(limit=limit, offset=offset)
    return get("list_user_checkpoints", "checkpoints", returns=CheckpointsListResponse, query=query)


def delete_checkpoint(training_run_id: str, checkpoint_id: str) -> Request[None]:
    """DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{kind}/{name}"""
    return command("DELETE", "delete_checkpoint", *_place(training_run_id, checkpoint_id))


def publish_checkpoint(training_run_id: str, checkpoint_id: str) -> Request[None]:
    """POST /api/v1/training_runs/{training_run_id}/checkpoints/{kind}/{name}/publish"""
    path = (*_place(training_run_id, checkpoint_id), "publish")
    return command("POST", "publish_checkpoint", *path, repeat=UNLESS_CONFLICT)


def unpublish_checkpoint(training_run_id: str, checkpoint_id: str) -> Request[None]:
    """DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{kind}/{name}/publish"""
    path = (*_place(training_run_id, checkpoint_id), "publish")
    return command("DELETE", "unpublish_checkpoint", *path, repeat=UNLESS_CONFLICT)


def set_checkpoint_ttl(training_run_id: str, checkpoint_id: str, ttl_seconds: int | None) -> Request[None]:
    """PUT /api/v1/training_runs/{training_run_id}/checkpoints/{kind}/{name}/ttl"""
    body = CheckpointTtl(ttl_seconds=NULL if ttl_seconds is None else ttl_seconds)
    return command("PUT", "set_checkpoint_ttl", *_place(training_run_id, checkpoint_id), "ttl", body=body)


def get_external_weights_urls(training_run_id: str, checkpoint_id: str) -> Request[ExternalWeightsUrlsResponse]:
    """GET /api/v1/training_runs/{training_run_id}/checkpoints/{kind}/{name}/external_weights_urls"""
    path = (*_place(training_run_id, checkpoint_id), "external_weights_urls")
    return get("get_external_weights_urls", *path, returns=ExternalWeightsUrlsResponse)


def get_checkpoint_archive_url(training_run_id: str, checkpoint_id: str) -> Request[CheckpointArchiveUrlResponse]:
    """GET /api/v1/training_runs/{training_run_id}/checkpoints/{kind}/{name}/archive"""
    return Request(
        operation="get_checkpoint_archive_url",
        method="GET",
        path=(*PREFIX, *_place(training_run_id, checkpoint_id), "archive"),
        returns=ArchiveUrl(),
    )


def copy_weights(
    source_path: str,
    destination_project_id: str,
    *,
    ttl_seconds: int | None = None,
    weights_access_token: str | None = None,
) -> Request[CopyWeightsResponse]:
    """POST /api/v1/copy_weights"""
    body = CopyWeights(source_path=source_path, destination_project_id=destination_project_id, ttl_seconds=ttl_seconds)
    token = secret(weights_access_token)
    headers = () if token is None else (("x-tinker-weights-access-token", token),)
    return post("copy_weights", "copy_weights", body=body, returns=CopyWeightsResponse, headers=headers)


def _place(training_run_id: str, checkpoint_id: str) -> tuple[str, ...]:
    return ("training_runs", training_run_id, "checkpoints", *checkpoint_id.split("/", 1))
