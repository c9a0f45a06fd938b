"""What went wrong last inside a plan, for whoever ends it before it ends by itself. Pure."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct, structs

from tinkex_py.errors import TinkerError
from tinkex_py.events import ReplyReceived, RetryScheduled
from tinkex_py.plans.effects import (
    Answer,
    Deadline,
    Effect,
    InTurn,
    Observe,
    Plan,
    Shield,
    Spawn,
    Together,
    Within,
)

T = TypeVar("T")

_REFUSALS = 400
_ASIDE = frozenset({"session_heartbeat", "send_telemetry"})
"""Requests that nobody waits for: that they are answered says nothing about those that somebody waits for."""


class Trouble(Struct):
    """Why the last request is going to be repeated; None when it was answered."""

    last: TinkerError | None = None


def noting(plan: Plan[T], trouble: Trouble) -> Plan[T]:
    """The plan's value; what goes wrong in it, and in what it starts, is noted as it is told to observers."""
    answer: Answer = None
    try:
        while True:
            try:
                effect = plan.send(answer)
            except StopIteration as stop:
                value: T = stop.value
                return value
            answer = yield _noted(effect, trouble)
    finally:
        plan.close()


def _noted(effect: Effect, trouble: Trouble) -> Effect:
    match effect:
        case Observe(RetryScheduled(error=error)):
            trouble.last = error
        case Observe(ReplyReceived(status=status, operation=operation)) if (
            status < _REFUSALS and operation not in _ASIDE
        ):
            trouble.last = None
        case Deadline() | Within() | Shield() | Spawn():
            return structs.replace(effect, plan=noting(effect.plan, trouble))
        case Together(plans):
            return Together(tuple(noting(plan, trouble) for plan in plans))
        case InTurn(queue, plan_for):
            return InTurn(queue, lambda turn: noting(plan_for(turn), trouble))
        case _:
            pass
    return effect
