"""The caller may say how long to wait between two questions for a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs
from returns.result import Success

from tests.plans.scripted import Line, Script, gaps, reply, waiting
from tinkex_py import errors
from tinkex_py.plans.patience import patience
from tinkex_py.plans.polling import Ticket, result_of
from tinkex_py.types import OptimStepResponse

TICKET = Ticket(operation="optim_step", kind="OptimStep", request_id="r")
PENDING: tuple[Line, Line] = (20.0, reply(408, {"queue_state": "active"}))


def seven_more(count: int) -> float:
    return count * 7


def negative(_: int) -> float:
    return -1


def raising(count: int) -> float:
    return 1 / (count - count)


WISHES: dict[str, tuple[Any, list[float]]] = {
    "none": ("none", [20.0, 20.0, 20.0]),
    "exponential": ("exponential", [21.0, 22.0, 24.0]),
    "seconds": ((3, 5.0), [23.0, 25.0, 25.0]),
    "a function": (seven_more, [27.0, 34.0, 41.0]),
}


@pytest.mark.parametrize(("wish", "delays"), WISHES.values(), ids=WISHES)
def test_a_result_is_asked_for_after(wish: Any, delays: list[float]) -> None:
    script = Script(*PENDING, *PENDING, *PENDING, reply(200, {}))
    patient = structs.replace(waiting(), backoff=patience(wish).unwrap())
    assert script.run(result_of(TICKET, OptimStepResponse, patient)) == Success(OptimStepResponse())
    assert gaps(script.times) == delays


def test_the_servers_wish_is_not_undercut() -> None:
    script = Script(reply(200, {"type": "try_again", "retry_after_ms": 3000}), reply(200, {}))
    patient = structs.replace(waiting(), backoff=patience((1, 1)).unwrap())
    script.run(result_of(TICKET, OptimStepResponse, patient))
    assert gaps(script.times) == [3.0]


@pytest.mark.parametrize("wish", ["often", (0, 1), (2, 1), (1,), 5, None, np.ones(2)], ids=str)
def test_a_wish_that_means_nothing_is_refused(wish: Any) -> None:
    assert patience(wish).failure().path == "poll_backoff"


@pytest.mark.parametrize("function", [negative, raising])
def test_a_function_that_fails_is_the_callers_failure(function: Any) -> None:
    script = Script(reply(408), reply(200, {}))
    patient = structs.replace(waiting(), backoff=patience(function).unwrap())
    error = script.run(result_of(TICKET, OptimStepResponse, patient)).failure()
    assert isinstance(error, errors.CallbackFailed)
    assert error.callback == "poll_backoff"
