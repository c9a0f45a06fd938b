"""The public API in use, checked by mypy and pyright and never run."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, assert_never, assert_type

from tinkex_py import (
    AdamParams,
    AsyncPromise,
    AsyncSamplingClient,
    AsyncServiceClient,
    AsyncTrainingClient,
    Datum,
    Failure,
    ForwardBackwardOutput,
    ModelInput,
    Outcome,
    Promise,
    SampleResponse,
    SamplingClient,
    SamplingParams,
    ServiceClient,
    Success,
    TinkerError,
    TrainingClient,
    as_tuple,
)
from tinkex_py.errors import LocalError, RequestError, StatusError
from tinkex_py.events import AnyEvent, PromiseSettled
from tinkex_py.observers.metrics import Metrics
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
