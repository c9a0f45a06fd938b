"""Results that are still to come, for blocking and for async programs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Generic, TypeVar

from returns.result import Failure

from tinkex_py.clients.context import Context
from tinkex_py.errors import DeadlineExceeded
from tinkex_py.outcome import Outcome
from tinkex_py.runtime.running import Running, arrival, arrival_within, wait
from tinkex_py.types.kinds import is_duration, optional
from tinkex_py.types.limits import refused
from tinkex_py.types.numbers import plain

T_co = TypeVar("T_co", covariant=True)


class _Coming(Generic[T_co]):
    """What promises of both worlds have in common."""

    def __init__(self, running: Running[T_co]) -> None:
        self._running = running

    def done(self) -> bool:
        """Whether the result is there."""
        return self._running.settled.filled

    def cancel(self) -> None:
        """Stop the work, on the server too where it can: the result is then Cancelled, unless it was there before.

        A training step that has its number goes on, and is settled in the background.
        """
        self._running.cancel()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {'done' if self.done() else 'pending'}>"


class Promise(_Coming[T_co]):
    """The result of submitted work; it is on its way whether or not anybody waits."""

    def __init__(self, context: Context, running: Running[T_co]) -> None:
        super().__init__(running)
        self._context = context

    def result(self, timeout: float | None = None) -> Outcome[T_co]:
        """Block until the result is there, from any thread, any number of times.

        DeadlineExceeded after `timeout` seconds ends the waiting only: the work goes on.
        """
        if self._context.runtime.here and not self.done():
            raise RuntimeError("a blocking call on the client's own thread would wait for itself; make it elsewhere")
        if not _is_time(timeout):
            return Failure(refused("timeout", timeout, _SECONDS))
        seconds = plain(timeout)
        outcome = wait(self._running, seconds)
        return _still_going(seconds) if outcome is None else outcome


class AsyncPromise(_Coming[T_co]):
    """The result of submitted work; it is on its way whether or not anybody awaits it. Await it for its outcome."""

    def __await__(self) -> Generator[Any, None, Outcome[T_co]]:
        """Wait for the outcome, any number of times; cancelling the wait lets the work go on."""
        return arrival(self._running).__await__()

    async def result(self, timeout: float | None = None) -> Outcome[T_co]:
        """Wait for the outcome; DeadlineExceeded after `timeout` seconds ends the waiting only."""
        if not _is_time(timeout):
            return Failure(refused("timeout", timeout, _SECONDS))
        seconds = plain(timeout)
        outcome = await arrival_within(self._running, seconds)
        return _still_going(seconds) if outcome is None else outcome


_is_time = optional(is_duration)
_SECONDS = "give a number of seconds, or None to wait until the result is there"


def _still_going(timeout: float | None) -> Failure[DeadlineExceeded]:
    seconds = timeout or 0.0
    message = f"no result within {seconds:g} s; the work goes on: ask again, or cancel the promise"
    return Failure(DeadlineExceeded(message=message, seconds=seconds, elapsed=seconds))
