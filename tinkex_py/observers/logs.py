"""An observer that writes what a person wants to know as lines of the log `tinkex_py`, at sensible intervals."""

from __future__ import annotations

import logging
import sys
from collections.abc import Hashable, Mapping
from functools import singledispatchmethod
from typing import Any

from typing_extensions import override

from tinkex_py.config.checks import LEVELS
from tinkex_py.events import (
    AnyEvent,
    ChunkTaken,
    CircuitChanged,
    Event,
    EventsDropped,
    FieldLeftOut,
    HeartbeatMissed,
    ModelUnlisted,
    Paused,
    PromiseMade,
    PromisePolled,
    PromiseSettled,
    RecoveryFailed,
    ReplyReceived,
    RequestBroken,
    RequestSent,
    RetryScheduled,
    RunCorrupted,
    RunRecovered,
    SamplingSessionless,
    ServerMessage,
    SessionOver,
    SessionStarted,
    StepNumbered,
)
from tinkex_py.types.raised import one_line

GRACE = 900.0
"""Seconds that a training queue may stand still before it is worth a word; a sampling queue gets none."""
INTERVAL = 60.0
"""Seconds between two lines about the same trouble."""

_LEVELS: Mapping[str, int] = {word: logging.getLevelNamesMapping()[word.upper()] for word in LEVELS}
_ROUTINE = (RequestSent, ReplyReceived, RequestBroken, FieldLeftOut, PromiseMade, StepNumbered, ChunkTaken)
_SAMPLING = "asample"
_REASONS = {
    "paused_rate_limit": "the limit of concurrent work is reached",
    "paused_capacity": "the service is short of capacity",
}


class _Lines(logging.LoggerAdapter[logging.Logger]):
    """Writes what servers say as part of one line, with nothing in it that a terminal obeys."""

    @override
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        super().log(level, msg, *map(_shown, args), **kwargs)


