"""Checkpoints by their paths, whatever ids their server has for them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from returns.result import Failure, Success

from tinkex_py.endpoints.checkpoints import list_checkpoints
from tinkex_py.errors import NotFound
from tinkex_py.outcome import change
from tinkex_py.plans.effects import Plan, attempt, halt
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import Request
from tinkex_py.types.paths import TinkerPath
from tinkex_py.types.runs import CheckpointsListResponse
from tinkex_py.wire.replies import is_bare

T = TypeVar("T")


def at_path(builder: Callable[[str, str], Request[T]], path: TinkerPath, policy: Policy) -> Plan[T]:
    """The answer about a checkpoint by the kind and name of its path, or else by the id that its run lists it under."""
    outcome = yield from attempt(call(builder(path.training_run_id, path.checkpoint_id), policy))
    match outcome:
        case Success(value):
            return value
        case Failure(NotFound(detail=detail)) if is_bare(detail):
            listed = yield from attempt(call(list_checkpoints(path.training_run_id), policy))
            own = change(listed, lambda found: _listed_as(found, path)).value_or(None)
            return (yield from call(builder(path.training_run_id, own), policy) if own else halt(outcome.failure()))
        case Failure(error):
            return (yield from halt(error))


def located(tinker_path: str, plan: Callable[[TinkerPath], Plan[T]]) -> Plan[T]:
    """The plan for a path in its parts; InvalidInput for a text that is none."""
    match TinkerPath.parse(tinker_path):
        case Success(path):
            return plan(path)
        case Failure(problem):
            return halt(problem)


def _listed_as(listed: CheckpointsListResponse, path: TinkerPath) -> str | None:
    ids = (each.checkpoint_id for each in listed.checkpoints if each.tinker_path == str(path))
    return next((own for own in ids if own != path.checkpoint_id), None)
