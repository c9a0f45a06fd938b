"""Clients and promises show what they are of, and no secret."""

from __future__ import annotations

from tinkex_py import (
    AsyncServiceClient,
    ModelInput,
    RestClient,
    SamplingParams,
    ServiceClient,
    or_raise,
)

TEXT = ModelInput.from_ints([1, 2])


def test_a_client_says_where_its_server_is() -> None:
    service = ServiceClient(base_url="http://server.test/a", api_key="tml-key")
    assert repr(service) == "<ServiceClient of http://server.test/a>"
    assert repr(RestClient.beside(service)) == "<RestClient of http://server.test/a>"
    other = AsyncServiceClient(base_url="http://server.test", api_key="tml-key")
    assert repr(other) == "<AsyncServiceClient of http://server.test>"


def test_a_client_shows_no_secret_that_is_in_a_wrong_place() -> None:
    shown = repr(ServiceClient(base_url="http://me:hush@server.test", api_key="tml-hush"))
    assert "hush" not in shown


def test_trainers_samplers_and_promises_say_what_they_are_of() -> None:
    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
        sampler = or_raise(service.create_sampling_client(base_model="tinkex/tiny-random"))
        promise = sampler.sample(TEXT, 1, SamplingParams(max_tokens=1))
        assert promise.result().map(lambda answer: len(answer.sequences)).unwrap() == 1
        session = trainer.model_id.partition(":")[0]
        shown = [repr(trainer), repr(sampler), repr(promise)]
    assert shown == [
        f"<TrainingClient of {session}:train:0>",
        f"<SamplingClient of {session}:sample:0>",
        "<Promise, done>",
    ]


def test_a_promise_says_that_it_is_pending() -> None:
    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
        watched = service.recover_training_client(trainer.model_id)
        shown = repr(watched)
        watched.cancel()
    assert shown == "<Promise, pending>"
