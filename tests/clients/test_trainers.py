"""Training clients, called as the official SDK's are: samplers of their weights, and optimizer steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from returns.result import Success

from tests.clients.servers import Keeping, keeping
from tinkex_py import (
    AdamParams,
    Config,
    DimuonParams,
    ModelInput,
    Outcome,
    RetryConfig,
    SamplingClient,
    SamplingParams,
    ServiceClient,
    errors,
    or_raise,
)
from tinkex_py.clients.training import TrainingClient

Sampled: TypeAlias = Callable[[TrainingClient], Outcome[SamplingClient]]

ENDED: dict[str, object] = {
    "path": "tinker://m/sampler_weights/a",
    "metrics": {"norm": 0.5},
    "sequences": [{"tokens": [7], "stop_reason": "length"}],
}
PATIENT = RetryConfig(max_connections=3)
SAMPLERS: dict[str, tuple[Sampled, dict[str, object]]] = {
    "a snapshot": (
        lambda trainer: trainer.save_weights_and_get_sampling_client("mine", PATIENT, True),
        {"sampling_session_id": "q"},
    ),
    "a snapshot with a path": (
        lambda trainer: trainer.save_weights_and_get_sampling_client(record_stability_info=True),
        {},
    ),
    "weights in flight": (
        lambda trainer: trainer.save_weights_and_get_sampling_client(None, None, True, "inflight"),
        {"sampling_session_id": "q"},
    ),
    "saved weights": (
        lambda trainer: trainer.create_sampling_client("tinker://m/sampler_weights/a", PATIENT, True),
        {},
    ),
}


def answering(**ended: object) -> dict[str, tuple[int, object]]:
    """Answers of a server whose promises all end alike."""
    promised = dict.fromkeys(("save_weights_for_sampler", "optim_step"), (200, {"request_id": "r"}))
    return {**promised, "retrieve_future": (200, {**ENDED, **ended})}


def trainer_of(service: ServiceClient) -> TrainingClient:
    return TrainingClient(service.context, service.context.run("m", "base"))


def opened(server: Keeping) -> ServiceClient:
    return ServiceClient(Config(base_url=server.address, api_key="tml-key"))


@pytest.mark.parametrize(("sampled", "ended"), SAMPLERS.values(), ids=SAMPLERS)
def test_samplers_of_a_trainer_record_what_stable_training_needs(sampled: Sampled, ended: dict[str, object]) -> None:
    with keeping(answering(**ended)) as server, opened(server) as service:
        sampler = or_raise(sampled(trainer_of(service)))
        _ = or_raise(sampler.sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=1)).result())
        assert [body.get("record_stability_info") for body in server.bodies("asample")] == [True]


def test_what_is_sampled_from_right_away_has_no_name() -> None:
    with keeping(answering(sampling_session_id="q")) as server, opened(server) as service:
        trainer = trainer_of(service)
        _ = or_raise(trainer.save_weights_and_get_sampling_client("mine"))
        _ = or_raise(trainer.save_weights_and_get_sampling_client())
        named, nameless = server.bodies("save_weights_for_sampler")
    numbers = ("seq_id", "sampling_session_seq_id")
    assert {**named, **{each: nameless[each] for each in numbers}} == nameless
    assert "mine" not in named.values()


def test_the_settings_of_a_step_go_by_either_name() -> None:
    with keeping(answering()) as server, opened(server) as service:
        trainer, params = trainer_of(service), AdamParams(learning_rate=0.5)
        steps = [trainer.optim_step(params), trainer.optim_step(optim_params=params)]
        steps.append(trainer.optim_step(adam_params=params))
        assert {type(step.result()) for step in steps} == {Success}
        assert [body["adam_params"]["learning_rate"] for body in server.bodies("optim_step")] == [0.5] * 3


UNCLEAR: dict[str, tuple[dict[str, object], str, str]] = {
    "neither": ({}, "optim_params", "give AdamParams, DimuonParams or an OtherOptimizer"),
    "both": (
        {"optim_params": DimuonParams(learning_rate=1.0), "adam_params": AdamParams()},
        "adam_params",
        "another name of optim_params; give one of the two",
    ),
    "out of range": ({"optim_params": AdamParams(beta1=1.0)}, "optim_params.beta1", "from 0 up to"),
    "out of range by the other name": ({"adam_params": AdamParams(beta1=1.0)}, "adam_params.beta1", "from 0 up to"),
    "of another optimizer": ({"adam_params": DimuonParams(learning_rate=1.0)}, "adam_params", "as optim_params"),
}


@pytest.mark.parametrize(("given", "path", "remedy"), UNCLEAR.values(), ids=UNCLEAR)
def test_settings_of_a_step_that_are_unclear_are_refused(given: dict[str, object], path: str, remedy: str) -> None:
    with keeping() as server, opened(server) as service:
        error = trainer_of(service).optim_step(**given).result().failure()  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
        assert isinstance(error, errors.InvalidInput)
        assert (error.path, error.message.startswith(path), remedy in error.message) == (path, True, True)
        assert server.bodies("optim_step") == []
