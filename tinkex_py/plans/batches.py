"""Batches: cut into chunks that the server takes, numbered in one turn, and put together again. Pure.

Chunks go one after the other. Where the server says so itself, all but the first go together. A batch that is taken
only in part says so, and the next step of the optimizer too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TypeAlias, TypeVar

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.endpoints import steps
from tinkex_py.endpoints.steps import BatchStep
from tinkex_py.errors import Conflict, OutOfSequence, TinkerError, Undecodable
from tinkex_py.outcome import Outcome, change, collect
from tinkex_py.plans.cells import Turn
from tinkex_py.plans.chunks import Limits, chunks, combined
from tinkex_py.plans.dialects import dialect_of
from tinkex_py.plans.effects import Plan, attempt, halt, in_turn, require, together, wait_for, within
from tinkex_py.plans.polling import Ticket
from tinkex_py.plans.runs import Part, Run
from tinkex_py.plans.steps import Check, Piece, alone, elsewhere, meaning, number, settled, submit
from tinkex_py.types.batch import Dialect, Form
from tinkex_py.types.training import ForwardBackwardOutput
from tinkex_py.wire.dialects import Lowered, enclosed, forms

T = TypeVar("T")

Build: TypeAlias = Callable[[], BatchStep]


class Cut(Struct, frozen=True, kw_only=True):
    """A batch in chunks: where each begins and ends, its bytes, and a harmless step for a number that stays empty."""

    operation: str
    places: tuple[slice, ...]
    pieces: tuple[Piece, ...]
    part: Part
    filling: Piece | None = None


class Taken(Struct, frozen=True, kw_only=True):
    """A batch that the server has: the promises of its chunks, how many data each has, and none of its bytes."""

    operation: str
    part: Part
    tickets: tuple[Ticket, ...]
    counts: tuple[int, ...]


def take_batch(run: Run, problem: Check, build: Build, size: int = 0) -> Plan[ForwardBackwardOutput]:
    """The outputs of all data and the metrics of the whole batch, which takes about `size` bytes."""

    def in_its_turn(turn: Turn) -> Plan[Taken]:
        cut = yield from prepared(run, problem, build, size=size)
        yield from wait_for(turn.ready)
        return (yield from put(run, cut))

    taken = yield from ahead(run, size, in_its_turn)
    return (yield from gathered(run, taken))


def ahead(run: Run, size: int, in_its_turn: Callable[[Turn], Plan[T]]) -> Plan[T]:
    """The value of a plan that encodes about `size` bytes as soon as there is room for them, before its turn has come.

    Room is given in the order of turns, and encoding that begins when its turn is there needs none: so no step holds
    room that an earlier one waits for.
    """
    return (yield from in_turn(run.queue, lambda turn: within(run.ahead, size, in_its_turn(turn))))


def prepared(
    run: Run, problem: Check, build: Build, places: Sequence[slice] | None = None, *, size: float = inf
) -> Plan[Cut]:
    """The batch of about `size` bytes, checked, built and in bytes; `places` are its chunks if they are settled."""
    found = yield from elsewhere(problem, size)
    if found is not None:
        return (yield from halt(found))
    dialect = yield from dialect_of(run.dialects)
    limits = yield from run.limits()
    return (yield from require((yield from elsewhere(lambda: _cut(build(), dialect, limits, places), size))))


def put(run: Run, cut: Cut) -> Plan[Taken]:
    """Submit the chunks in the turn that the run's queue gave; when one fails, the rest is not sent."""
    tickets: list[Ticket] = []
    for place, piece in enumerate(cut.pieces):
        rest = cut.pieces[place:]
        filling = cut.filling if place and len(rest) > 1 and not run.freed else None
        sending = _one(run, piece) if filling is None else _at_once(run, cut, rest, filling)
        match (yield from attempt(alone(run, sending))):
            case Success(taken):
                tickets += taken
            case Failure(error):
                return (yield from halt(run.partly(cut.operation, cut.part, error)))
        if filling is not None:
            break
    counts = tuple(place.stop - place.start for place in cut.places)
    return Taken(operation=cut.operation, part=cut.part, tickets=tuple(tickets), counts=counts)


def gathered(run: Run, taken: Taken) -> Plan[ForwardBackwardOutput]:
    """The results of all chunks as one; when some failed, what is left of the batch is noted."""
    waits = [settled(run, ticket, ForwardBackwardOutput) for ticket in taken.tickets]
    outcomes = yield from together(waits)
    match collect(outcomes):
        case Success(outputs):
            misfit = _misfit(taken, outputs)
            return combined(outputs) if misfit is None else (yield from halt(misfit))
        case Failure(error):
            return (yield from halt(_failed(run, taken, outcomes, error)))


