"""The result of a promise, asked for until it is there. Pure.

The server holds each question for a while, so asking again at once is right; a server that doesn't hold them is asked
at growing intervals. Waiting ends when nothing has moved for `Config.progress_timeout` seconds, or after
`Config.promise_timeout` seconds in all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TypeVar, assert_never

from msgspec import Struct, field, structs
from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.config import Config
from tinkex_py.endpoints.promises import retrieve_future
from tinkex_py.errors import (
    BadRequest,
    ConnectionFailed,
    DeadlineExceeded,
    NotFound,
    PaymentRequired,
    RateLimited,
    RequestFailed,
    ServerFault,
    StatusCause,
    TinkerError,
    Unauthorized,
)
from tinkex_py.events import PromiseMade, PromisePolled, PromiseSettled
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Gate
from tinkex_py.plans.effects import (
    Attempt,
    Deadline,
    Expired,
    Observe,
    Plan,
    halt,
    now,
    observe,
    require,
    scoped,
    sleep,
    within,
)
from tinkex_py.plans.retry import (
    HELD,
    IMPATIENCE,
    STANDSTILL,
    Billing,
    Policy,
    after,
    backoff,
    delay_before,
    exchange,
    heeded,
    identity,
    paused,
)
from tinkex_py.types.causes import remedy
from tinkex_py.types.promises import Announced, Pending, PromiseState, Ready, Refused
from tinkex_py.wire.replies import is_bare

T = TypeVar("T")

_BACKOFF = Policy(seconds=0, first=1.0, longest=30.0)
_STARTING = 30.0
"""How long a server may not know a model that it just made."""
_BAD_REQUESTS = 3
MOMENT = 1e-6
"""Seconds by which a timer may ring early; what is left of a time then is nothing."""


class Progress(Struct):
    """When the work that is waited for last moved, on the plans' clock; shared by all promises of one client."""

    at: float = 0.0


class Waiting(Struct, frozen=True, kw_only=True):
    """What polling shares between promises: times, what counts as progress, room for large answers."""

    config: Config
    progress: Progress
    room: Gate
    billing: Billing = field(default_factory=Billing)
    backoff: Callable[[int], Plan[float]] | None = None
    """Seconds to wait before asking again after so many empty answers in a row, where the caller has a wish."""

    def left(self, begun: float, at: float) -> float:
        """Seconds that work begun then may still take: without progress, or in all."""
        return min(self.progress.at + self.config.progress_timeout, begun + self.config.promise_timeout) - at


class Ticket(Struct, frozen=True, gc=False, kw_only=True):
    """A promise that was made: what to ask for, and since when."""

    operation: str
    kind: str
    request_id: str
    endpoint: str | None = None
    """Where it was made."""
    roundtrip: float = 0.0
    fresh: bool = False
    sequence_ids: Sequence[str] = ()
    size: int | None = None
    """The bytes of the result, where they are known before it is asked for."""
    number: int = 0
    """A step's number in its run, from 1; 0 for what is no step."""


class _State(Struct):
    """Where polling one promise stands."""

    begun: float
    iteration: int = 0
    troubles: int = 0
    empty: int = 0
    pending: int = 0
    bad_requests: int = 0
    room: int | None = None
    queue: tuple[str | None, str | None] = (None, None)


def result_of(ticket: Ticket, returns: TypeForm[T], waiting: Waiting) -> Plan[T]:
    """The promise's value; RequestFailed when the work failed, DeadlineExceeded when nothing moves any more."""
    return (yield from require((yield from outcome_of(ticket, returns, waiting))))


def outcome_of(ticket: Ticket, returns: TypeForm[T], waiting: Waiting) -> Plan[Outcome[T]]:
    """As `result_of`; what went wrong is the value too."""
    begun = yield from now()
    waiting.progress.at = max(waiting.progress.at, begun)
    yield Observe(PromiseMade(operation=ticket.operation, promise=ticket.request_id))
    outcome = yield from _poll(ticket, returns, waiting, _State(begun, room=ticket.size))
    ended = yield from now()
    waiting.progress.at = ended
    error = outcome.failure() if isinstance(outcome, Failure) else None
    yield Observe(
        PromiseSettled(operation=ticket.operation, promise=ticket.request_id, elapsed=ended - begun, error=error)
    )
    return outcome


def _poll(ticket: Ticket, returns: TypeForm[T], waiting: Waiting, state: _State) -> Plan[Outcome[T]]:
    at = state.begun
    while (left := waiting.left(state.begun, at)) >= MOMENT:
        answer = yield Deadline(left, _round(ticket, returns, waiting, state, at))
        if not isinstance(answer, Expired):
            outcome: Outcome[Ready[T] | None] = scoped(answer)
            if isinstance(outcome, Failure):
                return outcome
            ready = outcome.unwrap()
            if ready is not None:
                return Success(ready.value)
        asked, at = at, (yield from now())
        if at - asked - left >= STANDSTILL:
            waiting.progress.at = at
    return Failure(stuck(ticket, waiting, at - state.begun, state.iteration))


def _round(ticket: Ticket, returns: TypeForm[T], waiting: Waiting, state: _State, at: float) -> Plan[Ready[T] | None]:
    """Ask once: the result, or None when it is right to ask again."""
    question = _question(ticket, returns, waiting, state)
    asking = question if state.room is None else within(waiting.room, state.room, question)
    outcome: Outcome[PromiseState[T]] = scoped((yield Attempt(asking)))
    match outcome:
        case Success(answer):
            if isinstance(answer, Ready):
                return answer
            yield from _carry_on(ticket, answer, waiting, state, at)
        case Failure(error):
            yield from _recover(ticket, error, waiting, state)
    return None


