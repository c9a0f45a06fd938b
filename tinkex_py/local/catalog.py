"""What there is: models, training runs and checkpoints, and what may be done to a checkpoint."""

from __future__ import annotations

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.local import bodies, engine
from tinkex_py.local.answers import answer, nothing, refusal, unprocessable
from tinkex_py.local.bases import ARCHITECTURE
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.pages import page, scope_problem
from tinkex_py.local.records import (
    CheckpointId,
    CheckpointRecord,
    Reason,
    Status,
    parse_path,
    wire_checkpoint,
    wire_run,
)
from tinkex_py.local.state import State
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


def weights_info(state: State, body: bodies.WeightsInfo, request: Incoming) -> Reply:
    """POST /api/v1/weights_info"""
    del request
    checkpoint = parse_path(body.tinker_path)
    if checkpoint is None:
        return unprocessable(("body", "tinker_path"), "the path is tinker://<training run>/<kind>/<name>")
    run = state.store.run(checkpoint.run_id)
    if run is None or state.store.find(checkpoint, state.now()) is None:
        return refusal(404, f"there is no checkpoint {body.tinker_path}")
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


def delete_checkpoint(state: State, checkpoint: CheckpointId) -> Reply:
    """DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}"""
    if state.store.find(checkpoint, state.now()) is None:
        return _no_checkpoint(checkpoint)
    folder = state.store.delete(checkpoint)
    state.usage.note("checkpoint_deleted", checkpoint.run_id, checkpoint.path)
    if folder is not None:
        state.discard(folder)
    return nothing()


def publish(state: State, checkpoint: CheckpointId) -> Reply:
    """POST /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish: 409 if it is public"""
    return _published(state, checkpoint, public=True)


def unpublish(state: State, checkpoint: CheckpointId) -> Reply:
    """DELETE /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/publish: 409 if it is not public"""
    return _published(state, checkpoint, public=False)


def _published(state: State, checkpoint: CheckpointId, *, public: bool) -> Reply:
    stored = state.store.find(checkpoint, state.now())
    if stored is None:
        return _no_checkpoint(checkpoint)
    if stored.record.public == public:
        return refusal(409, f"the checkpoint {checkpoint.path} is {'public' if public else 'not public'} already")
    state.usage.note(f"checkpoint_{'' if public else 'un'}published", checkpoint.run_id, checkpoint.path)
    return _updated(state, structs.replace(stored.record, public=public))


def set_ttl(state: State, checkpoint: CheckpointId, body: bodies.TimeToLive) -> Reply:
    """PUT /api/v1/training_runs/{training_run_id}/checkpoints/{checkpoint_id}/ttl"""
    stored = state.store.find(checkpoint, state.now())
    if stored is None:
        return _no_checkpoint(checkpoint)
    expires_at = None if body.ttl_seconds is None else state.now() + body.ttl_seconds
    return _updated(state, structs.replace(stored.record, expires_at=expires_at))


def _updated(state: State, record: CheckpointRecord) -> Reply:
    state.store.update(record)
    return nothing()


def _no_run(run_id: str) -> Reply:
    return refusal(404, f"there is no training run {run_id!r}")


def _no_checkpoint(checkpoint: CheckpointId) -> Reply:
    return refusal(404, f"there is no checkpoint {checkpoint.path}")


def copy_weights(state: State, body: bodies.CopyWeights, request: Incoming) -> Reply:
    """POST /api/v1/copy_weights: a copy of a checkpoint, in a training run of its own in another project"""
    del request
    checkpoint = parse_path(body.source_path)
    if checkpoint is None:
        return unprocessable(("body", "source_path"), "the path is tinker://<training run>/<kind>/<name>")
    stored, run = state.store.find(checkpoint, state.now()), state.store.run(checkpoint.run_id)
    if stored is None or run is None:
        return refusal(404, f"there is no checkpoint {body.source_path}")
    session = state.open_session(project_id=body.destination_project_id, display_name=f"copy of {body.source_path}")
    state.end(session, Status(type="client_finished", reason=Reason()))
    copied = CheckpointId(f"{session.session_id}:train:0", checkpoint.kind, checkpoint.name)
    now = state.now()
    expires_at = None if body.ttl_seconds is None else now + body.ttl_seconds
    record = structs.replace(stored.record, run_id=copied.run_id, created_at=now, public=False, expires_at=expires_at)
    state.store.copy(stored, record, structs.replace(run, run_id=copied.run_id, created_at=now, last_request_at=now))
    session.run_ids.append(copied.run_id)
    state.usage.note("checkpoint_copied", copied.run_id, copied.path)
    return answer({"tinker_path": copied.path})
