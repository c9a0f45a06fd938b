"""What a plan may ask of the executor, and the plans that ask it. Pure.

A plan is a generator: it yields effects, is sent their answers, and returns its value. `yield from` is bind. A plan
that halts ends, and so does every plan around it up to an `attempt`. Scoped effects carry a plan of their own, which
the executor runs inside what the effect says; whatever happens, it closes that plan and gives back what it took.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Never, TypeAlias, TypeVar

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import TinkerError, TransportError
from tinkex_py.events import AnyEvent
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell, Gate, Queue, Turn
from tinkex_py.request import AnyRequest, Pairs, Reply

T = TypeVar("T")


class Send(Struct, frozen=True):
    """Exchange this request, with further headers, for a reply or the reason why there is none."""

    request: AnyRequest
    headers: Pairs = ()


class Sleep(Struct, frozen=True):
    """Wait this many seconds."""

    seconds: float


class Now(Struct, frozen=True):
    """The seconds on a clock that never goes back."""


class Random(Struct, frozen=True):
    """A random integer of 64 bits."""


class Observe(Struct, frozen=True):
    """Tell the observers."""

    event: AnyEvent


class Compute(Struct, frozen=True):
    """Call a function away from the runtime's own thread; an exception comes back as its text."""

    function: Callable[[], None]


class Halt(Struct, frozen=True):
    """End the plan with this error; never answered."""

    error: TinkerError


class Await(Struct, frozen=True):
    """Wait until the cell is filled."""

    cell: Cell[Any]


class Together(Struct, frozen=True):
    """Run all of these at the same time until all have ended."""

    plans: tuple[Plan[None], ...]


class Spawn(Struct, frozen=True):
    """Run this in the background until it ends or the client closes; if it leaves `owed` empty, that is spoiled."""

    plan: Plan[None]
    owed: Cell[Any] | None = None


class Deadline(Struct, frozen=True):
    """Run this for so many seconds at most."""

    seconds: float
    plan: Plan[None]


class Within(Struct, frozen=True):
    """Run this while holding `cost` of the gate."""

    gate: Gate
    cost: float
    plan: Plan[None]


class InTurn(Struct, frozen=True):
    """Run the plan made for a place in the queue, holding the place until the plan has ended."""

    queue: Queue
    plan: Callable[[Turn], Plan[None]]


class Shield(Struct, frozen=True):
    """Run this to its end even if whoever waits for it is stopped."""

    plan: Plan[None]


class Expired(Struct, frozen=True):
    """A deadline's answer when the time was over; `seconds` is the time there was."""

    seconds: float


class Raised(Struct, frozen=True):
    """The answer of a computation that raised; `reason` is the exception's type and text."""

    reason: str


class Unready(Struct, frozen=True):
    """The answer of a request that was not sent, because the client itself could not be made ready for it."""

    error: TinkerError


Scoped: TypeAlias = "Deadline | Within | InTurn | Shield"
Effect: TypeAlias = "Send | Sleep | Now | Random | Observe | Compute | Halt | Await | Together | Spawn | Scoped"
Answer: TypeAlias = "Reply | TransportError | Unready | Expired | Raised | float | int | None"
Plan: TypeAlias = "Generator[Effect, Answer, T]"


def halt(error: TinkerError) -> Plan[Never]:
    """End here with this error."""
    yield Halt(error)
    raise AssertionError("a halted plan is never resumed")


def require(outcome: Outcome[T]) -> Plan[T]:
    """The value, or end here with the error."""
    match outcome:
        case Success(value):
            return value
        case Failure(error):
            return (yield from halt(error))


def attempt(plan: Plan[T]) -> Plan[Outcome[T]]:
    """The plan's outcome instead of its value: a halt inside ends here."""
    answer: Answer = None
    try:
        while True:
            try:
                effect = plan.send(answer)
            except StopIteration as stop:
                return Success(stop.value)
            if isinstance(effect, Halt):
                return Failure(effect.error)
            answer = yield effect
    finally:
        plan.close()