def _carry_on(
    ticket: Ticket, answer: Pending | Announced | Refused, waiting: Waiting, state: _State, asked: float
) -> Plan[None]:
    """What to do about a promise that isn't ready: wait, make room for it, or end here."""
    match answer:
        case Pending():
            yield from _wait(ticket, answer, waiting, state, asked)
        case Announced(size):
            yield from _make_room(size, state)
        case Refused():
            yield from halt(_failed(ticket, answer, state, (yield from now())))
        case _:
            assert_never(answer)


def _make_room(size: int, state: _State) -> Plan[None]:
    """Ask for the result itself, once there is room; a server that goes on announcing it is not asked in haste."""
    if state.room is not None:
        state.empty += 1
        yield from sleep(backoff(IMPATIENCE, state.empty))
    state.room = size


def _question(ticket: Ticket, returns: TypeForm[T], waiting: Waiting, state: _State) -> Plan[PromiseState[T]]:
    request = retrieve_future(
        ticket.request_id,
        ticket.kind,
        returns,
        iteration=state.iteration,
        roundtrip=ticket.roundtrip,
        allow_metadata_only=state.room is None,
        timeout=waiting.config.poll_timeout,
    )
    state.iteration += 1
    headers = yield from identity(request)
    outcome, _ = yield from exchange(request, headers, 1)
    return (yield from require(outcome))


def _wait(ticket: Ticket, pending: Pending, waiting: Waiting, state: _State, asked: float) -> Plan[None]:
    """Nothing yet: note what moved, and ask again at once unless the server doesn't hold questions."""
    at = yield from now()
    held = at - asked >= HELD
    if state.queue != (pending.queue_state, pending.reason):
        state.queue = (pending.queue_state, pending.reason)
        waiting.progress.at = at
    yield from observe(
        PromisePolled(
            operation=ticket.operation,
            promise=ticket.request_id,
            iteration=state.iteration,
            elapsed=at - state.begun,
            queue_state=pending.queue_state,
            reason=pending.reason,
        )
    )
    state.troubles = 0
    state.empty = 0 if held else state.empty + 1
    state.pending += 1
    wish = max(
        pending.retry_after or 0.0, 0.0 if waiting.backoff is None else (yield from waiting.backoff(state.pending))
    )
    delay = heeded(wish) if wish else (0.0 if held else backoff(IMPATIENCE, state.empty))
    if delay:
        yield from sleep(delay)


def _recover(ticket: Ticket, error: TinkerError, waiting: Waiting, state: _State) -> Plan[None]:
    """Wait before asking again, or end here when asking again can't help."""
    elapsed = (yield from now()) - state.begun
    longest = _STARTING - elapsed if isinstance(error, NotFound) else inf
    if isinstance(error, PaymentRequired):
        delay = yield from paused(ticket.operation, error, waiting.billing)
    else:
        state.troubles += 1
        passing = _passing(ticket, error, state, longest)
        delay = (yield from delay_before(_BACKOFF, state.troubles, error)) if passing else None
    if delay is None or delay >= waiting.left(state.begun, (yield from now())):
        yield from halt(after(_of_the_work(ticket, error), state.iteration, elapsed))
    else:
        yield from sleep(min(max(delay, backoff(IMPATIENCE, state.troubles)), longest))


def _passing(ticket: Ticket, error: TinkerError, state: _State, left: float) -> bool:
    """Whether asking again may help, for `left` seconds where the server doesn't know the promise yet."""
    match error:
        case ServerFault() | ConnectionFailed() | RateLimited():
            return True
        case NotFound(retry_after=wish):
            return ticket.fresh and left >= max(wish or 0.0, MOMENT)
        case BadRequest():
            state.bad_requests += 1
            return state.bad_requests <= _BAD_REQUESTS
        case _:
            return False


def _of_the_work(ticket: Ticket, error: TinkerError) -> TinkerError:
    """A refusal that tells how the work ended, in the words of the operation that was asked for.

    That of the credential tells nothing of the work: it is the question that was refused.
    """
    if not isinstance(error, StatusCause) or isinstance(error, Unauthorized):
        return error
    if ticket.request_id in error.detail or is_bare(error.detail):
        return error
    known = remedy(ticket.operation, error.status)
    return structs.replace(error, message=f"{ticket.operation}: {error.detail}{f' ({known})' if known else ''}")


def _failed(ticket: Ticket, refused: Refused, state: _State, at: float) -> RequestFailed:
    return RequestFailed(
        message=f"{ticket.operation}: the work failed on the server: {refused.message}",
        request_id=ticket.request_id,
        endpoint=ticket.endpoint,
        category=refused.category,
        attempts=state.iteration,
        elapsed=at - state.begun,
    )


def stuck(ticket: Ticket, waiting: Waiting, elapsed: float, attempts: int = 0) -> DeadlineExceeded:
    """The error of a promise for which nothing has moved for too long, or that takes too long in all."""
    return DeadlineExceeded(
        message=f"{ticket.operation}: no result after {elapsed:.0f} s; look at the server's state, or raise "
        f"Config.progress_timeout ({waiting.config.progress_timeout:g} s without progress) or "
        f"Config.promise_timeout ({waiting.config.promise_timeout:g} s in all)",
        request_id=ticket.request_id,
        endpoint=ticket.endpoint,
        attempts=attempts,
        elapsed=elapsed,
        seconds=elapsed,
    )
