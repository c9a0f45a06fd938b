"""What a plan may ask of the executor, and the plans that ask it. Pure.

A plan is a generator: it yields effects, is sent their answers, and returns its value. `yield from` is bind. A plan
that halts ends, and so does every plan around it up to an `attempt`. Scoped effects carry a plan of their own, which
the executor runs inside what the effect says, and whose outcome is the answer; whatever happens, it closes that plan
and gives back what it took.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from inspect import GEN_CREATED, getgeneratorstate
from types import GeneratorType
from typing import Any, Never, TypeAlias, TypeVar

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import ConnectionFailed, RedirectRefused, ResponseTooLarge, TinkerError, TransportError
from tinkex_py.events import AnyEvent
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell, Gate, Queue, Turn
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.types.kinds import is_duration
from tinkex_py.types.raised import shortened

T = TypeVar("T")


class Send(Struct, frozen=True, gc=False):
    """Exchange this request, with further headers, for a reply or the reason why there is none."""

    request: AnyRequest
    headers: Pairs = ()


class Sleep(Struct, frozen=True, gc=False):
    """Wait this many seconds."""

    seconds: float

    def __post_init__(self) -> None:
        _judge(self.seconds)


class Now(Struct, frozen=True, gc=False):
    """The seconds on a clock that never goes back."""


class Random(Struct, frozen=True, gc=False):
    """A random integer of 64 bits."""


class Observe(Struct, frozen=True, gc=False):
    """Tell the observers."""

    event: AnyEvent


class Compute(Struct, frozen=True, gc=False):
    """Call a function away from the runtime's own thread; what it raises comes back as its text.

    One that is `foreign`, a caller's own or a library's, may take any time, and holds up no other.
    """

    function: Callable[[], None]
    foreign: bool = False


class Halt(Struct, frozen=True, gc=False):
    """End the plan with this error; never answered."""

    error: TinkerError


class Await(Struct, frozen=True, gc=False):
    """Wait until the cell is filled."""

    cell: Cell[Any]


class Together(Struct, frozen=True, gc=False):
    """Run all of these at the same time until all have ended; answered with their outcomes."""

    plans: tuple[Plan[Any], ...]


class Spawn(Struct, frozen=True, gc=False):
    """Run this in the background until it ends or the client closes; if it leaves `owed` empty, that is spoiled."""

    plan: Plan[None]
    owed: Cell[Any] | None = None


class Attempt(Struct, frozen=True, gc=False):
    """Run this; a halt inside ends it and nothing else."""

    plan: Plan[Any]


class Deadline(Struct, frozen=True, gc=False):
    """Run this for so many seconds at most."""

    seconds: float
    plan: Plan[Any]

    def __post_init__(self) -> None:
        _judge(self.seconds)


class Within(Struct, frozen=True, gc=False):
    """Run this while holding `cost` of the gate."""

    gate: Gate
    cost: float
    plan: Plan[Any]


class InTurn(Struct, frozen=True, gc=False):
    """Run the plan made for a place in the queue, holding the place until the plan has ended."""

    queue: Queue
    plan: Callable[[Turn], Plan[Any]]


class Shield(Struct, frozen=True, gc=False):
    """Run this to its end even if whoever waits for it is stopped."""

    plan: Plan[Any]


class Expired(Struct, frozen=True, gc=False):
    """A deadline's answer when the time was over; `seconds` is the time there was."""

    seconds: float


class Raised(Struct, frozen=True, gc=False):
    """The answer of a computation that raised; `reason` is the exception's type and text."""

    reason: str


class Unready(Struct, frozen=True, gc=False):
    """The answer of a request that was not sent, because the client itself could not be made ready for it."""

    error: TinkerError


Scoped: TypeAlias = Attempt | Deadline | Within | InTurn
Effect: TypeAlias = Send | Sleep | Now | Random | Observe | Compute | Halt | Await | Together | Spawn | Shield | Scoped
Outcomes: TypeAlias = tuple[Outcome[Any], ...]
Answer: TypeAlias = Reply | TransportError | Unready | Expired | Raised | Outcome[Any] | Outcomes | float | int | None
Plan: TypeAlias = Generator[Effect, Answer, T]

_NOW = Now()
_RANDOM = Random()


def halt(error: TinkerError) -> Plan[Never]:
    """End here with this error."""
    yield Halt(error)
    raise AssertionError("a halted plan is never resumed")


def require(outcome: Outcome[T]) -> Plan[T]:
    """The value, or end here with the error."""
    if isinstance(outcome, Failure):
        yield Halt(outcome.failure())
    return outcome.unwrap()


def attempt(plan: Plan[T]) -> Plan[Outcome[T]]:
    """The plan's outcome instead of its value: a halt inside ends here."""
    return scoped((yield Attempt(_unbegun(plan))))


def pure(value: T) -> Plan[T]:
    """The value, with no effect."""
    yield from ()
    return value


def send(request: AnyRequest, headers: Pairs = ()) -> Plan[Reply | TransportError]:
    """One exchange."""
    return (yield from arrived((yield Send(request, headers))))


