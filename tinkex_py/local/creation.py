"""Models made in sessions: new, or from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.local import bodies, engine
from tinkex_py.local.answers import answer, refusal, unprocessable
from tinkex_py.local.checkpoint import load_checkpoint
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.records import RunRecord, parse_path
from tinkex_py.local.sequence import Accepted
from tinkex_py.local.state import Compute, Conclude, Job, Run, Session, State, done
from tinkex_py.local.steps import promised, step
from tinkex_py.outcome import Outcome, then
from tinkex_py.request import Reply
from tinkex_py.types.training import GetInfoResponse, LoraConfig, ModelData

TOKENIZER = "tinkex/bytes"
"""What the protocol calls the byte tokenizer of the base models."""


def create_model(state: State, body: bodies.CreateModel, request: Incoming) -> Reply:
    """POST /api/v1/create_model"""
    problem = engine.base_problem(body.base_model)
    if problem is not None:
        return refusal(404, problem)
    config = body.lora_config or LoraConfig()
    return _made(
        state, body.session_id, body.model_seq_id, request, lambda run: lambda: _created(state, run, body, config)
    )


def create_custom_loss(state: State, body: bodies.CreateCustomLoss) -> Reply:
    """POST /api/v1/create_custom_loss: 400, the engine computes its own losses only"""
    del state
    remedy = "use forward_backward_custom, which computes it in your program"
    return refusal(400, f"the embedded engine does not run custom losses such as {body.name!r}: {remedy}")


def _created(state: State, run: Run, body: bodies.CreateModel, config: LoraConfig) -> Outcome[Conclude, str]:
    problem = _optimizer_problem(body.optimizer_config)
    if problem is not None:
        return Failure(problem)
    made = then(engine.load_base(body.base_model), lambda base: engine.create_model(base, config))
    return then(made, lambda model: _started(state, run, model, body.user_metadata, {"model_id": run.run_id}))


def _optimizer_problem(asked: bodies.Typed | None) -> str | None:
    if asked is None or asked.type in {"", "adamw"}:
        return None
    return f"the embedded engine has one optimizer, adamw, not {asked.type!r}"


def load_weights(state: State, body: bodies.LoadWeights, request: Incoming) -> Reply:
    """POST /api/v1/load_weights: into a model, or as a new model of a session"""
    if body.model_id is not None:
        numbered = bodies.Numbered(model_id=body.model_id, seq_id=body.seq_id)
        return step(state, numbered, request.fingerprint, lambda run: _reload(state, run, body))
    if body.session_id is None:
        return unprocessable(("body", "model_id"), "name the model, or the session for a new one", "missing")
    if parse_path(body.path) is None:
        return _NO_PATH
    return _made(state, body.session_id, body.model_seq_id, request, lambda run: lambda: _resumed(state, run, body))


_NO_PATH = unprocessable(("body", "path"), "a checkpoint's path is tinker://<training run>/weights/<name>")


def _reload(state: State, run: Run, body: bodies.LoadWeights) -> Outcome[Job, Reply]:
    if parse_path(body.path) is None:
        return Failure(_NO_PATH)
    return Success(state.promise(lambda: _reloaded(state, run, body)))


def _loaded(state: State, body: bodies.LoadWeights) -> Outcome[engine.LoraModel, str]:
    checkpoint = parse_path(body.path)
    with state.lock:
        stored = None if checkpoint is None else state.store.find(checkpoint, state.now())
    if stored is None:
        return Failure(f"there is no checkpoint {body.path}")
    return load_checkpoint(stored.folder, optimizer=body.optimizer)


def _reloaded(state: State, run: Run, body: bodies.LoadWeights) -> Outcome[Conclude, str]:
    return then(run.trained(), lambda old: then(_loaded(state, body), lambda new: _exchanged(run, old, new, body.path)))


def _exchanged(run: Run, old: engine.LoraModel, new: engine.LoraModel, path: str) -> Outcome[Conclude, str]:
    if _shape(old) != _shape(new):
        return Failure(f"{path} holds {_shape(new)}, which does not fit the model: {_shape(old)}")
    run.model = new
    return Success(lambda: {"path": path, "model_id": run.run_id})


def _shape(model: engine.LoraModel) -> Mapping[str, object]:
    """What two models must share for one to take the other's weights."""
    config = structs.asdict(model.config)
    return {"base_model": model.base.name} | {name: value for name, value in config.items() if name != "seed"}


def _resumed(state: State, run: Run, body: bodies.LoadWeights) -> Outcome[Conclude, str]:
    problem = _optimizer_problem(body.optimizer_config)
    if problem is not None:
        return Failure(problem)
    result = {"path": body.path, "model_id": run.run_id}
    return then(_loaded(state, body), lambda model: _resumed_from(state, run, body, model, result))


def _resumed_from(
    state: State, run: Run, body: bodies.LoadWeights, model: engine.LoraModel, result: Mapping[str, str]
) -> Outcome[Conclude, str]:
    if body.base_model not in {None, model.base.name}:
        return Failure(f"{body.path} is of the base model {model.base.name}, not {body.base_model}")
    return _started(state, run, model, body.user_metadata, result)


def _made(
    state: State, session_id: str, seq_id: int | None, request: Incoming, work: Callable[[Run], Compute]
) -> Reply:
    """A new model of a session under its number; a repeat answers the promise that the number was given to."""
    match state.session(session_id):
        case Success(session):
            number = session.models.next if seq_id is None else seq_id
            return _numbered(state, session, number, request, work)
        case Failure(refused):
            return refused


def _numbered(state: State, session: Session, number: int, request: Incoming, work: Callable[[Run], Compute]) -> Reply:
    run_id = f"{session.session_id}:train:{number}"
    accepted = session.models.accepted(number)
    if accepted is not None and accepted.fingerprint != request.fingerprint:
        return refusal(409, f"model_seq_id {number} was used before in this session")
    if accepted is not None:
        return promised(accepted.request_id, run_id)
    run = Run(run_id, session)
    request_id = state.submit(session, work(run))
    session.models.enter(number, Accepted(request.fingerprint, request_id))
    state.runs[run_id] = run
    return promised(request_id, run_id)


def _started(
    state: State, run: Run, model: engine.LoraModel, metadata: Mapping[str, object] | None, result: Mapping[str, str]
) -> Outcome[Conclude, str]:
    run.model = model

    def conclude() -> object:
        now = state.now()
        run.record = RunRecord(
            run_id=run.run_id,
            base_model=model.base.name,
            lora_config=model.config,
            created_at=now,
            last_request_at=now,
            user_metadata=metadata,
        )
        state.store.keep_run(run.record)
        run.session.run_ids.append(run.run_id)
        return result

    return Success(conclude)


def get_info(state: State, body: bodies.OfModel) -> Reply:
    """POST /api/v1/get_info"""
    run = state.runs.get(body.model_id)
    if run is None or run.record is None:
        return refusal(404, f"there is no model {body.model_id!r}")
    name = run.record.base_model
    return answer(
        GetInfoResponse(
            model_id=run.run_id,
            model_data=ModelData(arch="tinkex-transformer", model_name=name, tokenizer_id=TOKENIZER),
            is_lora=True,
            lora_rank=run.record.lora_config.rank,
            model_name=name,
        )
    )


def unload_model(state: State, body: bodies.OfModel) -> Reply:
    """POST /api/v1/unload_model: the model goes when the work it has is done"""
    match state.run(body.model_id):
        case Success(run):
            state.drop(run.run_id)
            return promised(state.submit(run.session, lambda: done({"model_id": run.run_id})), run.run_id)
        case Failure(refused):
            return refused
