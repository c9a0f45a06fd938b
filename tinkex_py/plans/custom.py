"""A batch with a loss of the caller's own: a forward pass, the loss, and a backward pass in one turn. Pure.

No number is taken for the backward pass before the loss is known, and no other step comes between the passes: a loss
that fails leaves the run as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.endpoints import steps
from tinkex_py.errors import CallbackFailed, DeadlineExceeded, InvalidInput, TinkerError
from tinkex_py.losses.evaluation import ArrayKind, evaluated, extra_missing
from tinkex_py.losses.objective import Objective, unsettled_loss
from tinkex_py.losses.protocol import Arrays, Evaluation, LossFunction, RegularizerError
from tinkex_py.losses.surrogates import first_pass, logprobs_of, merged, second_pass, targets_problem
from tinkex_py.plans.batches import Taken, ahead, gathered, prepared, put
from tinkex_py.plans.cells import Turn
from tinkex_py.plans.effects import Plan, compute, deadline, halt, require, wait_for
from tinkex_py.plans.runs import Run, inside
from tinkex_py.plans.steps import Check, no_problem
from tinkex_py.types.datum import Datum
from tinkex_py.types.kinds import is_plain_function
from tinkex_py.types.limits import refused
from tinkex_py.types.training import ForwardBackwardOutput
from tinkex_py.types.validation import problem


class CustomLoss(Struct, frozen=True, kw_only=True):
    """A caller's loss, the arrays that it gets, what is added to it, and what else may be wrong with the data."""

    loss_fn: LossFunction
    arrays: ArrayKind | None = None
    objective: Objective = Objective()
    unfit: Check = no_problem

    @property
    def name(self) -> str:
        """What errors call it."""
        return str(getattr(self.loss_fn, "__qualname__", type(self.loss_fn).__name__))

    @property
    def names(self) -> str:
        """What errors call it with its regularizers, when it isn't known which of them is meant."""
        return " or ".join((self.name, *(each.name for each in self.objective.regularizers)))

    def problem(self, data: Sequence[Datum]) -> TinkerError | None:
        """What is wrong with it or the data, found before anything is sent."""
        if not is_plain_function(self.loss_fn):
            wanted = "give a function that isn't async, or a loss that create_custom_loss made"
            return refused("loss_fn", self.loss_fn, wanted)
        unclear = self.objective.problem()
        if unclear is not None:
            return InvalidInput(message=f"regularizers: {unclear}", path="regularizers")
        unsettled = unsettled_loss(self.loss_fn)
        if unsettled is not None:
            return structs.replace(unsettled, message=f"loss_fn: {unsettled.message}", path=f"loss_fn.{unsettled.path}")
        return problem(data, "data") or targets_problem(data) or self.unfit() or extra_missing(self.arrays)


class _Passed(Struct, frozen=True, kw_only=True):
    evaluation: Evaluation
    taken: Taken


def take_custom(run: Run, data: Sequence[Datum], loss: CustomLoss, size: int = 0) -> Plan[ForwardBackwardOutput]:
    """The outputs of the backward pass, with the loss's own value and metrics; each pass takes about `size` bytes."""
    passed = yield from ahead(run, size, partial(_in_its_turn, run, data, loss))
    output = yield from gathered(run, passed.taken)
    return merged(output, passed.evaluation)


def _in_its_turn(run: Run, data: Sequence[Datum], loss: CustomLoss, turn: Turn) -> Plan[_Passed]:
    forward = partial(_forward, data)
    cut = yield from prepared(run, partial(loss.problem, data), forward)
    yield from wait_for(turn.ready)
    output = yield from gathered(run, (yield from put(run, cut)))
    logprobs = yield from require(logprobs_of(data, output))
    evaluation = yield from _evaluated(run, data, loss, logprobs)
    backward = partial(_backward, data, evaluation)
    passing = yield from prepared(run, no_problem, backward, cut.places)
    return _Passed(evaluation=evaluation, taken=(yield from put(run, passing)))


def _forward(data: Sequence[Datum]) -> steps.BatchStep:
    return steps.forward(first_pass(data), "cross_entropy")


def _backward(data: Sequence[Datum], evaluation: Evaluation) -> steps.BatchStep:
    return steps.forward_backward(second_pass(data, evaluation.gradients), "cross_entropy")


def _evaluated(run: Run, data: Sequence[Datum], loss: CustomLoss, logprobs: Arrays) -> Plan[Evaluation]:
    """The caller's functions, away from the runtime's thread; they hold the run's turn, so their time is bounded."""
    losing = partial(_evaluated_or_not, loss, data, logprobs)
    computing = compute(partial(inside, run.model_id, losing))
    allowed = run.waiting.config.progress_timeout
    match (yield from deadline(allowed, computing, partial(_overdue, loss.names))):
        case Success(found):
            if isinstance(found, RegularizerError):
                return (yield from halt(_failed(found.name, found.reason)))
            return found
        case Failure(reason):
            return (yield from halt(_failed(loss.name, reason)))


def _evaluated_or_not(loss: CustomLoss, data: Sequence[Datum], logprobs: Arrays) -> Evaluation | RegularizerError:
    """What a regularizer raised is a value, so that it can be named; what the loss itself raised is for `compute`."""
    try:
        return evaluated(loss.loss_fn, loss.objective, data, logprobs, loss.arrays)
    except RegularizerError as error:
        return error


def _failed(name: str, reason: str) -> CallbackFailed:
    return CallbackFailed(
        message=f"forward_backward_custom: {name} failed: {reason}; nothing was trained, and the next step works",
        callback=name,
        reason=reason,
    )


def _overdue(name: str, seconds: float) -> TinkerError:
    message = f"forward_backward_custom: {name} did not return within {seconds:g} s; nothing was trained"
    return DeadlineExceeded(message=message, seconds=seconds, elapsed=seconds)
