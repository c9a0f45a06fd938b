"""Going on after the server corrupted a run: watched for, and taken up again from a checkpoint. Pure.

Two plans that compose: `corrupted` ends when a run is, and `recovered` goes on from it, by a plan of the caller's that
restores a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from returns.result import Failure, Success

from tinkex_py.endpoints.checkpoints import list_checkpoints
from tinkex_py.endpoints.runs import get_training_run
from tinkex_py.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    OutOfSequence,
    PromiseExpired,
    RateLimited,
    RequestFailed,
    RequestTimedOut,
    ServerFault,
)
from tinkex_py.events import RecoveryFailed, RunCorrupted, RunRecovered
from tinkex_py.plans.effects import Plan, attempt, halt, observe, sleep
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.sessions import SessionState
from tinkex_py.types.retries import RecoveryPolicy
from tinkex_py.types.runs import Checkpoint, TrainingRun

T = TypeVar("T")

_PASSING = (ConnectionFailed, DeadlineExceeded, RateLimited, RequestTimedOut, ServerFault)
_WORTH_ANOTHER_TRY = (*_PASSING, OutOfSequence, PromiseExpired, RequestFailed)
"""Failures after which there is another try: each makes a model of its own, so one that is in doubt is left behind."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def corrupted(
    training_run_id: str, session: SessionState, recovery: RecoveryPolicy, policy: Policy
) -> Plan[TrainingRun]:
    """The run, once the server says that it is corrupted; a server that can't be reached is asked again.

    SessionEnded when there is no session any more in which to go on.
    """
    while session.ended is None:
        match (yield from attempt(call(get_training_run(training_run_id), policy))):
            case Success(run) if run.corrupted:
                return run
            case Failure(error) if not isinstance(error, _PASSING):
                return (yield from halt(error))
            case _:
                yield from sleep(recovery.poll_interval)
    return (yield from halt(session.ended))


def recovered(run: TrainingRun, restore: Callable[[str], Plan[T]], recovery: RecoveryPolicy, policy: Policy) -> Plan[T]:
    """What `restore` makes of the checkpoint that the policy chooses, tried as often as it says."""
    name = run.training_run_id
    path = yield from _chosen(run, recovery, policy)
    yield from observe(RunCorrupted(training_run_id=name, checkpoint=path))
    for number in range(1, recovery.max_attempts):
        match (yield from attempt(restore(path))):
            case Success(value):
                yield from observe(RunRecovered(training_run_id=name, checkpoint=path))
                return value
            case Failure(error) if isinstance(error, _WORTH_ANOTHER_TRY):
                delay = min(recovery.backoff * 2 ** (number - 1), recovery.max_backoff)
                yield from observe(RecoveryFailed(training_run_id=name, attempt=number, delay=delay, error=error))
                yield from sleep(delay)
            case Failure(error):
                return (yield from halt(error))
    value = yield from restore(path)
    yield from observe(RunRecovered(training_run_id=name, checkpoint=path))
    return value


def _chosen(run: TrainingRun, recovery: RecoveryPolicy, policy: Policy) -> Plan[str]:
    if recovery.checkpoint != "latest":
        return recovery.checkpoint
    if run.last_checkpoint is not None and run.last_checkpoint.tinker_path:
        return run.last_checkpoint.tinker_path
    listed = yield from call(list_checkpoints(run.training_run_id), policy)
    found = [each for each in listed.checkpoints if each.checkpoint_type == "training" and each.tinker_path]
    return max(found, key=_age).tinker_path if found else (yield from halt(_nothing_saved(run)))


def _age(checkpoint: Checkpoint) -> datetime:
    return checkpoint.time or _LONG_AGO


def _nothing_saved(run: TrainingRun) -> OutOfSequence:
    return OutOfSequence(
        message=f"{run.training_run_id} is corrupted, and no checkpoint of it was saved to go on from; begin anew"
    )
