"""What there is: models, training runs and checkpoints, and what may be done to a checkpoint."""

from __future__ import annotations

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.local import bodies, engine
from tinkex_py.local.answers import answer, nothing, refusal
from tinkex_py.local.bases import ARCHITECTURE
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.pages import page, scope_problem
from tinkex_py.local.records import (
    CheckpointRecord,
    Reason,
    RunRecord,
    Status,
    wire_checkpoint,
    wire_run,
)
from tinkex_py.local.state import State
from tinkex_py.local.store import Stored
from tinkex_py.request import Reply
from tinkex_py.types.service import GetServerCapabilitiesResponse, SupportedModel
from tinkex_py.types.training import WeightsInfoResponse


def capabilities() -> GetServerCapabilitiesResponse:
    """What GET /api/v1/get_server_capabilities answers"""
    return GetServerCapabilitiesResponse(
        supported_models=tuple(
            SupportedModel(model_name=name, max_context_length=ARCHITECTURE.context, trainable=True, sampleable=True)
            for name in engine.base_names()
        )
    )


def weights_info(state: State, body: bodies.WeightsInfo) -> Reply:
    """POST /api/v1/weights_info"""
    match state.checkpoint(body.tinker_path, "tinker_path"):
        case Success((_, run)):
            config = run.lora_config
            return answer(
                WeightsInfoResponse(
                    base_model=run.base_model,
                    lora_rank=config.rank,
                    train_unembed=config.train_unembed,
                    train_mlp=config.train_mlp,
                    train_attn=config.train_attn,
                )
            )
        case Failure(refused):
            return refused


def training_runs(state: State, request: Incoming) -> Reply:
    """GET /api/v1/training_runs?limit&offset&access_scope&project_id: the latest first"""
    wrong = scope_problem(request)
    if wrong is not None:
        return wrong
    project = request.asked("project_id")
    runs = [run for run in state.store.runs() if project in {None, state.project_of(run.run_id)}]
    match page(runs, request, 20):
        case Success((chosen, cursor)):
            kept = state.store.checkpoints_by_run(state.now())
            shown = [wire_run(run, kept.get(run.run_id, ())) for run in chosen]
            return answer({"training_runs": shown, "cursor": cursor})
        case Failure(refused):
            return refused


def training_run(state: State, run_id: str) -> Reply:
    """GET /api/v1/training_runs/{training_run_id}"""
    run = state.store.run(run_id)
    if run is None:
        return _no_run(run_id)
    return answer(wire_run(run, state.store.checkpoints(state.now(), run_id)))


def run_checkpoints(state: State, run_id: str) -> Reply:
    """GET /api/v1/training_runs/{training_run_id}/checkpoints: oldest first"""
    if state.store.run(run_id) is None:
        return _no_run(run_id)
    return answer({"checkpoints": [wire_checkpoint(one) for one in state.store.checkpoints(state.now(), run_id)]})


def checkpoints(state: State, request: Incoming) -> Reply:
    """GET /api/v1/checkpoints?limit&offset: oldest first"""
    match page(state.store.checkpoints(state.now()), request, 100):
        case Success((chosen, cursor)):
            return answer({"checkpoints": [wire_checkpoint(one) for one in chosen], "cursor": cursor})
        case Failure(refused):
            return refused


def delete_checkpoint(state: State, stored: Stored) -> Reply:
    """DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}"""
    checkpoint = stored.record.id
    _ = state.store.delete(checkpoint)
    state.usage.note("checkpoint_deleted", checkpoint.run_id, checkpoint.path)
    state.discard(stored.folder)
    return nothing()


def publish(state: State, stored: Stored) -> Reply:
    """POST /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish: 409 if it is public"""
    return _published(state, stored, public=True)


def unpublish(state: State, stored: Stored) -> Reply:
    """DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish: 409 if it is not public"""
    return _published(state, stored, public=False)


def _published(state: State, stored: Stored, *, public: bool) -> Reply:
    checkpoint = stored.record.id
    if stored.record.public == public:
        return refusal(409, f"the checkpoint {checkpoint.path} is {'public' if public else 'not public'} already")
    state.usage.note(f"checkpoint_{'' if public else 'un'}published", checkpoint.run_id, checkpoint.path)
    return _updated(state, structs.replace(stored.record, public=public))


def set_ttl(state: State, stored: Stored, body: bodies.TimeToLive) -> Reply:
    """PUT /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/ttl"""
    expires_at = None if body.ttl_seconds is None else state.now() + body.ttl_seconds
    return _updated(state, structs.replace(stored.record, expires_at=expires_at))


def _updated(state: State, record: CheckpointRecord) -> Reply:
    state.store.update(record)
    return nothing()


def _no_run(run_id: str) -> Reply:
    return refusal(404, f"there is no training run {run_id!r}")


def copy_weights(state: State, body: bodies.CopyWeights) -> Reply:
    """POST /api/v1/copy_weights: a copy of a checkpoint, in a training run of its own in another project"""
    match state.checkpoint(body.source_path, "source_path"):
        case Success((stored, run)):
            return _copied(state, stored, run, body)
        case Failure(refused):
            return refused


def _copied(state: State, stored: Stored, run: RunRecord, body: bodies.CopyWeights) -> Reply:
    session = state.open_session(project_id=body.destination_project_id, display_name=f"copy of {body.source_path}")
    state.end(session, Status(type="client_finished", reason=Reason()))
    copied = stored.record.id._replace(run_id=f"{session.session_id}:train:0")
    now = state.now()
    expires_at = None if body.ttl_seconds is None else now + body.ttl_seconds
    record = structs.replace(stored.record, run_id=copied.run_id, created_at=now, public=False, expires_at=expires_at)
    state.store.copy(stored, record, structs.replace(run, run_id=copied.run_id, created_at=now, last_request_at=now))
    session.run_ids.append(copied.run_id)
    state.usage.note("checkpoint_copied", copied.run_id, copied.path)
    return answer({"tinker_path": copied.path})
