"""A checkpoint is found by its path, whatever its server calls it."""

from __future__ import annotations

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Answers, reply
from tinkex_py import TinkerPath, errors
from tinkex_py.endpoints.checkpoints import delete_checkpoint
from tinkex_py.outcome import Outcome
from tinkex_py.plans.checkpoints import at_path
from tinkex_py.plans.retry import Policy
from tinkex_py.request import Reply

PATH = TinkerPath("m", "checkpoints", "a")
NOWHERE = reply(404, {"detail": "Not Found"})
LISTED = {"checkpoint_id": "a", "tinker_path": str(PATH), "time": 1.5}
OTHERS = ({"checkpoint_id": "checkpoints/a", "tinker_path": str(PATH)}, {"checkpoint_id": "b", "tinker_path": "x"})


def deleting(deleted: Reply | list[Reply], listed: Reply = NOWHERE) -> tuple[list[str], Outcome[None]]:
    script = Answers(delete_checkpoint=deleted, list_checkpoints=listed)
    outcome = script.run(at_path(delete_checkpoint, PATH, Policy(seconds=10)))
    return [request.path[-1] for request, _ in script.sent], outcome


def test_its_kind_and_name_are_tried_first() -> None:
    assert deleting(reply(204)) == (["a"], Success(None))


def test_where_no_route_has_both_the_run_is_asked_what_it_calls_it() -> None:
    listed = reply(200, {"checkpoints": [*OTHERS, LISTED]})
    assert deleting([NOWHERE, reply(200)], listed) == (["a", "checkpoints", "a"], Success(None))


@pytest.mark.parametrize("listed", [NOWHERE, reply(200, {"checkpoints": OTHERS})], ids=["no list", "not listed"])
def test_what_is_not_listed_is_not_there(listed: Reply) -> None:
    outcome = deleting(NOWHERE, listed)[1]
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.NotFound)


def test_a_server_that_knows_the_route_is_believed() -> None:
    sent, outcome = deleting(reply(404, {"detail": "no such checkpoint"}))
    assert (sent, isinstance(outcome, Failure)) == (["a"], True)
