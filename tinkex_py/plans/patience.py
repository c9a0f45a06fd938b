"""How long to wait between two questions for a promise's result, where the caller has a wish. Pure."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Literal, TypeAlias

from returns.result import Failure, Success

from tinkex_py.errors import CallbackFailed, InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, compute, halt, pure
from tinkex_py.plans.retry import Policy, backoff
from tinkex_py.types.kinds import is_row, one_of
from tinkex_py.types.limits import refused

PollBackoff: TypeAlias = Literal["none", "exponential"] | tuple[float, float] | Callable[[int], float]
"""`none` asks again at once, `exponential` waits 1 s doubled up to 30 s, `(first, longest)` are other seconds, and a
function is given how often in a row there was no result, and returns seconds."""

Patience: TypeAlias = "Callable[[int], Plan[float]] | None"

_EXPONENTIAL = (1.0, 30.0)
_is_none, _is_exponential = one_of("none"), one_of("exponential")


def patience(chosen: PollBackoff) -> Outcome[Patience, InvalidInput]:
    """The wish as a function, from the number of empty answers in a row to a plan of the seconds to wait."""
    if _is_none(chosen):
        return Success(None)
    if callable(chosen):
        return Success(lambda count: _called(chosen, count))
    pair = chosen if is_row(chosen) else _EXPONENTIAL if _is_exponential(chosen) else ()  # arrays match as pairs do
    match pair:
        case (float() | int() as first, float() | int() as longest) if 0 < first <= longest < inf:
            policy = Policy(seconds=inf, first=first, longest=longest)
            return Success(lambda count: pure(backoff(policy, count)))
        case _:
            remedy = "give 'none', 'exponential', (first, longest) in seconds, or a function of the number of questions"
            return Failure(refused("poll_backoff", chosen, remedy))


def _called(function: Callable[[int], float], count: int) -> Plan[float]:
    outcome = yield from compute(lambda: float(function(count)))
    seconds = outcome.value_or(nan)
    if 0 <= seconds < inf:
        return seconds
    reason = outcome.failure() if isinstance(outcome, Failure) else f"it returned {seconds}, which is no time to wait"
    message = f"poll_backoff: {reason}; return a number of seconds, 0 or more"
    return (yield from halt(CallbackFailed(message=message, callback="poll_backoff", reason=reason)))
