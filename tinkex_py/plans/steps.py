"""Numbered steps of a run: none is lost and none is taken twice. Pure.

A step is encoded, in the server's dialect, before it has a number. When its turn has come the number goes in front of
the bytes, which are then frozen and resent under one idempotency key until the server's answer is known. Accepted: the
next number follows. Refused: the number is free again. Unknown when the time is over, or taken by a step whose result
is lost: the run is in doubt, and every later step answers OutOfSequence with the checkpoint to go on from.

A step without a number stops when whoever wants it does; one that has a number is settled in the background.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from math import inf
from typing import TypeVar

from msgspec import Struct, structs
from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.config import Config
from tinkex_py.endpoints.steps import Step, submit_step
from tinkex_py.errors import (
    BadRequest,
    CallbackFailed,
    Cancelled,
    Conflict,
    ConnectionFailed,
    InvalidConfig,
    MissingCredentials,
    NotFound,
    OutOfSequence,
    PromiseExpired,
    ServerFault,
    TinkerError,
    Unauthorized,
    Unprocessable,
    UnsupportedEncoding,
)
from tinkex_py.events import ChunkTaken, StepNumbered
from tinkex_py.plans.cells import Cell, Turn
from tinkex_py.plans.dialects import compresses
from tinkex_py.plans.effects import (
    Plan,
    attempt,
    compute,
    halt,
    in_turn,
    observe,
    require,
    shield,
    wait_for,
    within,
)
from tinkex_py.plans.polling import Ticket, result_of
from tinkex_py.plans.retry import Policy, Tally
from tinkex_py.plans.runs import Part, Run, told_by
from tinkex_py.plans.submission import submitted
from tinkex_py.request import Encoded
from tinkex_py.types.training import OptimStepResponse
from tinkex_py.wire.compression import compressed
from tinkex_py.wire.dialects import Lowered, lower, numbered
from tinkex_py.wire.replies import is_protobuf

T = TypeVar("T")

_RESERVE = 0.1
"""At most this share of a step's time is kept for making a connection, which its deadline would cut off otherwise."""
_FEW = 250_000
"""Bytes over which little time is taken."""

Check = Callable[[], "TinkerError | None"]
"""Looks for what is wrong with a batch, away from the runtime's thread when it is large."""


def no_problem() -> None:
    """Nothing is wrong."""


class Piece(Struct, frozen=True, kw_only=True):
    """A step in its bytes, before it has a number; `part` is the batch that it is a chunk of."""

    operation: str
    kind: str
    lowered: Lowered
    part: Part | None = None


def take(run: Run, step: Step[T]) -> Plan[T]:
    """The step's result. Steps take their turns in the order in which their plans start."""
    ticket = yield from _taken(run, step, number)
    return (yield from settled(run, ticket, step.returns))


def take_state(run: Run, step: Step[T], path_of: Callable[[T], str]) -> Plan[T]:
    """As `take`, of a step after which the state of the run is that of a checkpoint, saved or loaded."""
    ticket = yield from _taken(run, step, number)
    value = yield from settled(run, ticket, step.returns)
    run.remember(ticket.number, path_of(value))
    return value


def take_update(run: Run, step: Step[OptimStepResponse], *, accept_partial: bool = False) -> Plan[OptimStepResponse]:
    """The result of a step of the optimizer: OutOfSequence when part of a batch is missing, unless that is accepted."""
    ticket = yield from _taken(run, step, partial(_update, accept_partial=accept_partial))
    return (yield from settled(run, ticket, step.returns))


def alone(run: Run, submission: Plan[T]) -> Plan[T]:
    """The submission's value. Submissions go one after the other and each to its end, so no number is given twice.

    One whose caller is gone when its time comes doesn't begin.
    """
    gone: Cell[None] = Cell()
    try:
        return (yield from shield(within(run.submitting, 1, _unless(gone, submission))))
    finally:
        gone.fill(None)