def pure(value: T) -> Plan[T]:
    """The value, with no effect."""
    yield from ()
    return value


def send(request: AnyRequest, headers: Pairs = ()) -> Plan[Reply | TransportError]:
    """One exchange."""
    match (yield Send(request, headers)):
        case Unready(error):
            return (yield from halt(error))
        case None | float() | int() | Expired() | Raised() as answer:
            raise _unexpected("Send", answer)
        case answer:
            return answer


def sleep(seconds: float) -> Plan[None]:
    """Wait this many seconds."""
    yield Sleep(seconds)


def now() -> Plan[float]:
    """The seconds on a clock that never goes back."""
    match (yield Now()):
        case float(seconds):
            return seconds
        case answer:
            raise _unexpected("Now", answer)


def random_bits() -> Plan[int]:
    """A random integer of 64 bits."""
    match (yield Random()):
        case int(bits):
            return bits
        case answer:
            raise _unexpected("Random", answer)


def observe(event: AnyEvent) -> Plan[None]:
    """Tell the observers."""
    yield Observe(event)


def compute(function: Callable[[], T]) -> Plan[Outcome[T, str]]:
    """Call the function away from the runtime's thread: its value, or the text of its exception."""
    results: list[T] = []
    match (yield Compute(lambda: results.append(function()))):
        case Raised(reason):
            return Failure(reason)
        case _:
            return Success(results[0])


def wait_for(cell: Cell[T]) -> Plan[T]:
    """What the cell is filled with."""
    if not cell.filled:
        yield Await(cell)
    return cell.values[0]


def together(plans: Sequence[Plan[T]]) -> Plan[tuple[Outcome[T], ...]]:
    """The outcomes of all plans, run at the same time."""
    results: dict[int, Outcome[T]] = {}

    def keep(index: int, plan: Plan[T]) -> Plan[None]:
        results[index] = yield from attempt(plan)

    yield Together(tuple(keep(index, plan) for index, plan in enumerate(plans)))
    return tuple(results[index] for index in range(len(plans)))


def spawn(plan: Plan[None], owed: Cell[Any] | None = None) -> Plan[None]:
    """Run this in the background; this plan goes on at once.

    `owed` is the cell that it has to fill: a bug that keeps it from doing so is raised where the cell is waited for.
    """
    yield Spawn(plan, owed)


def deadline(seconds: float, plan: Plan[T], expired: Callable[[float], TinkerError]) -> Plan[T]:
    """The plan's value, or the error made when `seconds` are over: calls under way inside are cut."""
    results: list[Outcome[T]] = []
    match (yield Deadline(seconds, _kept(plan, results))):
        case Expired(allowed):
            return (yield from halt(expired(allowed)))
        case _:
            return (yield from require(results[0]))


def within(gate: Gate, cost: float, plan: Plan[T]) -> Plan[T]:
    """The plan's value; it starts when the gate has `cost` to give, which is given back when it ends."""
    results: list[Outcome[T]] = []
    yield Within(gate, cost, _kept(plan, results))
    return (yield from require(results[0]))


def in_turn(queue: Queue, plan: Callable[[Turn], Plan[T]]) -> Plan[T]:
    """The value of the plan made for a place in the queue; inside, `wait_for(turn.ready)` waits for the place."""
    results: list[Outcome[T]] = []
    yield InTurn(queue, lambda turn: _kept(plan(turn), results))
    return (yield from require(results[0]))


def shield(plan: Plan[T]) -> Plan[T]:
    """The plan's value; it runs to its end even when this plan is closed."""
    results: list[Outcome[T]] = []
    yield Shield(_kept(plan, results))
    return (yield from require(results[0]))


def _kept(plan: Plan[T], results: list[Outcome[T]]) -> Plan[None]:
    results.append((yield from attempt(plan)))


def _unexpected(effect: str, answer: Answer) -> AssertionError:
    return AssertionError(f"{effect} was answered with {answer!r}")
