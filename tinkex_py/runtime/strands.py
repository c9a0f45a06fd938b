"""A plan under way with those that run inside it, and the time that each of them has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, TypeAlias

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell, Turn
from tinkex_py.plans.effects import (
    Answer,
    Attempt,
    Await,
    Deadline,
    Effect,
    Expired,
    Halt,
    InTurn,
    Plan,
    Within,
    no_effect,
)


class Scope(Struct, gc=False, eq=False):
    """A plan that runs inside another: what it `held` by its effect, a place at a gate or in a queue, and its deadline.

    It may run for `seconds`, which is until `until`. Thousands are alive at once and none is part of a reference
    cycle, so Python's garbage collector doesn't track them.
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
            if self.held is not None:
                self._give_back()

    def _give_back(self) -> None:
        if isinstance(self.effect, Within) and isinstance(self.held, Cell):
            self.effect.gate.leave(self.effect.cost, self.held)
        elif isinstance(self.effect, InTurn) and isinstance(self.held, Turn):
            self.effect.queue.leave(self.held)


def _timed(effect: Deadline) -> Scope:
    until = asyncio.get_running_loop().time() + effect.seconds
    return Scope(effect.plan, until=until, seconds=effect.seconds)


def _admitted(effect: Within) -> Scope:
    return Scope(effect.plan, effect, effect.gate.enter(effect.cost))


def _queued(effect: InTurn) -> Scope:
    turn = effect.queue.enter()
    return Scope(effect.plan(turn), effect, turn)


_NEAR = 60.0
"""Seconds: an alarm that is further off has no timer yet."""
_LOOKS = 30.0
"""Seconds between two looks at the alarms that are far."""
_SCOPES: dict[type, Callable[[Any], Scope]] = {
    Attempt: lambda effect: Scope(effect.plan),
    Deadline: _timed,
    Within: _admitted,
    InTurn: _queued,
}
"""The scopes that effects ask for."""


class Calendar:
    """Alarms that are far off, as most are: one timer looks after them all, and each gets its own when it is near."""

    def __init__(self) -> None:
        self._far: set[Strand] = set()
        self._looking: asyncio.TimerHandle | None = None

    def note(self, strand: Strand) -> None:
        """See to it that the strand's alarm rings."""
        loop = asyncio.get_running_loop()
        if strand.rings - loop.time() < _NEAR:
            strand.set_timer()
        else:
            self._far.add(strand)
            self._looking = self._looking or loop.call_later(_LOOKS, self._look)

    def forget(self, strand: Strand) -> None:
        """The strand's alarm is not to ring."""
        self._far.discard(strand)

    def _look(self) -> None:
        self._looking = None
        far, self._far = self._far, set()
        for strand in far:
            self.note(strand)


AtOnce: TypeAlias = "Mapping[type, Callable[[Any], Answer]]"
"""How effects are answered that need no waiting, by their kinds."""


class Strand:
    """Scopes, innermost last, and one alarm for whichever of their deadlines comes first.

    When the alarm rings the task is cancelled, as `asyncio.timeout` does it; whoever catches that asks `cut`. An alarm
    that turns out to be early, since its scope has ended, is set anew: that is cheaper than stopping each.
    """

    __slots__ = (
        "_alarm",
        "_at_once",
        "_calendar",
        "_cancelling",
        "_late",
        "_scopes",
        "_task",
        "outcome",
        "plan",
        "rings",
    )

    def __init__(self, plan: Plan[Any], at_once: AtOnce, calendar: Calendar) -> None:
        self.plan = plan
        self._at_once = at_once
        self.outcome: Outcome[Any]
        self._scopes = [Scope(plan)]
        self._alarm: asyncio.TimerHandle | None = None
        self.rings = inf
        self._calendar = calendar
        self._late: Scope | None = None
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0

    def asks(self, answer: Answer) -> Effect | None:
        """Go on with that answer to the next effect that has to be waited for; None when there is an outcome."""
        at_once, plan = self._at_once.get, self.plan
        while True:
            try:
                effect = plan.send(answer)
            except StopIteration as stop:
                answer = Success(stop.value)
            else:
                kind = type(effect)
                answered = at_once(kind)
                if answered is not None:
                    answer = answered(effect)
                    continue
                entered = _SCOPES.get(kind)
                if entered is not None:
                    ready = self._enter(entered(effect))
                    if ready is not None:
                        return Await(ready)
                    answer, plan = None, self.plan
                    continue
                if not isinstance(effect, Halt):
                    if effect is None:  # pyright: ignore[reportUnnecessaryComparison] - not by its type, but it happens
                        raise no_effect(effect)
                    return effect
                answer = Failure(effect.error)
            if not self._leave():
                self.outcome = answer
                return None
            plan = self.plan

    @property
    def interrupted(self) -> bool:
        """Whether the alarm has rung."""
        return self._late is not None

    def cut(self) -> Expired:
        """End the plan whose time is over, and return the answer for the plan around it, which goes on.

        CancelledError when the task was cancelled not only by the alarm, but by somebody else as well.
        """
        late, self._late = self._late, None
        if late is None or self._task is None or self._task.uncancel() > self._cancelling:
            raise asyncio.CancelledError
        self._end(self._scopes.index(late))
        self.plan = self._scopes[-1].plan
        self._set_alarm(min(scope.until for scope in self._scopes))
        return Expired(late.seconds)

    def close(self) -> None:
        """End all plans, from the innermost on, and the alarm."""
        self._unset_alarm()
        self._end(0)

    def _enter(self, scope: Scope) -> Cell[None] | None:
        """Go on with the scope's plan, once the cell is filled if there is one."""
        self._scopes.append(scope)
        self.plan = scope.plan
        if scope.until < self.rings:
            self._remember_task()
            self._set_alarm(scope.until)
        held = scope.held
        return held if isinstance(held, Cell) and not held.filled else None

    def _leave(self) -> bool:
        """End the innermost plan, and go on with the one around it if there is one."""
        scopes = self._scopes
        scopes.pop().end()
        if not scopes:
            return False
        self.plan = scopes[-1].plan
        return True

    def _end(self, depth: int) -> None:
        """End all scopes but the `depth` outermost; whatever one of them raises, the others are ended too."""
        if len(self._scopes) > depth:
            try:
                self._scopes.pop().end()
            finally:
                self._end(depth)

    def _remember_task(self) -> None:
        """The task that the alarm cancels, and how often somebody else has already done so."""
        if self._task is None and (task := asyncio.current_task()) is not None:
            self._task, self._cancelling = task, task.cancelling()

    def set_timer(self) -> None:
        """Have the alarm ring when it is due."""
        self._alarm = asyncio.get_running_loop().call_at(self.rings, self._ring)

    def _set_alarm(self, until: float) -> None:
        self._unset_alarm()
        self.rings = until
        if until < inf:
            self._calendar.note(self)

    def _unset_alarm(self) -> None:
        if self._alarm is None:
            self._calendar.forget(self)
        else:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        when, self._alarm, self.rings = self.rings, None, inf
        self._late = next((scope for scope in self._scopes if scope.until <= when), None)
        if self._late is None:
            self._set_alarm(min((scope.until for scope in self._scopes), default=inf))
        elif self._task is not None:
            self._task.cancel()
