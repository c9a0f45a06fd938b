"""The public API in use, checked by mypy and pyright and never run."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, assert_never, assert_type

from tinkex_py import (
    AdamParams,
    AsyncPromise,
    AsyncSamplingClient,
    AsyncServiceClient,
    AsyncTrainingClient,
    Datum,
    DimuonOptimizerConfig,
    DimuonParams,
    Failure,
    ForwardBackwardOutput,
    LossHandle,
    ModelInput,
    Outcome,
    Promise,
    RecoveryPolicy,
    SampleResponse,
    SamplingClient,
    SamplingParams,
    ServiceClient,
    Success,
    TinkerError,
    TrainingClient,
    as_tuple,
    change,
    or_raise,
    then,
)
from tinkex_py.endpoints.service import get_server_capabilities, healthz
from tinkex_py.errors import LocalError, RequestError, StatusError
from tinkex_py.events import AnyEvent, PromiseSettled
from tinkex_py.losses import L2, RegularizerSpec
from tinkex_py.observers.metrics import Metrics
from tinkex_py.request import Request
from tinkex_py.types import GetInfoResponse, OptimStepResponse, SaveWeightsExternalResponse
from tinkex_py.types.telemetry import TelemetryCounts


def blocking(service: ServiceClient, data: list[Datum]) -> str:
    assert_type(service.create_lora_training_client("m", rank=8), Outcome[TrainingClient])
    assert_type(service.create_sampling_client(base_model="m"), Outcome[SamplingClient])
    match service.create_lora_training_client("m"):
        case Success(trainer):
            assert_type(trainer, TrainingClient)
            assert_type(trainer.forward_backward(data, "cross_entropy"), Promise[ForwardBackwardOutput])
            assert_type(trainer.forward(data, "ppo").result(), Outcome[ForwardBackwardOutput])
            assert_type(trainer.save_weights_and_get_sampling_client(), Outcome[SamplingClient])
            return trainer.model_id
        case Failure(error):
            assert_type(error, TinkerError)
            return error.message


async def awaited(service: AsyncServiceClient) -> str:
    assert_type(service.create_lora_training_client("m"), Coroutine[Any, Any, Outcome[AsyncTrainingClient]]).close()
    match await service.create_sampling_client(base_model="m"):
        case Success(sampler):
            assert_type(sampler, AsyncSamplingClient)
            promise = sampler.sample(ModelInput.from_ints([1]), 1, SamplingParams())
            _ = assert_type(promise, AsyncPromise[SampleResponse])
            assert_type(await promise, Outcome[SampleResponse])
            assert_type(await promise.result(timeout=5), Outcome[SampleResponse])
            return ""
        case Failure(error):
            return error.message


def every_error(error: TinkerError) -> str:
    """A match by the groups of the union is exhaustive."""
    if isinstance(error, RequestError):
        return error.endpoint or ""
    assert_type(error, LocalError)
    return error.message


def exhaustive(outcome: Outcome[int]) -> int:
    match outcome:
        case Success(value):
            return value
        case Failure():
            return 0
        case _:
            assert_never(outcome)


def forgotten(outcome: Outcome[int]) -> int:  # type: ignore[return] # pyright: ignore[reportReturnType] - Failure is missing
    match outcome:  # type: ignore[exhaustive-match] # pyright: ignore[reportMatchNotExhaustive] - Failure is missing
        case Success(value):
            return value


def status_of(error: StatusError) -> int:
    return error.status


def misused(service: ServiceClient) -> None:
    service.create_lora_training_client("m", ranks=8)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] - no such name
    AdamParams(learning_rate="fast")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - not a number
    kind, _ = as_tuple(service.get_server_capabilities())
    assert kind in {"ok", "error"}


async def noting(event: AnyEvent) -> None:
    match event:
        case PromiseSettled(error=error):
            assert_type(error, TinkerError | None)
        case _:
            pass


def watched(service: ServiceClient, sampler: SamplingClient) -> None:
    assert_type(ServiceClient(observers=[noting, Metrics(), print]), ServiceClient)
    assert_type(service.get_telemetry(), TelemetryCounts)
    assert_type(sampler.get_sampler_handle(), Outcome[str])
    assert_type(SamplingClient.from_sampler_handle(""), Outcome[SamplingClient])
    assert_type(AsyncSamplingClient.from_sampler_handle(""), Outcome[AsyncSamplingClient])
    assert_type(service.close("errored", "why"), None)
    service.close("badly")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - no such ending


def of_ones_own(service: ServiceClient, trainer: TrainingClient, data: list[Datum]) -> None:
    def mine(logprobs: Any, weights: Any) -> tuple[Any, dict[str, Any]]:
        return (logprobs * weights).sum(), {}

    made = assert_type(service.create_custom_loss(mine, {"logprobs": 1, "weights": 1}), Outcome[LossHandle])
    handle = or_raise(made)
    assert_type(trainer.forward_backward_custom(data, handle), Promise[ForwardBackwardOutput])
    assert_type(trainer.forward_backward(data, handle), Promise[ForwardBackwardOutput])
    assert_type(trainer.optim_step(DimuonParams(learning_rate=0.02)), Promise[OptimStepResponse])
    service.create_custom_loss(mine, {"logprobs": 3})  # type: ignore[dict-item] # pyright: ignore[reportArgumentType] - no such rank
    trainer.forward(data, handle)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - a forward pass has no loss of its own


async def of_ones_own_awaited(service: AsyncServiceClient, trainer: AsyncTrainingClient, data: list[Datum]) -> None:
    def mine(points: Sequence[Datum], logprobs: Any) -> tuple[float, dict[str, float], list[Any]]:
        return float(len(points)), {}, list(logprobs)

    def summed(logprobs: Any) -> tuple[Any, dict[str, Any]]:
        return logprobs.sum(), {}

    assert_type(await service.create_custom_loss(summed, {"logprobs": 1}), Outcome[LossHandle])
    promise = trainer.forward_backward_custom(
        data, mine, arrays="numpy", regularizers=[RegularizerSpec(fn=L2(), weight=0.1, name="l2")]
    )
    _ = assert_type(promise, AsyncPromise[ForwardBackwardOutput])
    assert_type(await promise, Outcome[ForwardBackwardOutput])
    _ = assert_type(trainer.optim_step(DimuonParams(learning_rate=0.02)), AsyncPromise[OptimStepResponse])
    _ = assert_type(trainer.save_weights_external("hf"), AsyncPromise[SaveWeightsExternalResponse])
    made = await service.create_lora_training_client("m", optimizer=DimuonOptimizerConfig())
    assert_type(made, Outcome[AsyncTrainingClient])


async def recovering(service: ServiceClient, awaitable: AsyncServiceClient) -> None:
    promise = service.recover_training_client("run-1", RecoveryPolicy(checkpoint="tinker://run-1/weights/a"))
    assert_type(promise, Promise[TrainingClient])
    _ = assert_type(awaitable.recover_training_client("run-1"), AsyncPromise[AsyncTrainingClient])


async def of_clients(service: ServiceClient, trainer: AsyncTrainingClient, data: list[Datum]) -> None:
    made = service.create_lora_training_client("m")
    assert_type(then(made, TrainingClient.get_info), Outcome[GetInfoResponse])
    assert_type(ServiceClient.create_lora_training_client(service, "m", rank=8), Outcome[TrainingClient])
    assert_type(
        change(made, lambda client: TrainingClient.forward(client, data, "ppo")),
        Outcome[Promise[ForwardBackwardOutput]],
    )
    assert_type(await AsyncTrainingClient.get_info(trainer), Outcome[GetInfoResponse])
    _ = assert_type(AsyncTrainingClient.forward(trainer, data, "ppo"), AsyncPromise[ForwardBackwardOutput])


def at_once(trainer: TrainingClient, data: list[Datum]) -> list[Outcome[object]]:
    promises: Sequence[Promise[object]] = [trainer.forward_backward(data, "ppo"), trainer.optim_step(AdamParams())]
    return [promise.result() for promise in promises]


async def at_once_too(trainer: AsyncTrainingClient, data: list[Datum]) -> list[Outcome[object]]:
    promises: Sequence[AsyncPromise[object]] = [trainer.forward_backward(data, "ppo"), trainer.optim_step(AdamParams())]
    return [await promise for promise in promises]


def asked(service: ServiceClient) -> list[Outcome[object]]:
    requests: Sequence[Request[object]] = [get_server_capabilities(), healthz()]
    return [service.execute(request) for request in requests]
