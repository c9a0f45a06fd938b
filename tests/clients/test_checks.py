"""Clients look at what the server can do before they ask for it, and stop asking a server that is not well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from returns.result import Failure

from tinkex_py import Config, ModelInput, Outcome, RecoveryPolicy, SamplingParams, ServiceClient, errors, or_raise
from tinkex_py.plans.effects import pure

MODELS = {
    "supported_models": [
        {"model_name": "fixed", "trainable": False, "sampleable": True, "max_context_length": 8},
        {"model_name": "soft", "trainable": True, "sampleable": False},
    ]
}


class Server:
    """Lists two models, opens sessions and samplers, and keeps the names of what it was asked for."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        self.asked.append(name)
        answers = {
            "get_server_capabilities": MODELS,
            "create_session": {"session_id": "s"},
            "weights_info": {"base_model": "fixed", "is_lora": True, "lora_rank": 4},
            "run": {"training_run_id": "run", "base_model": "fixed", "corrupted": True},
            "create_sampling_session": {"sampling_session_id": "s:sample:0"},
        }
        return httpx.Response(self.status, json=answers.get(name, {}))


def service(server: Server, **settings: bool | int) -> ServiceClient:
    config = Config(base_url="http://server.test", api_key="tml-key", max_attempts=1, **settings)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - of two kinds
    return ServiceClient(config, transport=httpx.MockTransport(server))


def test_what_the_server_denies_is_not_asked_for() -> None:
    server = Server()
    with service(server) as client:
        outcomes = [
            client.create_lora_training_client("fixed"),
            client.create_sampling_client(base_model="soft"),
        ]
    assert [type(each.failure()) for each in outcomes if isinstance(each, Failure)] == [errors.CapabilityMissing] * 2
    assert server.asked.count("get_server_capabilities") == 1
    assert "create_session" not in server.asked


PATH = "tinker://run/weights/a"
RESTORED: dict[str, Callable[[ServiceClient], Outcome[Any]]] = {
    "what it was trained on": lambda client: client.create_training_client_from_state(PATH),
    "with its optimizer": lambda client: client.create_training_client_from_state_with_optimizer(PATH),
    "another": lambda client: client.create_training_client_from_state(PATH, base_model="fixed"),
    "by one request": lambda client: client.create_training_client_from_state(PATH, base_model="fixed", by_load=True),
    "recovered": lambda client: client.recover_training_client("run", RecoveryPolicy(checkpoint=PATH)).result(),
}


@pytest.mark.parametrize("restore", RESTORED.values(), ids=RESTORED)
def test_a_checkpoint_is_not_loaded_into_a_model_that_the_server_does_not_train(
    restore: Callable[[ServiceClient], Outcome[Any]],
) -> None:
    server = Server()
    with service(server) as client:
        refused = restore(client).failure()
    assert isinstance(refused, errors.CapabilityMissing)
    assert refused.capability == "trainable"
    assert {"create_session", "create_model", "load_weights"}.isdisjoint(server.asked)


def test_a_prompt_that_does_not_fit_is_not_sent() -> None:
    server = Server()
    with service(server) as client:
        sampler = or_raise(client.create_sampling_client(base_model="fixed"))
        refused = sampler.sample(ModelInput.from_ints([1] * 6), 1, SamplingParams(max_tokens=3)).result()
    assert isinstance(refused.failure(), errors.CapabilityMissing)
    assert "asample" not in server.asked


def test_a_number_of_any_width_is_added_to_the_prompt() -> None:
    few: Any = np.uint8(200)
    server = Server()
    with service(server) as client:
        sampler = or_raise(client.create_sampling_client(base_model="fixed"))
        refused = sampler.sample(ModelInput.from_ints([1] * 300), 1, SamplingParams(max_tokens=few)).result()
    assert "needs 500 tokens" in refused.failure().message


def test_a_prompt_that_fills_the_context_has_log_probabilities() -> None:
    with ServiceClient.local() as client:
        sampler = or_raise(client.create_sampling_client(base_model="tinkex/tiny-random"))
        assert len(or_raise(sampler.compute_logprobs(ModelInput.from_ints([1] * 2048)).result())) == 2048
        refused = sampler.compute_logprobs(ModelInput.from_ints([1] * 2049)).result()
    assert isinstance(refused.failure(), errors.CapabilityMissing)


def test_arguments_are_numbers_of_python_s_own() -> None:
    few: Any = np.uint8(200)
    seconds: Any = np.float32(9)
    server = Server()
    with service(server) as client:
        sampler = or_raise(client.create_sampling_client(base_model="fixed"))
        refused = sampler.compute_logprobs(ModelInput.from_ints([1] * 100), few).result(seconds)
    assert refused.failure().message == "prompt_logprobs_last_n is 200: give 99 at most"


def test_a_bad_question_sends_nothing() -> None:
    server = Server()
    with service(server) as client:
        sampler = or_raise(client.create_sampling_client(base_model="fixed"))
        refused = sampler.sample(ModelInput.from_ints([1]), 0, SamplingParams(max_tokens=3)).result()
    assert isinstance(refused.failure(), errors.InvalidInput)
    assert "asample" not in server.asked


def test_checks_can_be_switched_off() -> None:
    server = Server()
    with service(server, check_capabilities=False) as client:
        or_raise(client.create_sampling_client(base_model="soft"))
    assert "get_server_capabilities" not in server.asked


def test_a_circuit_that_is_asked_for_opens() -> None:
    server = Server(500)
    with service(server, circuit_failures=2) as client:
        outcomes = [client.get_server_capabilities() for _ in range(4)]
    kinds = [type(each.failure()) for each in outcomes if isinstance(each, Failure)]
    assert kinds == [errors.ServerFault] * 2 + [errors.CircuitOpen] * 2


def test_operations_that_send_nothing_do_not_keep_a_circuit_closed() -> None:
    server = Server(500)
    with service(server, circuit_failures=2) as client:
        first = client.get_server_capabilities()
        or_raise(client.create_rest_client())
        or_raise(client.execute(pure(5)))
        outcomes = [first, client.create_lora_training_client("m", rank=0), *ask_twice(client)]
    kinds = [type(each.failure()) for each in outcomes if isinstance(each, Failure)]
    assert kinds == [errors.ServerFault, errors.InvalidInput, errors.ServerFault, errors.CircuitOpen]


def ask_twice(client: ServiceClient) -> list[Outcome[object]]:
    return [client.get_server_capabilities(), client.get_server_capabilities()]
