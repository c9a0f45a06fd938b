"""Which checkpoint a trainer names as the one to go on from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TypeAlias

import httpx
import pytest
from typing_extensions import override

from tinkex_py import (
    AdamParams,
    AsyncPromise,
    AsyncServiceClient,
    AsyncTrainingClient,
    Failure,
    Outcome,
    Success,
    errors,
    or_raise,
)
from tinkex_py.testing.simulation import simulate
from tinkex_py.types import LoadWeightsResponse, SaveWeightsResponse

Step: TypeAlias = Callable[[AsyncTrainingClient], AsyncPromise[SaveWeightsResponse] | AsyncPromise[LoadWeightsResponse]]


class Server(httpx.AsyncBaseTransport):
    """Promises go by the paths of what is saved or loaded; `late` takes 5 s, an optimizer step's is lost after 9 s."""

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        operation, body = request.url.path.rpartition("/")[2], json.loads(await request.aread() or b"{}")
        name = body.get("path") or body.get("request_id") or operation
        if operation != "retrieve_future":
            return httpx.Response(200, json={"session_id": "s", "request_id": name})
        await asyncio.sleep({"late": 5, "optim_step": 9}.get(name, 0))
        if name == "optim_step":
            return httpx.Response(410)
        return httpx.Response(200, json={"model_id": "m", "path": f"tinker://m/weights/{name}"})


def save(name: str) -> Step:
    return lambda trainer: trainer.save_state(name)


STEPS: dict[str, tuple[list[Step], str]] = {
    "the last that was asked for": ([save("late"), save("soon")], "tinker://m/weights/soon"),
    "the last that is known": ([save("soon"), save("late")], "tinker://m/weights/late"),
    "one that was gone back to": ([save("soon"), lambda trainer: trainer.load_state("late")], "late"),
    "one that was gone back to as it was": (
        [save("late"), lambda trainer: trainer.load_state_with_optimizer("soon")],
        "soon",
    ),
    "one that was saved after that": (
        [lambda trainer: trainer.load_state("late"), save("soon")],
        "tinker://m/weights/soon",
    ),
}


@pytest.mark.parametrize(("steps", "checkpoint"), STEPS.values(), ids=STEPS)
def test_a_run_in_doubt_names_the_state_that_the_server_came_to_last(steps: list[Step], checkpoint: str) -> None:
    async def program(service: AsyncServiceClient) -> errors.TinkerError:
        trainer = or_raise(await service.create_lora_training_client("b"))
        for promise in [step(trainer) for step in steps]:
            _ = or_raise(await promise)
        doubtful = await trainer.optim_step(AdamParams())
        assert isinstance(doubtful, Failure)
        return doubtful.failure()

    error = simulate(program, Server())
    assert isinstance(error, errors.OutOfSequence)
    assert error.checkpoint == checkpoint


def test_a_step_in_doubt_names_no_state_from_after_it() -> None:
    """What was saved meanwhile may have been saved without it."""

    async def program(service: AsyncServiceClient) -> tuple[Outcome[object], Outcome[object]]:
        trainer = or_raise(await service.create_lora_training_client("b"))
        _ = or_raise(await trainer.save_state("before"))
        doubtful, after = trainer.optim_step(AdamParams()), trainer.save_state("after")
        return await doubtful, await after

    doubtful, after = simulate(program, Server())
    assert (isinstance(doubtful, Failure), isinstance(after, Success)) == (True, True)
    error = doubtful.failure()
    assert isinstance(error, errors.OutOfSequence)
    assert error.checkpoint == "tinker://m/weights/before"
