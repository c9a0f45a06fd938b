"""Numbered steps of a model: accepted in any order, carried out in theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from returns.result import Failure, Success

from tinkex_py.local import bodies, engine
from tinkex_py.local.answers import answer, refusal, unprocessable
from tinkex_py.local.arrays import examples_of
from tinkex_py.local.batches import BatchStep, number_of
from tinkex_py.local.checkpoint import save_checkpoint
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.records import CheckpointId, CheckpointRecord, Kind, name_problem
from tinkex_py.local.sequence import Accepted, Conflicting, Repeated
from tinkex_py.local.state import Conclude, Job, Run, Sampler, State, done
from tinkex_py.outcome import Outcome, then
from tinkex_py.request import Reply
from tinkex_py.types.promises import Promised
from tinkex_py.types.tensor import TensorData
from tinkex_py.types.training import ForwardBackwardOutput, OptimStepResponse

LARGEST = float(np.finfo(np.float32).max)


def step(
    state: State, numbered: bodies.Numbered, fingerprint: bytes, plan: Callable[[Run], Outcome[Job, Reply]]
) -> Reply:
    """Accept a step under its number, or the next; a repeat answers the promise that the number was given to.

    `plan` makes the work once the number is known to be free; its refusal leaves the number free.
    """
    match state.run(numbered.model_id):
        case Success(run):
            return _placed(state, run, numbered.seq_id, fingerprint, plan)
        case Failure(refused):
            return refused


def _placed(
    state: State, run: Run, seq_id: int | None, fingerprint: bytes, plan: Callable[[Run], Outcome[Job, Reply]]
) -> Reply:
    number = run.sequence.expected if seq_id is None else seq_id
    match run.sequence.standing(number, fingerprint):
        case Repeated(request_id):
            return promised(request_id, run.run_id)
        case Conflicting(expected):
            return refusal(409, f"Sequence conflict: expected {expected}, got {number}")
        case _:
            return _accepted(state, run, number, fingerprint, plan(run))


def _accepted(state: State, run: Run, number: int, fingerprint: bytes, plan: Outcome[Job, Reply]) -> Reply:
    match plan:
        case Success(job):
            request_id = job.request_id or ""
            state.begin(run, run.sequence.accept(number, Accepted(fingerprint, request_id), job))
            _ = run.awaits(state.now())
            state.store.touch_run(run.run_id, state.now())
            return promised(request_id, run.run_id)
        case Failure(refused):
            state.begin(run, run.sequence.refuse(number))
            return refused


def refused_step(state: State, request: Incoming, refused: Reply) -> Reply:
    """Free the number of a step whose body could not be read, so that none waits for it."""
    match number_of(request):
        case bodies.Numbered(model_id=model_id, seq_id=int(number)) if model_id in state.runs:
            run = state.runs[model_id]
            state.begin(run, run.sequence.refuse(number))
        case _:
            pass
    return refused


def promised(request_id: str, model_id: str | None = None, samples: int | None = None) -> Reply:
    """The answer to accepted work; a sample has an id per sequence."""
    sequence_ids = None if samples is None else tuple(f"{request_id}:{index}" for index in range(samples))
    return answer(Promised(request_id=request_id, model_id=model_id, sample_sequence_ids=sequence_ids))


def train(state: State, body: BatchStep, request: Incoming) -> Reply:
    """POST /api/v1/forward_backward, POST /api/v1/forward"""

    def plan(run: Run) -> Outcome[Job, Reply]:
        return Success(state.promise(lambda: then(run.trained(), lambda model: _evaluated(state, run, model, body))))

    return step(state, body, request.fingerprint, plan)


def _evaluated(state: State, run: Run, model: engine.LoraModel, body: BatchStep) -> Outcome[Conclude, str]:
    batch, only = body.batch, body.forward_only
    return then(
        then(
            examples_of(batch.data),
            lambda examples: engine.forward_backward(
                model, examples, batch.loss_fn, batch.loss_fn_config, forward_only=only
            ),
        ),
        lambda output: Success(lambda: _counted(state, run, model.base.name, output)),
    )


def _counted(state: State, run: Run, base_model: str, output: engine.StepOutput) -> ForwardBackwardOutput:
    """The output as it is answered, its tokens entered into the usage."""
    tokens = sum(len(row["logprobs"]) for row in output.outputs)
    state.usage.count("training", run.session.session_id, base_model, tokens)
    return _wire_output(output)


def _wire_output(output: engine.StepOutput) -> ForwardBackwardOutput:
    tensors = tuple({name: _tensor(array) for name, array in row.items()} for row in output.outputs)
    metrics = _finite(output.metrics)
    return ForwardBackwardOutput(loss_fn_output_type="ArrayRecord", loss_fn_outputs=tensors, metrics=metrics)


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics that have a form in JSON: what is beyond float32, such as an infinite ratio, is its largest number."""
    return {name: max(-LARGEST, min(value, LARGEST)) for name, value in metrics.items()}


def _tensor(array: npt.NDArray[np.float32]) -> TensorData:
    return TensorData.of_buffer(array.tobytes(), "float32", array.shape)


def optim_step(state: State, body: bodies.OptimStep, request: Incoming) -> Reply:
    """POST /api/v1/optim_step"""

    def plan(run: Run) -> Outcome[Job, Reply]:
        return Success(state.promise(lambda: then(run.trained(), lambda model: _optimized(model, body))))

    return step(state, body, request.fingerprint, plan)


