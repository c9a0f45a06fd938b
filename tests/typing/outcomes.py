"""Outcomes and the Results that `.map` and `.bind` make of them, checked by mypy and pyright and never run."""

from __future__ import annotations

from typing import Literal, assert_type

from returns.result import Result

from tinkex_py import (
    Failure,
    Outcome,
    SamplingClient,
    Success,
    TinkerError,
    TrainingClient,
    as_outcome,
    as_tuple,
    change,
    collect,
    or_raise,
    then,
)
from tinkex_py.types import SaveWeightsResponse


def half(number: int) -> Outcome[float, str]:
    return Success(number / 2)


def long(text: str) -> Outcome[int, bytes]:
    return Success(len(text))


def of_outcomes(given: Outcome[int, bytes]) -> None:
    assert_type(then(given, half), Outcome[float, bytes | str])
    assert_type(then(long("a"), half), Outcome[float, bytes | str])
    assert_type(then(long("a"), lambda number: then(half(number), lambda _: given)), Outcome[int, bytes | str])
    assert_type(then(long("a"), lambda number: change(half(number), str)), Outcome[str, bytes | str])
    assert_type(change(given, str), Outcome[str, bytes])
    assert_type(change(half(2), lambda value: value + 1), Outcome[float, str])
    assert_type(change(then(given, half), str), Outcome[str, bytes | str])


def of_results(given: Result[int, bytes]) -> None:
    assert_type(as_outcome(given), Outcome[int, bytes])
    assert_type(then(as_outcome(given), half), Outcome[float, bytes | str])
    assert_type(change(as_outcome(given), str), Outcome[str, bytes])
    assert_type(collect([given, given]), Outcome[tuple[int, ...], bytes])
    assert_type(or_raise(given), int)
    assert_type(as_tuple(given), tuple[Literal["ok"], int] | tuple[Literal["error"], bytes])
    match as_outcome(given):
        case Success(value):
            assert_type(value, int)
        case Failure(error):
            assert_type(error, bytes)


def path(trainer: TrainingClient) -> Outcome[str]:
    return change(trainer.save_state("x").result(), lambda saved: saved.path)


def paths(trainer: TrainingClient) -> Outcome[tuple[str, ...]]:
    return collect([trainer.save_state(name).result().map(lambda saved: saved.path) for name in ("a", "b")])


def model(trainer: TrainingClient) -> Outcome[str, TinkerError]:
    return as_outcome(trainer.get_info().map(lambda info: info.model_id))


def mapped(trainer: TrainingClient) -> Outcome[str]:
    return trainer.save_state("x").result().map(lambda saved: saved.path)  # type: ignore[return-value] # pyright: ignore[reportReturnType] - a Result


def sampler(trainer: TrainingClient) -> Outcome[SamplingClient]:
    return then(
        trainer.save_weights_for_sampler("x").result(), lambda made: trainer.create_sampling_client(made.path or "")
    )


def saved(trainer: TrainingClient) -> SaveWeightsResponse:
    return or_raise(trainer.save_state("x").result().map(lambda answer: answer))
