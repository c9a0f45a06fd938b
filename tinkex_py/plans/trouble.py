"""What went wrong last inside a plan, for whoever ends it before it ends by itself. Pure."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from msgspec import Struct

from tinkex_py.errors import TinkerError
from tinkex_py.events import ReplyReceived, RetryScheduled
from tinkex_py.plans.effects import Answer, Await, Effect, Now, Observe, Plan, Random, Send, Sleep
from tinkex_py.plans.handling import handled

T = TypeVar("T")

_REFUSALS = 400
_QUIET = frozenset({Await, Now, Random, Send, Sleep})
"""Effects that tell nothing of trouble."""
_ASIDE = frozenset({"session_heartbeat", "send_telemetry"})
"""Requests that nobody waits for: that they are answered says nothing about those that somebody waits for."""


class Trouble(Struct):
    """Why the last request is going to be repeated; None when it was answered."""

    last: TinkerError | None = None


def noting(plan: Plan[T], trouble: Trouble) -> Plan[T]:
    """The plan's value; what goes wrong in it, and in what it starts, is noted as it is told to observers."""
    return handled(plan, partial(_noted, trouble), _QUIET)


def _noted(trouble: Trouble, effect: Effect) -> Plan[Answer]:
    match effect:
        case Observe(RetryScheduled(error=error)):
            trouble.last = error
        case Observe(ReplyReceived(status=status, operation=operation)) if (
            status < _REFUSALS and operation not in _ASIDE
        ):
            trouble.last = None
        case _:
            pass
    return (yield effect)
