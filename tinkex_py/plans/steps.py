"""Numbered steps of a run: none is lost and none is taken twice. Pure.

A step is encoded, in the server's dialect, before it has a number. When its turn has come the number goes in front of
the bytes, which are then frozen and resent under one idempotency key until the server's answer is known. Accepted: the
next number follows. Refused: the number is free again. Unknown when the time is over, or taken by a step whose result
is lost: the run is in doubt, and every later step answers OutOfSequence with the checkpoint to go on from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.endpoints.steps import Step, submit_step
from tinkex_py.errors import (
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    NotFound,
    OutOfSequence,
    PromiseExpired,
    RateLimited,
    RequestTimedOut,
    ServerFault,
    TinkerError,
    UnsupportedEncoding,
)
from tinkex_py.events import StepNumbered
from tinkex_py.plans.cells import Queue, Turn
from tinkex_py.plans.dialects import Dialects, compresses, dialect_of
from tinkex_py.plans.effects import Plan, attempt, compute, halt, in_turn, observe, require, shield, wait_for
from tinkex_py.plans.polling import Ticket, Waiting, result_of
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.submission import submitted
from tinkex_py.request import Encoded
from tinkex_py.types.batch import Batch
from tinkex_py.wire.compression import compressed
from tinkex_py.wire.dialects import Lowered, lower, numbered
from tinkex_py.wire.replies import is_protobuf

T = TypeVar("T")
U = TypeVar("U")


class Run(Struct, kw_only=True):
    """A model in training as this client sees it: whose turn it is, the next number, and what is in doubt."""

    model_id: str
    queue: Queue
    waiting: Waiting
    dialects: Dialects
    next_number: int = 1
    freed: int | None = None
    doubt: OutOfSequence | None = None
    checkpoint: str | None = None


def take(run: Run, step: Step[T], problem: Callable[[], TinkerError | None], *, heavy: bool = False) -> Plan[T]:
    """The step's result. Steps take their turns in the order in which their plans start.

    `problem` looks for what is wrong with the step's arguments; a `heavy` step is checked and encoded elsewhere.
    """

    def in_its_turn(turn: Turn) -> Plan[Ticket]:
        lowered = yield from _lowered(run, step, problem, heavy=heavy)
        yield from wait_for(turn.ready)
        return (yield from _number(run, step, lowered))

    ticket = yield from shield(in_turn(run.queue, in_its_turn))
    outcome = yield from attempt(result_of(ticket, step.returns, run.waiting))
    if isinstance(outcome, Failure) and isinstance(outcome.failure(), (NotFound, PromiseExpired)):
        run.doubt = _doubt(run, step.operation, "the server no longer knows its promise")
    return (yield from require(outcome))


def _lowered(run: Run, step: Step[T], problem: Callable[[], TinkerError | None], *, heavy: bool) -> Plan[Lowered]:
    """The step's bytes, in the dialect that the server reads if that matters; nothing is asked for a faulty step."""
    found = yield from _computed(problem, elsewhere=heavy)
    if found is not None:
        return (yield from halt(found))
    dialect = (yield from dialect_of(run.dialects)) if isinstance(step.body, Batch) else "json"
    return (
        yield from require((yield from _computed(lambda: lower(step.operation, step.body, dialect), elsewhere=heavy)))
    )


def _computed(function: Callable[[], U], *, elsewhere: bool) -> Plan[U]:
    if not elsewhere:
        return function()
    match (yield from compute(function)):
        case Success(value):
            return value
        case Failure(reason):
            raise AssertionError(reason)


def _number(run: Run, step: Step[T], lowered: Lowered) -> Plan[Ticket]:
    """Submit under the next number, which may move on when a freed number turns out to be used up."""
    while True:
        if run.doubt is not None:
            return (yield from halt(run.doubt))
        number = run.next_number
        encoded = yield from _encoded(run, lowered, number)
        request = submit_step(lowered.operation, encoded)
        policy = Policy(seconds=run.waiting.config.progress_timeout, attempts=None)
        match (yield from attempt(submitted(request, step.kind, policy))):
            case Success(ticket):
                run.next_number = number + 1
                yield from observe(StepNumbered(model_id=run.model_id, number=number, operation=step.operation))
                return ticket
            case Failure(Conflict()) if run.freed == number:
                run.next_number = number + 1
            case Failure(error):
                if isinstance(error, UnsupportedEncoding):
                    run.dialects.forget()
                return (yield from halt(_settled(run, step.operation, number, error)))


def _encoded(run: Run, lowered: Lowered, number: int) -> Plan[Encoded]:
    """The final bytes, compressed when the server asks for that: as one frame, so only once the number is there."""
    encoded = numbered(lowered.unnumbered, run.model_id, number)
    if is_protobuf(encoded.content_type) and (yield from compresses(run.dialects)):
        return (yield from _computed(partial(compressed, encoded), elsewhere=True))
    return encoded


def _settled(run: Run, operation: str, number: int, error: TinkerError) -> TinkerError:
    """What a failed submission means for the run: the error itself when the number is free again."""
    match error:
        case Conflict(detail=detail) if _expected(detail) == number + 1:
            run.doubt = _doubt(run, operation, "the server took it, but its result is lost", number)
            return run.doubt
        case ConnectionFailed() | ServerFault() | DeadlineExceeded() | RateLimited() | RequestTimedOut():
            run.doubt = _doubt(run, operation, f"it is not known whether the server took it ({error.message})", number)
            return run.doubt
        case _:
            run.freed = number
            return error


def _doubt(run: Run, operation: str, why: str, number: int | None = None) -> OutOfSequence:
    step = run.next_number - 1 if number is None else number
    way_on = (
        f"go on from {run.checkpoint} with create_training_client_from_state_with_optimizer"
        if run.checkpoint
        else "make a new training client; this run saved no checkpoint"
    )
    return OutOfSequence(
        message=f"{operation} (step {step} of {run.model_id}) is in doubt: {why}; {way_on}",
        step=step,
        checkpoint=run.checkpoint,
    )


def _expected(detail: str) -> int | None:
    """The number in `Sequence conflict: expected 3, got 2.`"""
    found = re.search(r"expected (\d{1,10})", detail)
    return None if found is None else int(found[1])
