"""Every operation says why it may be refused, and a refusal says what the documents say to do."""

from __future__ import annotations

from typing import get_args

import pytest
from returns.result import Failure

from tests.endpoints.test_builders import CALLS, sent
from tinkex_py import errors
from tinkex_py.endpoints.checkpoints import publish_checkpoint
from tinkex_py.endpoints.service import healthz
from tinkex_py.interpret import interpret
from tinkex_py.request import Reply
from tinkex_py.types.causes import CAUSES, EVERYWHERE, INSTEAD, Cause, remedy

NOT_REQUESTS = {"whoami"}
VARIANTS = {variant.__name__ for variant in get_args(errors.TinkerError)}
ALL = {
    f"{operation} {cause.status or cause.variant}": cause for operation, causes in CAUSES.items() for cause in causes
}


def test_every_operation_has_its_causes() -> None:
    assert {sent(call()).operation for call in CALLS.values()} | NOT_REQUESTS == set(CAUSES)


def test_every_error_is_documented_with_what_to_do() -> None:
    assert {cause.variant for cause in [*ALL.values(), *EVERYWHERE]} == VARIANTS


def test_what_serves_instead_is_said_of_operations_that_there_are() -> None:
    assert set(INSTEAD) <= set(CAUSES)


@pytest.mark.parametrize("cause", [*ALL.values(), *EVERYWHERE])
def test_a_cause_is_one_of_the_errors_and_says_when_and_what_to_do(cause: Cause) -> None:
    assert cause.variant in VARIANTS
    assert cause.when
    assert cause.remedy


@pytest.mark.parametrize("cause", [cause for cause in [*ALL.values(), *EVERYWHERE] if cause.status])
def test_a_status_is_read_as_the_error_that_is_documented(cause: Cause) -> None:
    outcome = interpret(healthz(), Reply(status=cause.status or 0))
    assert isinstance(outcome, Failure)
    assert type(outcome.failure()).__name__ == cause.variant


def test_no_operation_gives_a_status_two_meanings() -> None:
    for operation, causes in CAUSES.items():
        statuses = [cause.status for cause in causes if cause.status]
        assert len(statuses) == len(set(statuses)), operation


def test_a_documented_remedy_is_in_the_message() -> None:
    outcome = interpret(publish_checkpoint("r", "weights/a"), Reply(status=409, body=b'{"detail":"conflict"}'))
    assert isinstance(outcome, Failure)
    assert outcome.failure().message == ("publish_checkpoint: conflict (it is public already; there is nothing to do)")


def test_what_is_not_documented_has_the_usual_remedy() -> None:
    assert (remedy("publish_checkpoint", 418), remedy("no such operation", 404)) == (None, None)