class LoggingObserver:
    """Writes to the log `tinkex_py`: warnings for trouble, info for milestones, debug for every request.

    >>> LoggingObserver()(SessionOver(session_id="s-1"))
    """

    def __init__(self, log: logging.Logger | None = None) -> None:
        self._log = _Lines(log or logging.getLogger("tinkex_py"))
        self._said: dict[Hashable, float] = {}
        self._paused: dict[bool, float] = {}

    @classmethod
    def at(cls, level: str | None) -> LoggingObserver:
        """With a level (`debug`, `info`, `warning`, `error`), which is what TINKER_LOG says, lines go to stderr.

        Those of a program that has logging of its own go where that sends them, and nowhere else.
        """
        log = logging.getLogger("tinkex_py")
        if isinstance(level, str) and level.lower() in _LEVELS:
            log.setLevel(_LEVELS[level.lower()])
            if not log.handlers:
                log.addHandler(_to_stderr())
        return cls(log)

    def cares(self, event: AnyEvent) -> bool:
        """Whether there may be something to say: routine is told only when somebody looks for a mistake.

        A promise that is kept, or being worked on, is routine too, unless it ends a pause.
        """
        if self._log.isEnabledFor(logging.DEBUG):
            return True
        match event:
            case PromiseSettled(error=None):
                return bool(self._paused)
            case PromisePolled(paused=False):
                return bool(self._paused)
            case _:
                return not isinstance(event, _ROUTINE)

    def __call__(self, event: AnyEvent) -> None:
        """Say what there is to say."""
        self._say(event)

    @singledispatchmethod
    def _say(self, event: Event) -> None:
        """Most events are only worth a line when somebody looks for a mistake."""
        self._log.debug("%s", event)

    @_say.register
    def _(self, event: RequestSent) -> None:
        self._log.debug("%s: attempt %d", event.endpoint, event.attempt)

    @_say.register
    def _(self, event: ReplyReceived) -> None:
        self._log.debug("%s: %d after %.3f s", event.endpoint, event.status, event.elapsed)

    @_say.register
    def _(self, event: RequestBroken) -> None:
        self._log.debug("%s: %s", event.endpoint, event.error.message)

    @_say.register
    def _(self, event: SessionStarted) -> None:
        self._log.info("session %s began", event.session_id)

    @_say.register
    def _(self, event: SessionOver) -> None:
        self._log.warning("the server ended session %s: make a new client", event.session_id)

    @_say.register
    def _(self, event: ServerMessage) -> None:
        self._log.log(_LEVELS.get(event.level, logging.INFO), "the server says: %s", event.text)

    @_say.register
    def _(self, event: ModelUnlisted) -> None:
        self._log.info("the server doesn't list %s; whether it is %s shows when it is used", event.model, event.wanted)

    @_say.register
    def _(self, event: SamplingSessionless) -> None:
        line = "the server opens no session to sample from %s (%s): it is sampled from without one"
        self._log.info(line, event.source, event.error.message)

    @_say.register
    def _(self, event: Paused) -> None:
        """Backpressure is part of busy sampling; a bill that isn't paid wants somebody to pay it."""
        level = logging.WARNING if event.reason == "billing" else logging.INFO
        if self._due(("pause", event.reason), event.at):
            line = "%s waits %.1f s because of %s (%s)"
            self._log.log(level, line, event.operation, event.seconds, event.reason, event.error.message)

    @_say.register
    def _(self, event: CircuitChanged) -> None:
        if event.open:
            self._log.warning("%d operations in a row failed: nothing is sent for a while", event.failures)
        else:
            self._log.info("the server is well again: requests are sent as before")

    @_say.register
    def _(self, event: RunCorrupted) -> None:
        self._log.warning("%s is corrupted: going on from %s", event.training_run_id, event.checkpoint)

    @_say.register
    def _(self, event: RecoveryFailed) -> None:
        line = "%s: going on failed %d times, the next try is in %.1f s (%s)"
        self._log.warning(line, event.training_run_id, event.attempt, event.delay, event.error.message)

    @_say.register
    def _(self, event: RunRecovered) -> None:
        self._log.info("%s goes on from %s", event.training_run_id, event.checkpoint)

    @_say.register
    def _(self, event: EventsDropped) -> None:
        self._log.warning("%d events came too fast for the observers and were dropped", event.count)

    @_say.register
    def _(self, event: HeartbeatMissed) -> None:
        if self._due(("heartbeat", event.session_id), event.at):
            self._log.warning(
                "session %s: no sign of life was answered for %.0f s (%s)",
                event.session_id,
                event.since,
                event.error.message,
            )

    @_say.register
    def _(self, event: RetryScheduled) -> None:
        """The first repetition may be chance: it is info; what goes on is a warning."""
        level = logging.INFO if event.attempt == 1 else logging.WARNING
        if self._due(("retry", event.operation, level), event.at):
            line = "%s: attempt %d failed, the next is in %.1f s (%s)"
            self._log.log(level, line, event.operation, event.attempt, event.delay, event.error.message)

    @_say.register
    def _(self, event: PromiseSettled) -> None:
        if event.error is None:
            _ = self._paused.pop(event.operation == _SAMPLING, None)
        self._log.debug("%s: promise %s settled after %.1f s", event.operation, event.promise, event.elapsed)

    @_say.register
    def _(self, event: PromisePolled) -> None:
        sampling = event.operation == _SAMPLING
        if not event.paused:
            _ = self._paused.pop(sampling, None)
            return
        standing = event.at - self._paused.setdefault(sampling, event.at)
        if standing >= (0 if sampling else GRACE) and self._due(("queue", sampling), event.at):
            why = event.reason or _REASONS.get(event.queue_state or "", f"its state is {event.queue_state}")
            work = "sampling" if sampling else "training"
            self._log.warning("%s is paused for %.0f s now: %s", work, standing, why)

    def _due(self, subject: Hashable, at: float) -> bool:
        """Whether there was no line about this for a while; if so, there is one now."""
        said = self._said.get(subject)
        if said is not None and at - said < INTERVAL:
            return False
        self._said[subject] = at
        return True


def _to_stderr() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(lambda _: not logging.getLogger().handlers)
    return handler


def _shown(part: object) -> object:
    return one_line(part) if isinstance(part, str) else part
