"""Samples on their way to the server: so many, so large, and slower while it asks for that. Pure.

Places are given first come, first served, so a large prompt waits its turn and no longer. A place is held during the
submission only.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Literal, TypeVar

from msgspec import Struct, field
from returns.result import Failure

from tinkex_py.errors import PaymentRequired, RateLimited, TinkerError
from tinkex_py.events import Paused
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Gate
from tinkex_py.plans.effects import Plan, Within, halt, now, observe, scoped, sleep, within
from tinkex_py.plans.retry import Billing

T = TypeVar("T")


class Dispatch(Struct, kw_only=True):
    """What the samplers of one client share: places, bytes, and the server's last wish for less.

    In a pause and for 10 s after it, 10 go at once, and each counts 20 times its bytes. `resumes` is when the pause
    ends, `progress` when a sample was last accepted, on the plans' clock.
    """

    places: Gate = field(default_factory=lambda: Gate(400))
    careful: Gate = field(default_factory=lambda: Gate(10))
    room: Gate = field(default_factory=lambda: Gate(10 * 2**20))
    billing: Billing = field(default_factory=Billing)
    resumes: float = -inf
    progress: float = -inf

    def careful_at(self, at: float) -> bool:
        """Whether the server asks for less, or did until just now."""
        return at < self.resumes + _CAREFUL

    def press(self, at: float, seconds: float) -> None:
        """The server asks for less: nobody submits anything for so many seconds."""
        self.resumes = max(self.resumes, at + seconds)


class Limits(Struct, frozen=True, gc=False, kw_only=True):
    """How long a submission may go on: to `until` on the plans' clock, and so many seconds without any progress."""

    until: float = inf
    quiet: float = inf


class _Pressed(Struct, frozen=True, gc=False):
    """Nothing was submitted, because the server asks for less."""


def dispatched(dispatch: Dispatch, size: int, submit: Callable[[], Plan[T]], limits: Limits) -> Plan[Outcome[T]]:
    """The outcome of a submission of so many bytes, made when there is a place for it, and anew after a pause.

    RateLimited or PaymentRequired when the server asks for a longer pause than the limits allow.
    """
    return scoped((yield Within(dispatch.places, 1, _insist(dispatch, size, submit, limits))))


def _insist(dispatch: Dispatch, size: int, submit: Callable[[], Plan[T]], limits: Limits) -> Plan[T]:
    at = yield from now()
    dispatch.progress = max(dispatch.progress, at)
    while True:
        outcome = yield from _placed(dispatch, size, submit, at)
        if isinstance(outcome, Failure):
            yield from _give_way(dispatch, size, outcome.failure(), limits)
        elif not isinstance(accepted := outcome.unwrap(), _Pressed):
            dispatch.progress = yield from now()
            return accepted
        at = yield from now()


def _placed(dispatch: Dispatch, size: int, submit: Callable[[], Plan[T]], at: float) -> Plan[Outcome[T | _Pressed]]:
    """The submission's outcome, unless a pause began while it waited for room."""
    if dispatch.careful_at(at):
        careful = within(dispatch.room, size * _DEARER, _after_the_pause(dispatch, submit))
        return scoped((yield Within(dispatch.careful, 1, careful)))
    return scoped((yield Within(dispatch.room, size, _unless_pressed(dispatch, submit))))


def _after_the_pause(dispatch: Dispatch, submit: Callable[[], Plan[T]]) -> Plan[T]:
    while (at := (yield from now())) < dispatch.resumes:
        yield from sleep(dispatch.resumes - at)
    return (yield from submit())


def _unless_pressed(dispatch: Dispatch, submit: Callable[[], Plan[T]]) -> Plan[T | _Pressed]:
    return _Pressed() if dispatch.careful_at((yield from now())) else (yield from submit())


def _give_way(dispatch: Dispatch, size: int, error: TinkerError, limits: Limits) -> Plan[None]:
    """Have everybody pause if that is what the server asks for, else end with the error."""
    at = yield from now()
    seconds = _pause(dispatch, size, error, at)
    if seconds is None or at + seconds >= min(limits.until, dispatch.progress + limits.quiet):
        yield from halt(error)
    else:
        yield from _press(dispatch, at, seconds, error)


def _press(dispatch: Dispatch, at: float, seconds: float, error: TinkerError) -> Plan[None]:
    dispatch.press(at, seconds)
    reason: Literal["backpressure", "billing"] = "backpressure" if isinstance(error, RateLimited) else "billing"
    yield from observe(Paused(operation="asample", reason=reason, seconds=seconds, error=error))


def _pause(dispatch: Dispatch, size: int, error: TinkerError, at: float) -> float | None:
    """Seconds to pause: the server's wish, or longer after a large prompt; None when a pause is no answer to it."""
    match error:
        case RateLimited(retry_after=wish):
            pass
        case PaymentRequired(retry_after=wish) if dispatch.billing.pause(at) is not None:
            pass
        case _:
            return None
    return wish or _PAUSES[size > _LARGE]


_LARGE = 128 * 1024
_PAUSES = (1.0, 5.0)
"""Seconds to pause after a prompt was refused that is not large, or is."""
_CAREFUL = 10.0
"""Seconds after a pause during which less is sent."""
_DEARER = 20