def arrived(answer: Answer) -> Plan[Reply | TransportError]:
    """What an exchange was answered with; a client that can't be made ready for it ends here."""
    if isinstance(answer, Unready):
        yield Halt(answer.error)
    if isinstance(answer, (Reply, ConnectionFailed, RedirectRefused, ResponseTooLarge)):
        return answer
    raise _unexpected("Send", answer)


def sleep(seconds: float) -> Plan[None]:
    """Wait this many seconds."""
    yield Sleep(seconds)


def now() -> Plan[float]:
    """The seconds on a clock that never goes back."""
    answer = yield _NOW
    if isinstance(answer, float):
        return answer
    raise _unexpected("Now", answer)


def random_bits() -> Plan[int]:
    """A random integer of 64 bits."""
    answer = yield _RANDOM
    if isinstance(answer, int):
        return answer
    raise _unexpected("Random", answer)


def observe(event: AnyEvent) -> Plan[None]:
    """Tell the observers."""
    yield Observe(event)


def compute(function: Callable[[], T], *, foreign: bool = True) -> Plan[Outcome[T, str]]:
    """Call the function away from the runtime's thread: its value, or the text of what it raised."""
    results: list[T] = []
    match (yield Compute(lambda: results.append(function()), foreign)):
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
    anew = tuple(map(_unbegun, plans))
    if len(set(map(id, anew))) < len(anew):
        raise _begun(max(anew, key=anew.count))
    answer = yield Together(anew)
    if isinstance(answer, tuple):
        return answer
    raise _unexpected("Together", answer)


def spawn(plan: Plan[None], owed: Cell[Any] | None = None) -> Plan[None]:
    """Run this in the background; this plan goes on at once.

    `owed` is the cell that it has to fill: a bug that keeps it from doing so is raised where the cell is waited for.
    """
    yield Spawn(_unbegun(plan), owed)


def deadline(seconds: float, plan: Plan[T], expired: Callable[[float], TinkerError]) -> Plan[T]:
    """The plan's value, or the error made when `seconds` are over: calls under way inside are cut."""
    answer = yield Deadline(seconds, _unbegun(plan))
    if isinstance(answer, Expired):
        yield Halt(expired(answer.seconds))
    outcome: Outcome[T] = scoped(answer)
    return (yield from require(outcome))


def within(gate: Gate, cost: float, plan: Plan[T]) -> Plan[T]:
    """The plan's value; it starts when the gate has `cost` to give, which is given back when it ends."""
    outcome: Outcome[T] = scoped((yield Within(gate, cost, _unbegun(plan))))
    return (yield from require(outcome))


def in_turn(queue: Queue, plan: Callable[[Turn], Plan[T]]) -> Plan[T]:
    """The value of the plan made for a place in the queue; inside, `wait_for(turn.ready)` waits for the place."""
    outcome: Outcome[T] = scoped((yield InTurn(queue, plan)))
    return (yield from require(outcome))


def shield(plan: Plan[T]) -> Plan[T]:
    """The plan's value; it runs to its end even when this plan is closed."""
    outcome: Outcome[T] = scoped((yield Shield(_unbegun(plan))))
    return (yield from require(outcome))


def scoped(answer: Answer) -> Outcome[Any]:
    """What a scoped effect was answered with, for plans that yield the effect itself.

    Thousands of samples wait at once, and each generator between them and what they wait for is one more object that
    Python's collector looks through again and again. So plans on their way yield `Attempt(plan)` where others say
    `yield from attempt(plan)`, which is the same and reads better.
    """
    if isinstance(answer, (Success, Failure)):
        return answer
    raise _unexpected("a scope", answer)


def no_effect(yielded: object) -> TypeError:
    """What a plan is told that yields something else than an effect."""
    shown = shortened(yielded)
    way = "write `yield from` before a plan" if isinstance(yielded, Generator) else "see tinkex_py.plans.effects"
    return TypeError(f"a plan yielded {shown}, which is no effect: {way}")


def has_begun(plan: object) -> bool:
    """Whether only the rest of a plan would run, which ends with another value than the plan's."""
    given: Any = plan
    return isinstance(plan, GeneratorType) and getgeneratorstate(given) != GEN_CREATED


def _unbegun(plan: Plan[T]) -> Plan[T]:
    """The plan itself, which runs once."""
    given: Any = plan
    if not isinstance(given, (GeneratorType, Generator)):  # nearly all are of the first kind, which is told sooner
        raise TypeError(f"{shortened(given)} is no plan: call the function that makes one")
    if has_begun(plan):
        raise _begun(plan)
    return plan


def _begun(plan: object) -> RuntimeError:
    named = getattr(plan, "__qualname__", type(plan).__qualname__)
    return RuntimeError(f"the plan {named} has begun already, and a plan runs once: make it anew")


def _judge(seconds: object) -> None:
    """A clock that waits for NaN is out of order for everybody."""
    if not is_duration(seconds):
        raise TypeError(f"the time is {shortened(seconds)}: give a number of seconds")


def _unexpected(effect: str, answer: Answer) -> AssertionError:
    return AssertionError(f"{effect} was answered with {answer!r}")
