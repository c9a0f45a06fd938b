"""A corrupted run is noticed, and gone on from; what passes is waited out, what doesn't ends the recovery."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plans.routed import Routes
from tests.plans.scripted import BROKEN, gaps, reply
from tinkex_py import Config, check, errors
from tinkex_py.events import RecoveryFailed, RunCorrupted, RunRecovered
from tinkex_py.plans.effects import Plan, halt, pure, sleep, spawn
from tinkex_py.plans.recovery import corrupted, recovered
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.sessions import SessionState
from tinkex_py.types.retries import RecoveryPolicy
from tinkex_py.types.runs import Checkpoint, TrainingRun

ONCE = Policy(seconds=60, attempts=1)
PATH, OLD = "tinker://run-1/weights/b", "tinker://run-1/weights/a"


def a_run(*, last: str | None = PATH, corrupt: bool = True) -> TrainingRun:
    saved = None if last is None else Checkpoint(checkpoint_id="b", checkpoint_type="training", tinker_path=last)
    return TrainingRun(training_run_id="run-1", base_model="m", corrupted=corrupt, last_checkpoint=saved)


def a_session() -> SessionState:
    return SessionState(config=Config(), sdk_version="0")


def told(*, corrupt: bool) -> Any:
    return reply(200, {"training_run_id": "run-1", "base_model": "m", "corrupted": corrupt})


def test_a_run_is_asked_for_until_it_is_corrupted() -> None:
    routes = Routes(get_training_run=(told(corrupt=False), BROKEN, reply(503), told(corrupt=True)))
    found = routes.run(corrupted("run-1", a_session(), RecoveryPolicy(poll_interval=30), ONCE)).unwrap()
    assert (found.corrupted, gaps(routes.times[-4:])) == (True, [30.0, 30.0, 30.0])


def test_a_run_that_is_not_there_ends_the_watch() -> None:
    routes = Routes(get_training_run=reply(404, {"detail": "no such run"}))
    outcome = routes.run(corrupted("r", a_session(), RecoveryPolicy(), ONCE))
    assert isinstance(outcome.failure(), errors.NotFound)


def test_the_end_of_the_session_ends_the_watch() -> None:
    session = a_session()

    def over() -> Plan[None]:
        yield from sleep(100)
        session.ended = errors.SessionEnded(message="over")

    def program() -> Plan[TrainingRun]:
        yield from spawn(over())
        return (yield from corrupted("run-1", session, RecoveryPolicy(poll_interval=30), ONCE))

    routes = Routes(get_training_run=told(corrupt=False))
    assert routes.run(program()).failure() == session.ended
    assert gaps(routes.times[-4:]) == [30.0, 30.0, 30.0]


class Restoring:
    """Restores a checkpoint when the given failures are over."""

    def __init__(self, *failures: errors.TinkerError) -> None:
        self.failures = list(failures)
        self.paths: list[str] = []

    def __call__(self, path: str) -> Plan[str]:
        self.paths.append(path)
        return halt(self.failures.pop(0)) if self.failures else pure("trainer")


BUSY = errors.ServerFault(message="busy", status=503)
DOUBTFUL = errors.OutOfSequence(message="loading is in doubt")


def test_what_passes_is_tried_again_after_a_while() -> None:
    routes, restoring = Routes(), Restoring(BUSY, DOUBTFUL)
    recovery = RecoveryPolicy(backoff=5, max_backoff=8)
    assert routes.run(recovered(a_run(), restoring, recovery, ONCE)).unwrap() == "trainer"
    told = [each for each in routes.events if isinstance(each, (RunCorrupted, RecoveryFailed, RunRecovered))]
    named: dict[str, Any] = {"training_run_id": "run-1"}
    assert told == [
        RunCorrupted(at=0.0, checkpoint=PATH, **named),
        RecoveryFailed(at=0.0, attempt=1, delay=5, error=BUSY, **named),
        RecoveryFailed(at=5.0, attempt=2, delay=8, error=DOUBTFUL, **named),
        RunRecovered(at=13.0, checkpoint=PATH, **named),
    ]
    assert restoring.paths == [PATH] * 3


@pytest.mark.parametrize(
    ("failures", "tries"),
    [((BUSY, BUSY, BUSY), 3), ((errors.NotFound(message="no such checkpoint", status=404),), 1)],
    ids=["out of tries", "not there"],
)
def test_what_does_not_pass_ends_the_recovery(failures: tuple[errors.TinkerError, ...], tries: int) -> None:
    restoring = Restoring(*failures)
    outcome = Routes().run(recovered(a_run(), restoring, RecoveryPolicy(max_attempts=3), ONCE))
    assert (outcome.failure(), len(restoring.paths)) == (failures[-1], tries)


LISTED = [
    {"checkpoint_id": "weights/b", "checkpoint_type": "training", "time": "2026-07-02T00:00:00Z", "tinker_path": PATH},
    {"checkpoint_id": "weights/a", "checkpoint_type": "training", "time": "2026-07-01T00:00:00Z", "tinker_path": OLD},
    {"checkpoint_id": "s/c", "checkpoint_type": "sampler", "time": "2026-07-03T00:00:00Z", "tinker_path": "tinker://s"},
    {"checkpoint_id": "weights/0", "checkpoint_type": "training", "tinker_path": "tinker://0"},
]


def test_the_latest_training_checkpoint_is_looked_up_where_the_run_does_not_say() -> None:
    routes, restoring = Routes(list_checkpoints=reply(200, {"checkpoints": LISTED})), Restoring()
    _ = routes.run(recovered(a_run(last=None), restoring, RecoveryPolicy(), ONCE)).unwrap()
    assert restoring.paths == [PATH]


def test_a_run_without_checkpoints_can_not_be_gone_on_from() -> None:
    routes = Routes(list_checkpoints=reply(200, {"checkpoints": LISTED[2:3]}))
    outcome = routes.run(recovered(a_run(last=None), Restoring(), RecoveryPolicy(), ONCE))
    assert isinstance(outcome.failure(), errors.OutOfSequence)


def test_a_certain_checkpoint_may_be_chosen() -> None:
    restoring = Restoring()
    _ = Routes().run(recovered(a_run(), restoring, RecoveryPolicy(checkpoint=OLD), ONCE)).unwrap()
    assert restoring.paths == [OLD]


WRONG: dict[str, dict[str, Any]] = {
    "checkpoint": {"checkpoint": "best"},
    "max_attempts": {"max_attempts": 0},
    "backoff": {"backoff": 0},
    "poll_interval": {"poll_interval": float("nan")},
    "restore_optimizer": {"restore_optimizer": 1},
}


@pytest.mark.parametrize(("field", "given"), WRONG.items(), ids=WRONG)
def test_a_policy_that_can_not_be_followed_is_refused(field: str, given: dict[str, Any]) -> None:
    assert check(RecoveryPolicy(**given)).failure().path == f"recovery.{field}"