def number(run: Run, piece: Piece) -> Plan[Ticket]:
    """Submit under the next number, which moves on when a freed number turns out to be used up."""
    while True:
        if run.doubt is not None:
            return (yield from halt(run.doubt))
        chosen = run.number()
        match (yield from attempt(submit(run, piece, chosen))):
            case Success(ticket):
                return ticket
            case Failure(Conflict(attempts=1)) if chosen in run.freed:
                run.accept(chosen)
            case Failure(error):
                return (yield from halt(meaning(run, piece, chosen, error)))


def submit(run: Run, piece: Piece, chosen: int) -> Plan[Ticket]:
    """Submit under that number, and note that it was accepted."""
    body = yield from _final(run, piece, chosen)
    policy, tally = _policy(run.waiting.config), Tally()
    request = submit_step(piece.lowered.operation, body)
    sending = submitted(request, piece.kind, policy, billing=run.waiting.billing, tally=tally)
    match (yield from attempt(within(run.in_flight, body.size, sending))):
        case Success(ticket):
            first = run.promise(ticket.request_id, chosen)
            if first != chosen:
                return (yield from halt(run.in_doubt(piece.operation, _OF_ANOTHER.format(first), chosen)))
            yield from _note(run, piece, chosen)
            return structs.replace(ticket, number=chosen)
        case Failure(error):
            if tally.doubtful:
                run.uncertain.add(chosen)
            return (yield from halt(error))


def meaning(run: Run, piece: Piece, chosen: int, error: TinkerError) -> TinkerError:
    """What a failed submission means for the run: the error itself when the number is free again."""
    unread = piece.part is not None and not run.read and isinstance(error, _OF_ENCODINGS)
    if unread or isinstance(error, UnsupportedEncoding):
        run.dialects.forget()
    match error:
        case Conflict(detail=detail) if _expected(detail) == chosen + 1:
            return told_by(error, run.in_doubt(piece.operation, _RESULT_LOST, chosen))
        case _ if chosen in run.uncertain:
            why = f"it is not known whether the server took it ({error.message})"
            return told_by(error, run.in_doubt(piece.operation, why, chosen))
        case OutOfSequence():
            return error
        case ConnectionFailed(sent=False):
            error = structs.replace(error, message=f"{error.message} {_UNSENT.format(chosen)}")
        case _:
            pass
    run.refuse(chosen)
    return error


def settled(run: Run, ticket: Ticket, returns: TypeForm[T]) -> Plan[T]:
    """The value of a step's promise; a promise that the server lost leaves the run in doubt."""
    try:
        outcome = yield from attempt(result_of(ticket, returns, run.waiting))
    except GeneratorExit:
        run.failed.add(ticket.number)
        raise
    match outcome:
        case Success(value):
            run.succeeded(ticket.number)
            return value
        case Failure(error):
            return (yield from halt(_ended(run, ticket, error)))


def _ended(run: Run, ticket: Ticket, error: TinkerError) -> TinkerError:
    """What a failed promise means for the run, whose next step may have to take the failed number again."""
    number = ticket.number
    expected = _expected(error.detail) if isinstance(error, Conflict) else None
    if _is_lost(ticket, error):
        return told_by(error, run.in_doubt(ticket.operation, "the server no longer knows its promise", number))
    if expected == number + 1:
        return told_by(error, run.in_doubt(ticket.operation, _RESULT_LOST, number))
    if isinstance(error, Conflict) and expected in run.failed:
        run.go_back(expected, number)
        why = f"step {number} was not taken, because step {expected} failed before it; submit it again"
        return structs.replace(error, message=f"{ticket.operation}: {why}")
    run.failed.add(number)
    if isinstance(error, _OF_CREDENTIALS):
        return structs.replace(error, message=f"{error.message} {_TAKEN.format(number)}")
    return error


def elsewhere(function: Callable[[], T], size: float = inf) -> Plan[T]:
    """The value of a function of our own; off the runtime's thread, unless `size` bytes are too few for that."""
    if size < _FEW:
        return function()
    match (yield from compute(function, foreign=False)):
        case Success(value):
            return value
        case Failure(reason):
            raise AssertionError(reason)