def _misfit(taken: Taken, outputs: Sequence[ForwardBackwardOutput]) -> Undecodable | None:
    """Why the outputs can't be those of the data: each datum has one, unless the server gives none at all."""
    came = [len(output.loss_fn_outputs) for output in outputs]
    for ticket, sent, found in zip(taken.tickets, taken.counts, came, strict=True):
        if sent != found and any(came):
            return Undecodable(
                message=f"{taken.operation}: {sent} data were sent and outputs of {found} came, so it isn't known "
                "which belong together; the step itself was done. Tell the server's operators",
                request_id=ticket.request_id,
                endpoint=ticket.endpoint,
            )
    return None


def _failed(
    run: Run, taken: Taken, outcomes: Sequence[Outcome[ForwardBackwardOutput]], error: TinkerError
) -> TinkerError:
    """Chunks that did not fail have left their gradients, unless the optimizer has used them since."""
    numbers = zip(sorted(taken.part.numbers), outcomes, strict=True)
    kept = structs.replace(taken.part, numbers=[each for each, outcome in numbers if isinstance(outcome, Success)])
    if kept.numbers and run.stepped <= max(taken.part.numbers):
        run.leave_behind(kept)
    return run.partly(taken.operation, kept, error)


def _one(run: Run, piece: Piece) -> Plan[tuple[Ticket, ...]]:
    return ((yield from number(run, piece)),)


def _at_once(run: Run, cut: Cut, pieces: Sequence[Piece], filling: Piece) -> Plan[tuple[Ticket, ...]]:
    """Submit these under consecutive numbers at the same time."""
    if run.doubt is not None:
        return (yield from halt(run.doubt))
    first = run.next_number
    numbers = range(first, first + len(pieces))
    sendings = [submit(run, piece, chosen) for piece, chosen in zip(pieces, numbers, strict=True)]
    outcomes = yield from together(sendings)
    failed = [
        meaning(run, piece, chosen, outcome.failure())
        for piece, chosen, outcome in zip(pieces, numbers, outcomes, strict=True)
        if isinstance(outcome, Failure)
    ]
    match collect(outcomes):
        case Success(tickets):
            return tickets
        case Failure(_):
            yield from _fill(run, cut, filling)
            return (yield from halt(next((each for each in failed if isinstance(each, OutOfSequence)), failed[0])))


def _fill(run: Run, cut: Cut, filling: Piece) -> Plan[None]:
    """A refused number below accepted ones is a hole that the server may wait for: a forward pass goes there."""
    for hole in sorted(run.freed):
        if run.doubt is not None or hole > max(cut.part.numbers):
            return
        match (yield from attempt(submit(run, filling, hole))):
            case Success(_):
                pass
            case Failure(Conflict(attempts=1)):
                run.accept(hole)
            case Failure(error):
                _ = run.in_doubt(cut.operation, f"its place in the order can't be filled ({error.message})", hole)


def _cut(step: BatchStep, dialect: Dialect, limits: Limits, places: Sequence[slice] | None) -> Outcome[Cut]:
    return change(forms(step.body, dialect), lambda data: _in_chunks(step, data, dialect, limits, places))


def _in_chunks(
    step: BatchStep, data: Sequence[Form], dialect: Dialect, limits: Limits, places: Sequence[slice] | None
) -> Cut:
    cuts = tuple(chunks([form.size for form in data], limits) if places is None else places)
    part = Part(count=len(cuts), gradients=not step.body.forward_only)
    bodies = [enclosed(step.body, data[place], dialect) for place in cuts]
    return Cut(
        operation=step.operation,
        places=cuts,
        pieces=tuple(_piece(step, body, part) for body in bodies),
        part=part,
        filling=_filling(step, data, dialect) if limits.parallel else None,
    )


def _filling(step: BatchStep, data: Sequence[Form], dialect: Dialect) -> Piece:
    """A forward pass of the first datum, for where chunks go together."""
    harmless = steps.forward(step.body.data[:1], step.body.loss_fn, step.body.loss_fn_config)
    return _piece(harmless, enclosed(harmless.body, data[:1], dialect))


def _piece(step: BatchStep, lowered: Lowered, part: Part | None = None) -> Piece:
    return Piece(operation=step.operation, kind=step.kind, lowered=lowered, part=part)
