"""What was done for whom: tokens and checkpoints by the hour, and an audit of checkpoints. Pure but for the clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

HOUR = 3600
KEPT_EVENTS = 10_000
"""Audited events that are kept."""

Work: TypeAlias = Literal["training", "sampling_prefill", "sampling_sample", "checkpoint"]


class Bucket(NamedTuple):
    """What is counted together: one kind of work of a session on a base model in an hour."""

    hour: int
    work: Work
    session_id: str | None
    base_model: str


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened to a checkpoint; `at` is in seconds since 1970."""

    at: float
    event: str
    model_id: str
    tinker_path: str


class Usage:
    """Counts of work since the server was started."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._counts: dict[Bucket, int] = {}
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)

    def count(self, work: Work, session_id: str | None, base_model: str, amount: int) -> None:
        """Add work of this hour."""
        bucket = Bucket(int(self._now()) // HOUR, work, session_id, base_model)
        self._counts[bucket] = self._counts.get(bucket, 0) + amount

    def note(self, event: str, model_id: str, tinker_path: str) -> None:
        """Note what happened to a checkpoint."""
        self._events.append(Event(at=self._now(), event=event, model_id=model_id, tinker_path=tinker_path))

    def between(self, start: float, end: float) -> Iterator[tuple[Bucket, int]]:
        """What was counted in the hours that begin in a span of time, oldest first."""
        chosen = [(bucket, count) for bucket, count in self._counts.items() if start <= bucket.hour * HOUR < end]
        return iter(sorted(chosen, key=lambda entry: entry[0].hour))

    def events(self) -> tuple[Event, ...]:
        """What happened to checkpoints, oldest first."""
        return tuple(self._events)
