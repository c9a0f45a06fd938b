"""A circuit breaker: after failures in a row nothing is sent for a while, then one operation tries. Pure.

That it is answered is enough: what it asks for may take the server hours.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import (
    CircuitOpen,
    ConnectionFailed,
    DeadlineExceeded,
    RequestCause,
    RequestTimedOut,
    ServerFault,
)
from tinkex_py.events import CircuitChanged
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, attempt, halt, now, observe, require
from tinkex_py.plans.trouble import Trouble

T = TypeVar("T")

_BLAMED = (ConnectionFailed, DeadlineExceeded, RequestTimedOut, ServerFault)
"""Failures that say that the server is not well; every other outcome of a request says that it is there."""
_SOON = 1.0
"""Seconds after which to ask again while one operation tries: nobody knows how long it will."""


class Circuit(Struct, kw_only=True):
    """Closed while `opened` is None. It opens after `failures` operations in a row that failed by the server, and lets
    one operation try `reset` seconds later, whose trouble is `trying`; 0 failures means that it never opens.
    """

    failures: int
    reset: float
    failed: int = 0
    opened: float | None = None
    trying: Trouble | None = None


def guarded(circuit: Circuit, plan: Plan[T], own: Trouble) -> Plan[T]:
    """The plan's value; CircuitOpen, with nothing sent, while the circuit is open.

    The outcome counts if the plan, whose `own` trouble is noted, sent something, and did not fail on this side.
    """
    if circuit.opened is not None:
        yield from _admit(circuit, circuit.opened, own)
    try:
        outcome = yield from attempt(plan)
    finally:
        if circuit.trying is own:
            circuit.trying = None
    if own.sent and _tells(outcome):
        yield from _note(circuit, blamed=isinstance(outcome, Failure) and isinstance(outcome.failure(), _BLAMED))
    return (yield from require(outcome))


def _admit(circuit: Circuit, opened: float, own: Trouble) -> Plan[None]:
    if circuit.trying is not None and circuit.trying.answered:
        yield from _note(circuit, blamed=False)
        return
    left = opened + circuit.reset - (yield from now())
    if left > 0 or circuit.trying is not None:
        wait = max(left, _SOON)
        yield from halt(
            CircuitOpen(
                message=f"nothing is sent, because {circuit.failed} operations in a row failed; try again in "
                f"{wait:.0f} s, or raise Config.circuit_failures",
                retry_after=wait,
            )
        )
    circuit.trying = own


def _tells(outcome: Outcome[T]) -> bool:
    """Whether it says anything of the server."""
    return isinstance(outcome, Success) or isinstance(outcome.failure(), RequestCause)


def _note(circuit: Circuit, *, blamed: bool) -> Plan[None]:
    was_open = circuit.opened is not None
    if blamed:
        circuit.failed += 1
        if circuit.failed >= circuit.failures:
            circuit.opened = yield from now()
    else:
        circuit.failed, circuit.opened, circuit.trying = 0, None, None
    is_open = circuit.opened is not None
    if is_open != was_open:
        yield from observe(CircuitChanged(open=is_open, failures=circuit.failed))