def _taken(run: Run, step: Step[T], submission: Callable[[Run, Piece], Plan[Ticket]]) -> Plan[Ticket]:
    """The ticket of a step that is prepared while it waits for its turn, and submitted then."""

    def in_its_turn(turn: Turn) -> Plan[Ticket]:
        piece = yield from _prepared(step)
        yield from wait_for(turn.ready)
        return (yield from alone(run, submission(run, piece)))

    return in_turn(run.queue, in_its_turn)


def _prepared(step: Step[T]) -> Plan[Piece]:
    lowered = yield from require(lower(step.operation, step.body, "json"))
    return Piece(operation=step.operation, kind=step.kind, lowered=lowered)


def _policy(config: Config) -> Policy:
    """Attempts as often as time allows. A connection may take its time twice, as TLS comes on top of it."""
    seconds = config.progress_timeout
    return Policy(seconds=seconds, attempts=None, connecting=min(2 * config.connect_timeout, _RESERVE * seconds))


def _final(run: Run, piece: Piece, chosen: int) -> Plan[Encoded]:
    """The final bytes, compressed when the server asks for that: as one frame, so only once the number is there."""
    body = numbered(piece.lowered.unnumbered, run.model_id, chosen)
    if is_protobuf(body.content_type) and (yield from compresses(run.dialects)):
        return (yield from elsewhere(partial(compressed, body), body.size))
    return body


def _note(run: Run, piece: Piece, chosen: int) -> Plan[None]:
    """The server took the piece under that number."""
    run.accept(chosen)
    run.enter(piece.part, chosen)
    yield from observe(StepNumbered(model_id=run.model_id, number=chosen, operation=piece.operation))
    if piece.part is not None and piece.part.count > 1:
        taken, count = len(piece.part.numbers), piece.part.count
        yield from observe(
            ChunkTaken(model_id=run.model_id, operation=piece.operation, number=chosen, taken=taken, count=count)
        )


def _unless(gone: Cell[None], submission: Plan[T]) -> Plan[T]:
    if gone.filled:
        submission.close()
        return (yield from halt(_GIVEN_UP))
    return (yield from submission)


def _update(run: Run, piece: Piece, *, accept_partial: bool) -> Plan[Ticket]:
    if run.partial and run.doubt is None and not accept_partial:
        return (yield from halt(run.unstepped()))
    ticket = yield from number(run, piece)
    run.parts.clear()
    run.stepped = run.next_number
    return ticket


def _is_lost(ticket: Ticket, error: TinkerError) -> bool:
    """Whether the server lost the promise; a 404 may also be the end of work that needed something that isn't there."""
    match error:
        case NotFound(detail=detail):
            return ticket.request_id in detail or _OF_THINGS.search(detail) is None
        case PromiseExpired():
            return True
        case _:
            return False


_OF_ENCODINGS = (BadRequest, ServerFault, Unprocessable)
"""What a server that took another's place may answer to a run's first batch, when it doesn't read the encoding."""
_UNSENT = "Step {} certainly did not happen; submit it again once there is a connection"
_OF_CREDENTIALS = (Unauthorized, MissingCredentials, InvalidConfig, CallbackFailed)
"""Why a result can't be asked for, or no longer; none of them is how work ends."""
_TAKEN = "Step {} was taken all the same, only its result can't be asked for: don't submit it again"
_RESULT_LOST = "the server took it, but its result is lost"
_OF_ANOTHER = "the server answered with the promise of step {}, so it is not known whether this one was taken"
_GIVEN_UP = Cancelled(message="nobody waits for this step any more, so it was not sent")
_OF_THINGS = re.compile(r"(?i)model|checkpoint|weights|adapter|loss|path|file")


def _expected(detail: str) -> int | None:
    """The number in `Sequence conflict: expected 3, got 2.`"""
    found = re.search(r"expected (\d{1,10})", detail)
    return None if found is None else int(found[1])
