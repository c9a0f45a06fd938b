"""Clients of the embedded server, in virtual time: what is refused, late or closed in the middle."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

import httpx
import numpy as np
import pytest
from returns.result import Failure, Success

from tests.clients.fronts import Busy, Front, error_of, refusing
from tinkex_py import (
    AdamParams,
    AsyncServiceClient,
    AsyncTrainingClient,
    Config,
    Datum,
    ModelInput,
    Outcome,
    RetryConfig,
    SamplingParams,
    TensorData,
    errors,
    or_raise,
)
from tinkex_py.clients.rest import AsyncRestClient
from tinkex_py.runtime.opening import IN_PROCESS
from tinkex_py.testing.network import Fault, Network
from tinkex_py.testing.simulation import simulate
from tinkex_py.types import SessionSearchRequest

T = TypeVar("T")
Program: TypeAlias = Callable[[AsyncTrainingClient], Coroutine[Any, Any, T]]

RANDOM = "tinkex/tiny-random"
UPDATE = AdamParams(learning_rate=0.01)


def example(token: int) -> Datum:
    return Datum(ModelInput.from_ints([token, 2, 3]), {"target_tokens": [token, 2, 3]})


FIVE = [example(token) for token in range(5)]


def trained(program: Program[T], front: Front, **settings: Any) -> T:
    """What a program comes to that is given a new trainer."""

    async def run(service: AsyncServiceClient) -> T:
        return await program(or_raise(await service.create_lora_training_client(RANDOM, rank=2, seed=1)))

    return simulate(run, front, config=Config(base_url=IN_PROCESS, **settings))


def test_settings_of_a_simulated_client_need_no_address() -> None:
    async def program(service: AsyncServiceClient) -> Outcome[object]:
        return await service.create_lora_training_client(RANDOM, rank=2)

    assert isinstance(simulate(program, Network(), config=Config(max_attempts=2)), Success)


def test_who_gives_a_step_up_is_told_that_it_may_be_done_all_the_same() -> None:
    async def program(trainer: AsyncTrainingClient) -> list[Outcome[Any]]:
        late = await trainer.optim_step(UPDATE, timeout=1)
        cancelled = trainer.optim_step(UPDATE)
        await asyncio.sleep(1)
        cancelled.cancel()
        return [late, await cancelled, await trainer.forward(FIVE, "cross_entropy", timeout=1)]

    front = Front(Network(working=5))
    messages = [outcome.failure().message for outcome in trained(program, front)]
    late = "it may be done all the same, so don't submit it again; result(timeout=) ends the waiting only"
    assert front.accepted.count("optim_step") == 2
    assert messages == [
        f"optim_step: not done within 1 s; {late}",
        "the promise was cancelled; a training step may be done all the same, anything else may be submitted again",
        "forward: not done within 1 s; allow more with timeout=",
    ]


def chunked(refused: int, *, together: bool = False) -> Front:
    """One datum a chunk; one chunk is refused."""
    refusal = refusing("forward_backward", refused + 1)  # the first is asked about the encoding
    return Front(Network(), refusal, fwdbwd_max_chunk_len=1, parallel_fwdbwd_chunks=together)


async def whole_again(trainer: AsyncTrainingClient) -> list[Outcome[Any]]:
    """A batch that is refused in part, and what can be done then."""
    return [
        await trainer.forward_backward(FIVE, "cross_entropy"),
        await trainer.optim_step(UPDATE),
        await trainer.optim_step(UPDATE, accept_partial=True),
        await trainer.forward_backward(FIVE, "cross_entropy"),
        await trainer.optim_step(UPDATE),
    ]


@pytest.mark.parametrize(("together", "taken"), [(False, (1, 2)), (True, (1, 2, 4, 5))], ids=["in turn", "together"])
def test_a_refused_chunk_lists_what_was_taken_and_later_steps_go_on(*, together: bool, taken: tuple[int, ...]) -> None:
    batch, refused, *rest = trained(whole_again, chunked(3, together=together))
    assert [error_of(errors.OutOfSequence, outcome).taken for outcome in (batch, refused)] == [taken] * 2
    assert [type(outcome) for outcome in rest] == [Success] * 3


def test_results_are_the_same_in_however_many_chunks() -> None:
    async def program(trainer: AsyncTrainingClient) -> Any:
        return or_raise(await trainer.forward_backward(FIVE, "cross_entropy"))

    in_one, in_five = (trained(program, front) for front in (Front(Network()), chunked(0)))
    assert list(in_one.loss_fn_outputs) == list(in_five.loss_fn_outputs)
    assert in_one.metrics["loss:sum"] == pytest.approx(in_five.metrics["loss:sum"])


def mean_loss(data: Sequence[Datum], logprobs: Sequence[Any]) -> Any:
    """The mean of all log-probabilities, with its gradients."""
    count = sum(each.size for each in logprobs)
    mean = -sum(float(each.sum()) for each in logprobs) / count
    return mean, {"data": float(len(data))}, [np.full(each.shape, -1 / count) for each in logprobs]


def test_a_loss_of_ones_own_trains_and_one_that_fails_leaves_everything_as_it_was() -> None:
    def failing(_data: Sequence[Datum], _logprobs: Sequence[Any]) -> Any:
        raise ZeroDivisionError

    async def program(trainer: AsyncTrainingClient) -> list[Outcome[Any]]:
        steps = [mean_loss, failing, mean_loss]
        outcomes: list[Outcome[Any]] = []
        for loss in steps:
            outcomes.append(await trainer.forward_backward_custom(FIVE, loss, arrays="numpy"))
            outcomes.append(await trainer.optim_step(UPDATE))
        return outcomes

    first, _, failed, _, last, _ = trained(program, chunked(0))
    assert isinstance(failed.failure(), errors.CallbackFailed)
    assert last.unwrap().metrics["data"] == 5
    assert isinstance(first, Success)


def test_a_loss_of_ones_own_trains_on_sparse_targets_as_on_dense_ones() -> None:
    prompt = ModelInput.from_ints([1, 2, 3])
    sparse = Datum(prompt, {"target_tokens": TensorData([101, 102], "int64", (3, 40), (0, 1, 1, 2), (0, 1))})
    table = np.zeros((3, 40), np.int64)
    table[0, 0], table[2, 1] = 101, 102
    dense = Datum(prompt, {"target_tokens": table})

    def of_two(_data: Sequence[Datum], logprobs: Sequence[Any]) -> Any:
        (found,) = logprobs
        slope = np.ones_like(found)
        if slope.ndim == 2:
            slope *= table != 0
        return float((slope * found).sum()), {}, [slope]

    async def program(trainer: AsyncTrainingClient, datum: Datum) -> Any:
        losses = [or_raise(await trainer.forward_backward_custom([datum], of_two, arrays="numpy")).metrics["loss:sum"]]
        _ = or_raise(await trainer.optim_step(UPDATE))
        return [*losses, or_raise(await trainer.forward([datum], "cross_entropy")).loss_fn_outputs[0]["logprobs"].data]

    of_sparse, of_dense = (trained(partial(program, datum=datum), Front(Network())) for datum in (sparse, dense))
    assert of_sparse[0] == pytest.approx(of_dense[0])
    assert of_sparse[1] == pytest.approx(of_dense[1])


def test_a_client_closed_in_the_middle_of_a_batch_settles_everything() -> None:
    async def program(service: AsyncServiceClient) -> list[Outcome[Any]]:
        trainer = or_raise(await service.create_lora_training_client(RANDOM, rank=2))
        promises = [trainer.forward_backward(FIVE, "cross_entropy") for _ in range(3)]
        update = trainer.optim_step(UPDATE)
        await trainer.get_info()
        await service.close()
        return [*[await promise for promise in promises], await update, await trainer.optim_step(UPDATE)]

    front = Front(Network(working=5.0), fwdbwd_max_chunk_len=1, parallel_fwdbwd_chunks=False)
    outcomes = simulate(program, front)
    assert [type(outcome.failure()) for outcome in outcomes] == [errors.ClientClosed] * 5
    assert front.asked.count("optim_step") == 0


SLOW: dict[str, tuple[str, dict[str, float], float | None, float | None]] = {
    "making takes too long": ("create_model", {"call_timeout": 10}, None, 10),
    "its time is that of a call": ("create_model", {"timeout": 20}, None, 20),
    "loading takes too long": ("load_weights", {"load_timeout": 30, "call_timeout": 10}, None, 30),
    "loading takes its time": ("load_weights", {"call_timeout": 10}, None, None),
    "the caller's time is for both": ("load_weights", {"load_timeout": 30}, 15, 15),
}


@pytest.mark.parametrize(("late", "settings", "timeout", "ends"), SLOW.values(), ids=SLOW)
def test_making_a_client_and_loading_have_times_of_their_own(
    late: str, settings: dict[str, float], timeout: float | None, ends: float | None
) -> None:
    async def program(trainer: AsyncTrainingClient) -> tuple[Outcome[Any], float]:
        saved = or_raise(await trainer.save_state("a"))
        begun = asyncio.get_running_loop().time()
        making = AsyncServiceClient.from_context(trainer.context).create_training_client_from_state
        return await making(saved.path, timeout=timeout), asyncio.get_running_loop().time() - begun

    first = 2 if late == "create_model" else 1
    front = Front(Network(), refusing(late, *range(first, first + 10), status=503))
    outcome, elapsed = trained(program, front, **settings)
    assert isinstance(outcome, Success) if ends is None else isinstance(outcome, Failure)
    assert ends is None or ends / 2 < elapsed <= ends + 1


CHECKPOINT = "tinker://a/weights/b"
MAKING: dict[str, Callable[[AsyncTrainingClient, AsyncServiceClient, float], Awaitable[Outcome[Any]]]] = {
    "a trainer": lambda _, service, seconds: service.create_lora_training_client(RANDOM, timeout=seconds),
    "of a checkpoint": lambda _, service, seconds: service.create_training_client_from_state(
        CHECKPOINT, timeout=seconds
    ),
    "by loading": lambda _, service, seconds: service.create_training_client_from_state_with_optimizer(
        CHECKPOINT, by_load=True, timeout=seconds
    ),
    "a sampler": lambda _, service, seconds: service.create_sampling_client(base_model=RANDOM, timeout=seconds),
    "a trainer's sampler": lambda trainer, _, seconds: trainer.create_sampling_client(CHECKPOINT, timeout=seconds),
}


@pytest.mark.parametrize("make", MAKING.values(), ids=MAKING)
@pytest.mark.parametrize("seconds", [0, -1.5])
def test_making_a_client_in_no_time_is_over_at_once(
    make: Callable[[AsyncTrainingClient, AsyncServiceClient, float], Awaitable[Outcome[Any]]], seconds: float
) -> None:
    async def program(trainer: AsyncTrainingClient) -> tuple[Outcome[Any], float]:
        begun = asyncio.get_running_loop().time()
        outcome = await make(trainer, AsyncServiceClient.from_context(trainer.context), seconds)
        return outcome, asyncio.get_running_loop().time() - begun

    outcome, elapsed = trained(program, Front(Network()), call_timeout=10, load_timeout=30)
    assert (error_of(errors.DeadlineExceeded, outcome).seconds, elapsed) == (seconds, 0.0)


def test_samplers_of_a_trainer_know_what_fits() -> None:
    async def program(service: AsyncServiceClient) -> list[Outcome[Any]]:
        trainer = or_raise(await service.create_lora_training_client(RANDOM, rank=2))
        saved = or_raise(await trainer.save_weights_for_sampler("a"))
        wishes = RetryConfig(max_connections=3)
        samplers = [
            or_raise(await trainer.save_weights_and_get_sampling_client(retry_config=wishes)),
            or_raise(await trainer.create_sampling_client(saved.path or "", wishes)),
            or_raise(await service.create_sampling_client(saved.path)),
        ]
        much = SamplingParams(max_tokens=100_000)
        fitting = await samplers[2].sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=2))
        return [*[await each.sample(ModelInput.from_ints([1]), 1, much) for each in samplers], fitting]

    front = Front(Network())
    *refused, fitting = simulate(program, front)
    assert [type(outcome.failure()) for outcome in refused] == [errors.CapabilityMissing] * 3
    assert (type(fitting), front.asked.count("asample")) == (Success, 1)


def test_wishes_about_failed_samples_are_looked_at_first() -> None:
    async def program(trainer: AsyncTrainingClient) -> list[Outcome[Any]]:
        unclear = RetryConfig(max_connections=0)
        return [
            await trainer.save_weights_and_get_sampling_client(retry_config=unclear),
            await trainer.create_sampling_client("tinker://a/sampler_weights/b", unclear),
        ]

    front = Front(Network())
    paths = [error_of(errors.InvalidInput, outcome).path for outcome in trained(program, front)]
    assert paths == ["retry_config.max_connections"] * 2
    assert "save_weights_for_sampler" not in front.asked


def test_a_promise_is_polled_from_its_creation_on_though_nobody_waits_for_it() -> None:
    front = Front(Network())

    async def program(trainer: AsyncTrainingClient) -> tuple[bool, Outcome[Any]]:
        before = front.asked.count("retrieve_future")
        promise = trainer.forward_backward(FIVE, "cross_entropy")
        await asyncio.sleep(60)
        assert front.asked.count("retrieve_future") > before
        return promise.done(), await promise.result(timeout=0)

    done, outcome = trained(program, front)
    assert (done, type(outcome)) == (True, Success)


def test_two_thousand_samples_at_once_all_come_and_none_twice() -> None:
    async def program(service: AsyncServiceClient) -> list[type]:
        sampler = or_raise(await service.create_sampling_client(base_model=RANDOM))
        promises = [sampler.sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=1)) for _ in range(2000)]
        return [type(await promise) for promise in promises]

    front = Busy(Network(working=0.001), first=2000, sample_max_concurrent_requests=500)
    assert simulate(program, front) == [Success] * 2000
    assert (set(front.taken), set(front.taken.values())) == (set(range(2000)), {1})
    assert sum(front.seen.values()) == 2000 + 667
    assert front.most <= 500


BAD = "\ud800"
Asking: TypeAlias = Callable[[AsyncServiceClient, AsyncTrainingClient], Any]
UNWRITABLE: dict[str, tuple[Asking, str]] = {
    "loss": (lambda _, trainer: trainer.forward(FIVE, BAD), "loss_fn"),
    "loss input": (
        lambda _, trainer: trainer.forward([Datum(ModelInput.from_ints([1]), {BAD: [1.0]})], "ppo"),
        "data[0].loss_fn_inputs",
    ),
    "metadata of a checkpoint": (
        lambda _, trainer: trainer.save_state("a", user_metadata={"k": BAD}),
        "user_metadata.k",
    ),
    "name of metadata": (lambda _, trainer: trainer.save_state("a", user_metadata={BAD: "v"}), "user_metadata"),
    "metadata of a model": (
        lambda service, _: service.create_lora_training_client(RANDOM, user_metadata={"k": BAD}),
        "user_metadata.k",
    ),
    "token": (
        lambda _, trainer: trainer.load_state("tinker://a/weights/b", weights_access_token=BAD),
        "weights_access_token",
    ),
    "path": (lambda service, _: service.create_sampling_client(f"tinker://{BAD}"), "model_path"),
}


@pytest.mark.parametrize(("asking", "path"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_texts_without_bytes_are_refused_where_they_stand(asking: Asking, path: str) -> None:
    async def program(service: AsyncServiceClient) -> tuple[Any, Any]:
        trainer = or_raise(await service.create_lora_training_client(RANDOM, rank=2))
        return await asking(service, trainer), await trainer.optim_step(UPDATE)

    refused, next_step = simulate(program, Network())
    assert error_of(errors.InvalidInput, refused).path == path
    assert isinstance(next_step, Success)


def test_looking_at_weights_changes_nothing() -> None:
    async def program(service: AsyncServiceClient) -> list[bytes | None]:
        trainer = or_raise(await service.create_lora_training_client(RANDOM, rank=2, seed=1))
        seen = [network.weights(trainer.model_id), network.weights(trainer.model_id)]
        for number in range(2):
            _ = or_raise(await trainer.save_state(f"{number}"))
            _ = or_raise(await trainer.forward_backward(FIVE, "cross_entropy"))
            _ = or_raise(await trainer.optim_step(UPDATE))
            _ = or_raise(await AsyncRestClient.beside(service).delete_checkpoint(trainer.model_id, f"weights/{number}"))
            seen.append(network.weights(trainer.model_id))
        return [*seen, network.weights("another")]

    network = Network()
    first, again, once, twice, another = simulate(program, network)
    assert (first == again, another) == (True, None)
    assert len({first, once, twice, None}) == 4


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "kind": ({"kind": "refussed"}, "kind is 'refussed': there are nothing, late, refused, lost,"),
    "seconds": ({"kind": "late", "seconds": "5"}, "seconds is '5': give a number of seconds"),
    "status": ({"kind": "status", "status": 99}, "status is 99: give a status from 200 to 599"),
    "retry_after": ({"kind": "status", "retry_after": 5}, "retry_after is 5: give a text, as a header has it"),
}


@pytest.mark.parametrize(("given", "said"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_fault_that_can_not_happen_is_refused_when_it_is_made(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        _ = Fault(**given)


def test_what_is_no_fault_is_refused_when_the_network_is_made() -> None:
    kinds: Any = ["refused"]
    with pytest.raises(TypeError, match="'refused': give each as Fault"):
        _ = Network(kinds)


def test_a_network_that_is_none_never_leads_to_a_real_one() -> None:
    async def program(service: AsyncServiceClient) -> object:
        return await service.get_server_capabilities()

    for given in (None, Network, httpx.HTTPTransport()):
        nothing: Any = given
        with pytest.raises(TypeError, match=r"give a Network\(\)"):
            _ = simulate(program, nothing)


UNUSABLE: dict[str, dict[str, Any]] = {
    "max_attempts": {"config": Config(max_attempts=0)},
    "base_url": {"config": Config(base_url="nowhere")},
    "user_metadata": {"user_metadata": {"a": 1}},
}


@pytest.mark.parametrize("setting", UNUSABLE)
def test_settings_that_can_not_work_are_the_outcome_in_a_simulation_too(setting: str) -> None:
    async def program(service: AsyncServiceClient) -> Outcome[object]:
        return await service.get_server_capabilities()

    assert error_of(errors.InvalidConfig, simulate(program, Network(), **UNUSABLE[setting])).setting == setting


@pytest.mark.parametrize("given", [{"config": Config(user_metadata={"a": "b"})}, {"user_metadata": {"a": "b"}}])
def test_a_simulated_session_says_who_uses_it(given: dict[str, Any]) -> None:
    async def program(service: AsyncServiceClient) -> object:
        sessions = or_raise(await AsyncRestClient.beside(service).list_sessions()).sessions
        return or_raise(await AsyncRestClient.beside(service).get_session(sessions[0])).user_metadata

    async def trained(service: AsyncServiceClient) -> object:
        _ = or_raise(await service.create_lora_training_client(RANDOM, rank=2))
        return await program(service)

    assert simulate(trained, Network(), **given) == {"a": "b"}


def test_a_program_that_is_started_again_meets_what_it_left() -> None:
    async def first(service: AsyncServiceClient) -> tuple[str, Any]:
        trainer = or_raise(await service.create_lora_training_client(RANDOM, rank=2, seed=1))
        _ = or_raise(await trainer.forward_backward(FIVE, "cross_entropy"))
        _ = or_raise(await trainer.optim_step(UPDATE))
        await asyncio.sleep(60)
        saved = or_raise(await trainer.save_state("first"))
        return saved.path, or_raise(await trainer.forward(FIVE, "cross_entropy")).metrics

    async def second(service: AsyncServiceClient, path: str) -> tuple[str, Any, list[float]]:
        trainer = or_raise(await service.create_training_client_from_state_with_optimizer(path))
        metrics = or_raise(await trainer.forward(FIVE, "cross_entropy")).metrics
        saved = or_raise(await trainer.save_state("second"))
        listed = or_raise(await AsyncRestClient.beside(service).list_user_checkpoints()).checkpoints
        return saved.path, metrics, [each.time.timestamp() for each in listed if each.time is not None]

    network = Network()
    path, left = simulate(first, network)
    assert list(network.directory.rglob("*first*"))
    another, found, times = simulate(partial(second, path=path), network)
    assert found == left
    assert another.rpartition("/")[2] == "second"
    assert all(60 <= each < 120 for each in times)
    assert network.lives == 2


@pytest.mark.parametrize("before", [0, 1])
def test_the_first_exchange_of_a_simulation_may_find_the_clock_set(before: int) -> None:
    async def begun(service: AsyncServiceClient) -> list[float]:
        _ = or_raise(await service.create_sampling_client(base_model=RANDOM))
        found = or_raise(await AsyncRestClient.beside(service).search_sessions(SessionSearchRequest()))
        return [each.created_at.timestamp() for each in found.sessions if each.created_at is not None]

    async def nothing(_: AsyncServiceClient) -> None:
        return None

    network = Network([Fault(kind="wall clock", seconds=3600)])
    for _ in range(before):
        simulate(nothing, network)
    (created,) = simulate(begun, network)
    assert 3600 <= created < 3660


def test_a_network_that_nobody_holds_any_more_leaves_nothing() -> None:
    network = Network()
    directory = network.directory
    assert directory.exists()
    del network
    _ = gc.collect()
    assert not directory.exists()
