"""On a real port: how many requests things take, how they fail, and what can be done then."""

from __future__ import annotations

import socket
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from returns.result import Success

from tests.clients.fronts import Busy, Front, error_of, refusing
from tests.local_server.driving import RANDOM
from tests.local_server.ports import serving
from tinkex_py import AdamParams, Config, Datum, ModelInput, SamplingParams, ServiceClient, errors, or_raise
from tinkex_py.clients.rest import RestClient

DATA = [Datum(ModelInput.from_ints([token, 2]), {"target_tokens": [token, 2]}) for token in range(5)]
PARAMS = AdamParams(learning_rate=0.01)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with serving(Path(tmp_path_factory.mktemp("checkpoints"))) as (_, client):
        yield str(client.base_url).removesuffix("/api/v1/")


def service(address: str, front: httpx.AsyncBaseTransport) -> ServiceClient:
    return ServiceClient(Config(base_url=address, api_key="tml-test"), transport=front)


def test_a_checkpoint_that_is_public_already_is_published_with_one_request(address: str) -> None:
    front = Front(httpx.AsyncHTTPTransport())
    with service(address, front) as client:
        trainer = or_raise(client.create_lora_training_client(RANDOM, rank=2))
        path = or_raise(trainer.save_state("a").result()).path
        rest = RestClient.beside(client)
        assert isinstance(rest.publish_checkpoint_from_tinker_path(path), Success)
        again = rest.publish_checkpoint_from_tinker_path(path)
    assert error_of(errors.Conflict, again).attempts == 1
    assert front.asked.count("publish") == 2


def test_a_server_that_is_down_is_a_failed_connection_within_the_time_there_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with ServiceClient(Config(base_url=address, api_key="tml-test")) as client:
        failed = [
            client.create_lora_training_client(RANDOM, timeout=0.8),
            client.create_sampling_client(base_model=RANDOM, timeout=0.8),
            client.get_server_capabilities(timeout=0.8),
        ]
    found = [error_of(errors.ConnectionFailed, outcome) for outcome in failed]
    assert all(0 < error.elapsed <= 0.8 for error in found)


@pytest.mark.parametrize(("together", "taken"), [(False, (1, 2)), (True, (1, 2, 4, 5))], ids=["in turn", "together"])
def test_after_a_refused_chunk_nothing_is_lost_and_nothing_waits(
    address: str, *, together: bool, taken: tuple[int, ...]
) -> None:
    refusal = refusing("forward_backward", 4)  # the first is asked about the encoding
    limits = {"fwdbwd_max_chunk_len": 1, "parallel_fwdbwd_chunks": together}
    with service(address, Front(httpx.AsyncHTTPTransport(), refusal, **limits)) as client:
        trainer = or_raise(client.create_lora_training_client(RANDOM, rank=2))
        batch = trainer.forward_backward(DATA, "cross_entropy").result()
        update = trainer.optim_step(PARAMS).result()
        accepted = trainer.optim_step(PARAMS, accept_partial=True).result()
        next_batch = trainer.forward_backward(DATA, "cross_entropy").result()
        next_update = trainer.optim_step(PARAMS).result()
    assert [error_of(errors.OutOfSequence, outcome).taken for outcome in (batch, update)] == [taken] * 2
    assert [type(outcome) for outcome in (accepted, next_batch, next_update)] == [Success] * 3


def sampled(client: ServiceClient, count: int) -> list[type]:
    """So many samples at once: what became of them."""
    sampler = or_raise(client.create_sampling_client(base_model=RANDOM))
    prompt, params = ModelInput.from_ints([1, 2]), SamplingParams(max_tokens=1)
    promises = [sampler.sample(prompt, 1, params) for _ in range(count)]
    return [type(promise.result()) for promise in promises]


def test_two_thousand_samples_at_once_all_come_and_none_twice(address: str) -> None:
    front = Busy(httpx.AsyncHTTPTransport(), first=60, sample_max_concurrent_requests=40)
    with service(address, front) as client:
        assert sampled(client, 2000) == [Success] * 2000
    assert (set(front.taken), set(front.taken.values())) == (set(range(2000)), {1})
    assert sum(front.seen.values()) - 2000 == 60 // 3
    assert front.most <= 40
