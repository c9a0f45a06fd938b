"""Bodies of forward and forward_backward, whatever they are encoded in. Pure."""

from __future__ import annotations

from returns.result import Failure, Success

from tinkex_py.local import bodies
from tinkex_py.local.answers import refusal
from tinkex_py.local.incoming import Incoming
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply


class BatchStep(bodies.Numbered, frozen=True, kw_only=True):
    """A numbered step over a batch."""

    batch: bodies.Batch
    forward_only: bool = False


def read_forward_backward(request: Incoming) -> Outcome[BatchStep, Reply]:
    """The body of `forward_backward`; 415 unless it is JSON."""
    if "protobuf" in (request.header("content-type") or ""):
        return Failure(refusal(415, "this server reads JSON, not protobuf"))
    match bodies.read(bodies.ForwardBackward, request.body):
        case Success(body):
            return Success(_step(body, body.forward_backward_input, forward_only=bool(body.forward_only)))
        case Failure() as failure:
            return failure


def read_forward(request: Incoming) -> Outcome[BatchStep, Reply]:
    """The body of `forward`, which is JSON in every vintage that has it."""
    match bodies.read(bodies.Forward, request.body):
        case Success(body):
            return Success(_step(body, body.forward_input, forward_only=True))
        case Failure() as failure:
            return failure


def _step(numbered: bodies.Numbered, batch: bodies.Batch, *, forward_only: bool) -> BatchStep:
    return BatchStep(model_id=numbered.model_id, seq_id=numbered.seq_id, batch=batch, forward_only=forward_only)
