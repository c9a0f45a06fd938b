"""What a client does, as values for observers. Pure; no event carries a credential.

Every event has `at`, seconds on the client's own clock.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from tinkex_py.errors import TinkerError


class Event(Struct, frozen=True, gc=False, kw_only=True):
    """What every event has: when it happened."""

    at: float = 0.0


class RequestSent(Event, frozen=True, kw_only=True, tag=True):
    """A request is to leave, once what has to come before it is done; `attempt` counts from 1."""

    operation: str
    endpoint: str
    attempt: int


class ReplyReceived(Event, frozen=True, kw_only=True, tag=True):
    """A request was answered after `elapsed` seconds."""

    operation: str
    endpoint: str
    status: int
    elapsed: float


class RequestBroken(Event, frozen=True, kw_only=True, tag=True):
    """A request got no usable reply, or couldn't leave."""

    operation: str
    endpoint: str
    error: TinkerError
    elapsed: float


class RetryScheduled(Event, frozen=True, kw_only=True, tag=True):
    """A request will be repeated in `delay` seconds because of `error`."""

    operation: str
    endpoint: str
    attempt: int
    delay: float
    error: TinkerError


class FieldLeftOut(Event, frozen=True, kw_only=True, tag=True):
    """The server doesn't know a field of the request: it is sent once more without, and the field never again."""

    operation: str
    endpoint: str
    field: str


class Paused(Event, frozen=True, kw_only=True, tag=True):
    """Work waits for `seconds` because the server asks for less of it, or because a bill is not paid."""

    operation: str
    reason: Literal["backpressure", "billing"]
    seconds: float
    error: TinkerError


class PromiseMade(Event, frozen=True, kw_only=True, tag=True):
    """The server accepted work and promised a result."""

    operation: str
    promise: str


class PromisePolled(Event, frozen=True, kw_only=True, tag=True):
    """A promise is still pending after `elapsed` seconds; `queue_state` says what the server is waiting for."""

    operation: str
    promise: str
    iteration: int
    elapsed: float
    queue_state: str | None = None
    reason: str | None = None

    @property
    def paused(self) -> bool:
        """Whether the server says that the work waits for something."""
        return self.queue_state not in {None, "active"}


class PromiseSettled(Event, frozen=True, kw_only=True, tag=True):
    """A promise ended: `error` is None when it was kept."""

    operation: str
    promise: str
    elapsed: float
    error: TinkerError | None = None


class StepNumbered(Event, frozen=True, kw_only=True, tag=True):
    """A training step of `model_id` was accepted under `number`."""

    model_id: str
    number: int
    operation: str


class ChunkTaken(Event, frozen=True, kw_only=True, tag=True):
    """The server took a chunk of a batch of `model_id` under `number`: `taken` of the batch's `count` are there."""

    model_id: str
    operation: str
    number: int
    taken: int
    count: int


class SessionStarted(Event, frozen=True, kw_only=True, tag=True):
    """The server opened a session."""

    session_id: str


class ServerMessage(Event, frozen=True, kw_only=True, tag=True):
    """The server has something to say to a person; `level` is info, warning or error."""

    level: str
    text: str


class HeartbeatMissed(Event, frozen=True, kw_only=True, tag=True):
    """A session's sign of life was not answered; the last one that was is `since` seconds ago."""

    session_id: str
    since: float
    error: TinkerError


class SessionOver(Event, frozen=True, kw_only=True, tag=True):
    """The server ended the session."""

    session_id: str


class ModelUnlisted(Event, frozen=True, kw_only=True, tag=True):
    """The server doesn't list the model, so whether it is `wanted` (trainable, sampleable) can't be checked."""

    model: str
    wanted: str


class SamplingSessionless(Event, frozen=True, kw_only=True, tag=True):
    """The server opened no sampling session because of `error`, but samples from `source`, a path or a base model."""

    source: str
    error: TinkerError


class CircuitChanged(Event, frozen=True, kw_only=True, tag=True):
    """The circuit breaker opened after `failures` failed operations, or closed because one succeeded."""

    open: bool
    failures: int


class RunCorrupted(Event, frozen=True, kw_only=True, tag=True):
    """The server says that a run is corrupted; it will be gone on from that checkpoint."""

    training_run_id: str
    checkpoint: str


class RecoveryFailed(Event, frozen=True, kw_only=True, tag=True):
    """A checkpoint could not be restored because of `error`; it is tried again in `delay` seconds."""

    training_run_id: str
    attempt: int
    delay: float
    error: TinkerError


class RunRecovered(Event, frozen=True, kw_only=True, tag=True):
    """A corrupted run was gone on from at that checkpoint."""

    training_run_id: str
    checkpoint: str


class EventsDropped(Event, frozen=True, kw_only=True, tag=True):
    """`count` events came faster than the observers could look at them, and are lost."""

    count: int


AnyEvent: TypeAlias = (
    RequestSent
    | ReplyReceived
    | RequestBroken
    | RetryScheduled
    | FieldLeftOut
    | Paused
    | PromiseMade
    | PromisePolled
    | PromiseSettled
    | StepNumbered
    | ChunkTaken
    | SessionStarted
    | ServerMessage
    | HeartbeatMissed
    | SessionOver
    | ModelUnlisted
    | SamplingSessionless
    | CircuitChanged
    | RunCorrupted
    | RecoveryFailed
    | RunRecovered
    | EventsDropped
)