def _optimized(model: engine.LoraModel, body: bodies.OptimStep) -> Outcome[Conclude, str]:
    if body.optimizer_params is not None or body.adam_params is None:
        asked = "no adam_params" if body.optimizer_params is None else repr(body.optimizer_params.type)
        return Failure(f"the embedded engine has one optimizer, Adam with adam_params; the step has {asked}")
    made = engine.optim_step(model, body.adam_params)
    return then(made, lambda metrics: done(OptimStepResponse(metrics=_finite(metrics))))


def save_weights(state: State, body: bodies.SaveWeights, request: Incoming) -> Reply:
    """POST /api/v1/save_weights"""
    return step(state, body, request.fingerprint, lambda run: _named_save(state, run, body, "weights"))


def save_weights_for_sampler(state: State, body: bodies.SaveWeights, request: Incoming) -> Reply:
    """POST /api/v1/save_weights_for_sampler: a checkpoint with a name, or a sampler without one"""
    del request
    # A repeated nameless save keeps its number and comes with a new one for the sampler: it is the same save.
    same = msgspec.json.encode(msgspec.structs.replace(body, sampling_session_seq_id=None))
    return step(
        state,
        body,
        sha256(same).digest(),
        lambda run: (
            _nameless_save(state, run, body) if body.path is None else _named_save(state, run, body, "sampler_weights")
        ),
    )


def save_weights_external(state: State, body: bodies.SaveWeights, request: Incoming) -> Reply:
    """POST /api/v1/save_weights_external: weights to download; encryption is refused"""
    if body.age_encryption_recipients:
        refused = unprocessable(
            ("body", "age_encryption_recipients"), "the embedded server does not encrypt: leave it out"
        )
        return refused_step(state, request, refused)
    return step(state, body, request.fingerprint, lambda run: _named_save(state, run, body, "external_weights"))


def _named_save(state: State, run: Run, body: bodies.SaveWeights, kind: Kind) -> Outcome[Job, Reply]:
    problem = "Field required" if body.path is None else name_problem(body.path)
    if body.path is None or problem is not None:
        return Failure(unprocessable(("body", "path"), problem or ""))
    checkpoint = CheckpointId(run.run_id, kind, body.path)
    taken = state.store.find(checkpoint, state.now()) is not None or checkpoint in state.reserved.values()
    if taken and not body.overwrite:
        return Failure(
            refusal(409, f"the checkpoint {checkpoint.path} exists already; save with overwrite or another name")
        )
    job = state.promise(lambda: then(run.trained(), lambda model: _saved(state, model, checkpoint, body)))
    state.reserved[job.request_id or ""] = checkpoint
    return Success(job)


def _saved(
    state: State, model: engine.LoraModel, checkpoint: CheckpointId, body: bodies.SaveWeights
) -> Outcome[Conclude, str]:
    folder = state.store.new_folder(*checkpoint)
    match save_checkpoint(folder, model, optimizer=checkpoint.kind == "weights"):
        case Success(size):
            return Success(lambda: _entered(state, checkpoint, folder, size, body))
        case Failure(reason):
            raise OSError(reason)


def _entered(state: State, checkpoint: CheckpointId, folder: Path, size: int, body: bodies.SaveWeights) -> object:
    now = state.now()
    record = CheckpointRecord(
        run_id=checkpoint.run_id,
        kind=checkpoint.kind,
        name=checkpoint.name,
        created_at=now,
        size_bytes=size,
        expires_at=None if body.ttl_seconds is None else now + body.ttl_seconds,
        user_metadata=body.user_metadata,
    )
    replaced = state.store.keep(record, folder)
    if replaced is not None:
        state.discard(replaced)
    run = state.store.run(checkpoint.run_id)
    session_id = checkpoint.run_id.partition(":")[0]
    state.usage.count("checkpoint", session_id, "" if run is None else run.base_model, 1)
    state.usage.note("checkpoint_created", checkpoint.run_id, checkpoint.path)
    return {"path": checkpoint.path} | ({"size_bytes": size} if checkpoint.kind == "external_weights" else {})


def _nameless_save(state: State, run: Run, body: bodies.SaveWeights) -> Outcome[Job, Reply]:
    session = run.session
    number = session.samplers.next if body.sampling_session_seq_id is None else body.sampling_session_seq_id
    if session.samplers.accepted(number) is not None:
        return Failure(refusal(409, f"sampling_session_seq_id {number} was used before in this session"))
    sampler_id = f"{session.session_id}:sample:{number}"
    job = state.promise(lambda: then(run.trained(), lambda model: _snapshot(state, run, model, sampler_id)))
    session.samplers.enter(number, Accepted(b"", job.request_id or ""))
    return Success(job)


def _snapshot(state: State, run: Run, model: engine.LoraModel, sampler_id: str) -> Outcome[Conclude, str]:
    sampler = Sampler(sampler_id, model.base.name, None, run.session)
    state.shelf.put(sampler_id, model)

    def conclude() -> object:
        if not run.session.ended:
            state.samplers[sampler_id] = sampler
            run.session.sampler_ids.append(sampler_id)
        else:
            state.afterwards(run.session, lambda: state.shelf.remove((sampler_id,)))
        return {"sampling_session_id": sampler_id}

    return Success(conclude)
