"""A trainer that goes on by itself after the server corrupted its run."""

from __future__ import annotations

from typing import Any

import httpx

from tinkex_py import AsyncServiceClient, AsyncTrainingClient, Outcome, RecoveryPolicy, errors
from tinkex_py.events import RunCorrupted
from tinkex_py.testing.simulation import simulate

PATH = "tinker://run-1/weights/a"


class Server(httpx.AsyncBaseTransport):
    """Says that run-1 is well twice, then that it is corrupted; makes and loads whatever it is asked for."""

    def __init__(self) -> None:
        self.looks = 0
        self.operations: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        operation = request.url.path.removeprefix("/api/v1/")
        self.operations.append(operation)
        self.looks += operation == "training_runs/run-1"
        saved = {"checkpoint_id": "weights/a", "checkpoint_type": "training", "tinker_path": PATH}
        run = {"training_run_id": "run-1", "base_model": "m", "corrupted": self.looks > 2, "last_checkpoint": saved}
        answers: dict[str, Any] = {
            "training_runs/run-1": run,
            "create_session": {"session_id": "s"},
            "weights_info": {"base_model": "m", "lora_rank": 4},
            "create_model": {"request_id": "made"},
            "load_weights": {"request_id": "loaded"},
            "retrieve_future": {"model_id": "s:train:0", "path": PATH},
        }
        return httpx.Response(200, json=answers.get(operation, {}))


def test_a_corrupted_run_is_gone_on_from_its_last_checkpoint() -> None:
    events: list[Any] = []

    async def program(service: AsyncServiceClient) -> Outcome[AsyncTrainingClient]:
        return await service.recover_training_client("run-1", RecoveryPolicy(poll_interval=60))

    server = Server()
    trainer = simulate(program, server, observe=events.append).unwrap()
    noticed = next(event for event in events if isinstance(event, RunCorrupted))
    assert (trainer.model_id, noticed.checkpoint, round(noticed.at)) == ("s:train:0", PATH, 120)
    assert [each for each in server.operations if each in {"weights_info", "create_model", "load_weights"}] == [
        "weights_info",
        "create_model",
        "load_weights",
    ]


def test_a_policy_that_can_not_be_followed_sends_nothing() -> None:
    async def program(service: AsyncServiceClient) -> Outcome[AsyncTrainingClient]:
        return await service.recover_training_client("run-1", RecoveryPolicy(checkpoint="best"))

    server = Server()
    error = simulate(program, server).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, server.operations) == ("recovery.checkpoint", [])
