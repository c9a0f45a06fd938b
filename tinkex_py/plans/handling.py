"""Plans whose effects, and those of the plans inside them, go through a function of somebody else. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from msgspec import structs

from tinkex_py.plans.effects import Answer, Attempt, Deadline, Effect, InTurn, Plan, Shield, Spawn, Together, Within

T = TypeVar("T")

Handler: TypeAlias = "Callable[[Effect], Plan[Answer]]"
"""What becomes of an effect: it is yielded, or something else is, and there is an answer to it."""


def handled(plan: Plan[T], handler: Handler) -> Plan[T]:
    """The plan's value; the handler finds the answer to each effect of it, and of what it starts."""
    answer: Answer = None
    try:
        while True:
            try:
                effect = plan.send(answer)
            except StopIteration as stop:
                value: T = stop.value
                return value
            answer = yield from handler(_inside(effect, handler))
    finally:
        plan.close()


def _inside(effect: Effect, handler: Handler) -> Effect:
    match effect:
        case Attempt() | Deadline() | Within() | Shield() | Spawn():
            return structs.replace(effect, plan=handled(effect.plan, handler))
        case Together(plans):
            return Together(tuple(handled(plan, handler) for plan in plans))
        case InTurn(queue, plan_for):
            return InTurn(queue, lambda turn: handled(plan_for(turn), handler))
        case _:
            return effect
