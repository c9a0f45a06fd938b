"""Bodies of forward and forward_backward, whatever they are encoded in. Pure."""

from __future__ import annotations

from returns.result import Failure, Success

from tinkex_py.local import bodies
from tinkex_py.local.answers import refusal, unprocessable
from tinkex_py.local.incoming import LARGEST_BODY, Incoming
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply
from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import EncodedTextChunk, ModelInputChunk
from tinkex_py.types.tensor import TensorData
from tinkex_py.wire import json
from tinkex_py.wire.protobuf import messages
from tinkex_py.wire.replies import is_protobuf


class BatchStep(bodies.Numbered, frozen=True, kw_only=True):
    """A numbered step over a batch."""

    batch: bodies.Batch
    forward_only: bool = False


def read_forward_backward(request: Incoming) -> Outcome[BatchStep, Reply]:
    """The body of `forward_backward`, in protobuf or JSON by its Content-Type."""
    if is_protobuf(request.header("content-type")):
        return _read_protobuf(request.body)
    match bodies.read(bodies.ForwardBackward, request.body, LARGEST_BODY):
        case Success(body):
            return Success(_step(body, body.forward_backward_input, forward_only=bool(body.forward_only)))
        case Failure() as failure:
            return failure


def read_forward(request: Incoming) -> Outcome[BatchStep, Reply]:
    """The body of `forward`, which is JSON in every vintage that has it."""
    match bodies.read(bodies.Forward, request.body, LARGEST_BODY):
        case Success(body):
            return Success(_step(body, body.forward_input, forward_only=True))
        case Failure() as failure:
            return failure


def number_of(request: Incoming) -> bodies.Numbered | None:
    """The model and the number of a step of which nothing else may be readable."""
    if is_protobuf(request.header("content-type")):
        model_id, number = messages.number_of(request.body)
        return bodies.Numbered(model_id=model_id, seq_id=number or None)
    match json.decode(bodies.Numbered, request.body):
        case Success(numbered):
            return numbered
        case Failure(_):
            return None


def _read_protobuf(body: bytes) -> Outcome[BatchStep, Reply]:
    match messages.decode(body):
        case Success(read) if read.seq_id < 0:
            return Failure(unprocessable(("body", "seq_id"), "a number is at least 1"))
        case Success(read):
            batch = bodies.Batch(
                data=tuple(map(_datum, read.batch.data)),
                loss_fn=read.batch.loss_fn,
                loss_fn_config=read.batch.loss_fn_config,
            )
            numbered = bodies.Numbered(model_id=read.model_id, seq_id=read.seq_id or None)
            return Success(_step(numbered, batch, forward_only=read.batch.forward_only))
        case Failure(reason):
            return Failure(refusal(422, f"Invalid protobuf request: {reason}"))


def _step(numbered: bodies.Numbered, batch: bodies.Batch, *, forward_only: bool) -> BatchStep:
    return BatchStep(model_id=numbered.model_id, seq_id=numbered.seq_id, batch=batch, forward_only=forward_only)


def _datum(datum: Datum) -> bodies.Datum:
    return bodies.Datum(
        model_input=bodies.ModelInput(chunks=tuple(map(_chunk, datum.model_input.chunks))),
        loss_fn_inputs={name: _tensor(value) for name, value in datum.loss_fn_inputs.items()},
    )


def _chunk(chunk: ModelInputChunk) -> bodies.Chunk:
    if isinstance(chunk, EncodedTextChunk):
        return bodies.Chunk(tokens=chunk.packed.tolist())
    return bodies.Chunk(type=str(chunk.__struct_config__.tag))


def _tensor(value: TensorData) -> bodies.Tensor:
    return bodies.Tensor(
        data=value.data,
        dtype=value.dtype,
        shape=value.shape or None,  # one that is missing looks like that of a single number
        sparse_crow_indices=value.sparse_crow_indices,
        sparse_col_indices=value.sparse_col_indices,
    )
