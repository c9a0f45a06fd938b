"""A plan under way with those that run inside it, and the time that each of them has."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any

from msgspec import Struct

from tinkex_py.plans.cells import Cell, Turn
from tinkex_py.plans.effects import Attempt, Deadline, Effect, Expired, InTurn, Plan, Within


class Scope(Struct, gc=False, eq=False):
    """A plan, what it holds of the gate or the queue of its effect, and until when it may run, `seconds` in all.

    Thousands are alive at once, so the collector of cycles, in which they have no part, is not told of them.
    """

    plan: Plan[Any]
    effect: Effect | None = None
    held: Cell[None] | Turn | None = None
    until: float = inf
    seconds: float = inf

    def end(self) -> None:
        """Close the plan, and give back what it held."""
        try:
            self.plan.close()
        finally:
            if isinstance(self.effect, Within) and isinstance(self.held, Cell):
                self.effect.gate.leave(self.effect.cost, self.held)
            elif isinstance(self.effect, InTurn) and isinstance(self.held, Turn):
                self.effect.queue.leave(self.held)


def _entered(effect: Effect) -> Scope:
    """The scope that an effect asks for."""
    match effect:
        case Attempt(plan):
            return Scope(plan)
        case Deadline(seconds, plan):
            return Scope(plan, until=asyncio.get_running_loop().time() + seconds, seconds=seconds)
        case Within(gate, cost, plan):
            return Scope(plan, effect, gate.enter(cost))
        case InTurn(queue, plan_for):
            turn = queue.enter()
            return Scope(plan_for(turn), effect, turn)
        case _:
            raise AssertionError(f"{effect} has no plan that runs inside it")


class Strand:
    """Scopes, innermost last, and one alarm for whichever of their deadlines comes first.

    When the alarm rings the task is cancelled, as `asyncio.timeout` does it; whoever catches that asks `cut`. An alarm
    that turns out to be early, since its scope has ended, is set anew: that is cheaper than stopping each.
    """

    __slots__ = ("_alarm", "_cancelling", "_late", "_rings", "_task", "plan", "scopes")

    def __init__(self, plan: Plan[Any]) -> None:
        self.plan = plan
        self.scopes = [Scope(plan)]
        self._alarm: asyncio.TimerHandle | None = None
        self._rings = inf
        self._late: Scope | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0

    def enter(self, effect: Effect) -> Cell[None] | None:
        """Go on with the effect's plan, once the cell is filled if there is one."""
        scope = _entered(effect)
        self.scopes.append(scope)
        self.plan = scope.plan
        if scope.until < self._rings:
            self._remember_task()
            self._set_alarm(scope.until)
        return scope.held if isinstance(scope.held, Cell) and not scope.held.filled else None

    def leave(self) -> bool:
        """End the innermost plan, and go on with the one around it if there is one."""
        self.scopes.pop().end()
        if self.scopes:
            self.plan = self.scopes[-1].plan
        return bool(self.scopes)

    @property
    def interrupted(self) -> bool:
        """Whether the alarm has rung."""
        return self._late is not None

    def cut(self) -> Expired:
        """The answer for the plan around the one whose time is over, which goes on.

        CancelledError when the task was cancelled not only by the alarm, but by somebody else as well.
        """
        late, self._late = self._late, None
        if late is None or self._task is None or self._task.uncancel() > self._cancelling:
            raise asyncio.CancelledError
        self._end(self.scopes.index(late))
        self.plan = self.scopes[-1].plan
        self._set_alarm(min(scope.until for scope in self.scopes))
        return Expired(late.seconds)

    def close(self) -> None:
        """End all plans, from the innermost on, and the alarm."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._end(0)

    def _end(self, depth: int) -> None:
        """Leave that many; whatever one of them raises, the others are ended too."""
        if len(self.scopes) > depth:
            try:
                self.scopes.pop().end()
            finally:
                self._end(depth)

    def _remember_task(self) -> None:
        """The task that the alarm cancels, and how often somebody else has already done so."""
        if self._task is None and (task := asyncio.current_task()) is not None:
            self._task, self._cancelling = task, task.cancelling()

    def _set_alarm(self, until: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._rings = until
        if until < inf:
            self._alarm = asyncio.get_running_loop().call_at(until, self._ring)

    def _ring(self) -> None:
        when, self._alarm, self._rings = self._rings, None, inf
        self._late = next((scope for scope in self.scopes if scope.until <= when), None)
        if self._late is None:
            self._set_alarm(min((scope.until for scope in self.scopes), default=inf))
        elif self._task is not None:
            self._task.cancel()
