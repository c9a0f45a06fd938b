"""Losses of a caller's own under handles: traced once, and run by the server where it says that it does. Pure.

Where it doesn't, the same handle runs in this process, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.endpoints.losses import create_custom_loss
from tinkex_py.endpoints.steps import forward_backward
from tinkex_py.errors import InvalidInput
from tinkex_py.losses.graphs import LOGPROBS, inputs_of
from tinkex_py.losses.handled import batch_loss
from tinkex_py.losses.objective import Objective
from tinkex_py.outcome import Outcome
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.custom import CustomLoss, take_custom
from tinkex_py.plans.effects import Plan, compute, halt, require
from tinkex_py.plans.estimates import estimated_batch
from tinkex_py.plans.polling import Waiting
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.runs import Run
from tinkex_py.plans.sessions import SessionState, session_id, while_it_lasts
from tinkex_py.plans.startup import Startup, flags
from tinkex_py.plans.submission import fulfilled
from tinkex_py.types.custom import (
    CustomLossCreated,
    CustomLossGraph,
    CustomLossInput,
    InputRank,
    LossHandle,
    PerDatumLoss,
)
from tinkex_py.types.datum import Datum
from tinkex_py.types.rows import rows_of
from tinkex_py.types.training import ForwardBackwardOutput
from tinkex_py.types.validation import problem

Trace: TypeAlias = Callable[[PerDatumLoss], "tuple[CustomLossGraph, PerDatumLoss]"]
"""From a loss to its trace as a value and as a function; it may raise LossError."""


class Maker(Struct, frozen=True, kw_only=True):
    """What it takes to make a loss of a session."""

    session: SessionState
    startup: Startup
    waiting: Waiting
    policy: Policy
    trace: Trace


def created_loss(maker: Maker, loss: PerDatumLoss, ranks: Mapping[str, InputRank]) -> Plan[LossHandle]:
    """The handle of a loss: checked, traced, and given to the server if that runs losses itself."""
    name = str(getattr(loss, "__name__", type(loss).__name__))
    traced = yield from compute(partial(_traced, maker.trace, loss, name, ranks))
    if isinstance(traced, Failure):
        return (yield from halt(_unusable(name, traced.failure())))
    inputs, graph, run = yield from require(traced.unwrap())
    session = yield from session_id(maker.session)
    handle = LossHandle(name=name, inputs=inputs, session_id=session, graph=graph, traced=run)
    if handle.key in maker.session.losses:
        return (yield from halt(_unusable(name, "its trace is this session's already: use the handle that there is")))
    maker.session.losses.add(handle.key)
    loss_id: str | None = None
    try:
        if (yield from flags(maker.startup)).custom_loss_server_side:
            loss_id = yield from _given_to_server(maker, handle)
    except BaseException:  # a plan that is left included: without a handle the loss may be made again
        maker.session.losses.discard(handle.key)
        raise
    return structs.replace(handle, loss_id=loss_id)


def take_by_handle(
    run: Run, session: SessionState, data: Sequence[Datum], handle: LossHandle, objective: Objective
) -> Plan[ForwardBackwardOutput]:
    """The outputs of a batch and its metrics, from the server's own run of the loss or from two passes."""
    unfit = partial(_unfit, session, data, handle, objective)
    if handle.loss_id is None:
        loss = CustomLoss(loss_fn=batch_loss(handle), arrays="torch", objective=objective, unfit=unfit)
        return take_custom(run, data, loss, estimated_batch(rows_of(data)))
    step = forward_backward(data, "custom", {"loss_id": handle.loss_id})
    size = estimated_batch(step.body.rows)
    return take_batch(run, lambda: problem(step.body, "data") or unfit(), lambda: step, size)


def _traced(
    trace: Trace, loss: PerDatumLoss, name: str, ranks: Mapping[str, InputRank]
) -> Outcome[tuple[tuple[CustomLossInput, ...], CustomLossGraph, PerDatumLoss], InvalidInput]:
    try:
        inputs = inputs_of(loss, ranks)
        return Success((inputs, *trace(loss)))
    except ValueError as error:  # LossError, or a function that doesn't say what it takes
        return Failure(_unusable(name, str(error)))


def _given_to_server(maker: Maker, handle: LossHandle) -> Plan[str]:
    request = create_custom_loss(
        session_id=handle.session_id,
        custom_loss_seq_id=maker.session.next_loss(),
        name=handle.name,
        inputs=handle.inputs,
        graph=handle.graph,
    )
    giving = fulfilled(request, "CreateCustomLoss", CustomLossCreated, maker.policy, maker.waiting)
    made = yield from while_it_lasts(maker.session, request, giving)
    return made.loss_id


def _unfit(
    session: SessionState, data: Sequence[Datum], handle: LossHandle, objective: Objective
) -> InvalidInput | None:
    """Why the loss can't be taken of these data, found before anything is sent."""
    if handle.session_id != session.known:
        message = (
            f"loss_fn is the loss {handle.name} of session {handle.session_id}: make it with this client's service"
        )
        return InvalidInput(message=message, path="loss_fn")
    if handle.loss_id is not None and objective != Objective():
        message = f"regularizers can't be added to {handle.name}, which the server runs: give the function itself"
        return InvalidInput(message=message, path="regularizers")
    return next(filter(None, (_misfit(datum, place, handle) for place, datum in enumerate(data))), None)


def _misfit(datum: Datum, place: int, handle: LossHandle) -> InvalidInput | None:
    for needed in handle.inputs:
        name = "target_tokens" if needed.name == LOGPROBS else needed.name
        path, tensor = f"data[{place}].loss_fn_inputs[{name!r}]", datum.loss_fn_inputs.get(name)
        if tensor is None:
            return InvalidInput(message=f"{path} is missing, which the loss {handle.name} takes", path=path)
        rank = len(tensor.packed.shape if tensor.shape is None else tensor.shape)
        if rank != needed.rank:
            message = f"{path} has rank {rank}, but {handle.name} was made for {needed.name} of rank {needed.rank}"
            return InvalidInput(message=message, path=path)
    return None


def _unusable(name: str, why: str) -> InvalidInput:
    return InvalidInput(message=f"create_custom_loss: {name} can't be used: {why}", path="fn", value=name)
