"""Laws of the strategies that are offered: what they draw can be sent, trained on, sampled with, and is covered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from returns.result import Failure, Success

from tinkex_py import (
    AdamParams,
    Datum,
    ForwardBackwardOutput,
    ModelInput,
    Outcome,
    SamplingParams,
    ServiceClient,
    check,
    or_raise,
)
from tinkex_py.errors import TinkerError
from tinkex_py.request import Reply
from tinkex_py.testing import strategies

FEW = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
LOSSES = ["cross_entropy", "importance_sampling", "ppo", "cispo", "dro", "gspo", "stable_reinforce"]


@given(
    strategies.model_inputs(300)
    | strategies.model_inputs()
    | strategies.chunks().map(lambda chunk: ModelInput([chunk]))
    | strategies.tensors()
    | strategies.data()
    | strategies.sampling_params()
    | strategies.adam_params()
    | strategies.batches()
)
def test_what_is_drawn_is_valid(value: object) -> None:
    assert check(value) == Success(value)


@given(strategies.errors())
def test_errors_are_of_the_union_and_say_something(error: TinkerError) -> None:
    assert isinstance(error, get_args(TinkerError))
    assert error.message
    assert hash(error) == hash(error)


def test_every_error_is_drawn() -> None:
    drawn: set[type[TinkerError]] = set()

    @settings(max_examples=3000, database=None, derandomize=True)  # what is drawn depends on what is imported
    @given(strategies.errors())
    def draw(error: TinkerError) -> None:
        drawn.add(type(error))

    draw()
    assert drawn == set(get_args(TinkerError))


FIRST_LAW = """
from hypothesis import given, strategies as st
from tinkex_py.testing import strategies

given(strategies.outcomes(st.floats(0, 10)))(lambda outcome: None)()
"""


def test_a_law_of_outcomes_holds_where_hypothesis_has_never_run(tmp_path: Path) -> None:
    here = [str(Path(__file__).parents[2])]
    program = f"import sys; sys.path[:0] = {here!r}{FIRST_LAW}"
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@given(strategies.outcomes(st.integers()))
def test_an_outcome_is_one_of_the_values_or_an_error(outcome: Outcome[int]) -> None:
    match outcome:
        case Success(value):
            assert isinstance(value, int)
        case Failure(error):
            assert isinstance(error, get_args(TinkerError))


class Job(NamedTuple):
    batch: list[Datum]
    prompt: ModelInput
    params: SamplingParams
    optimizer: AdamParams
    output: ForwardBackwardOutput


@FEW
@given(st.from_type(Job))
def test_types_of_ones_own_are_drawn_with_what_they_hold(job: Job) -> None:
    for value in (*job.batch, job.prompt, job.params, job.optimizer):
        assert check(value) == Success(value)


@given(strategies.replies(st.just(503)))
def test_replies_have_the_statuses_that_are_given(reply: Reply) -> None:
    assert reply.status == 503


@pytest.fixture(scope="module")
def service() -> Any:
    with ServiceClient.local() as client:
        yield client


def test_a_loss_without_batches_is_told_to_be_none_of_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="'custom' is no built-in loss: give cross_entropy, "):
        _ = strategies.batches("custom")


@pytest.mark.parametrize("loss_fn", LOSSES)
def test_batches_can_be_trained_on(service: ServiceClient, loss_fn: str) -> None:
    trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=1, seed=0))

    @FEW
    @given(strategies.batches(loss_fn), strategies.adam_params())
    def law(batch: Sequence[Datum], adam: AdamParams) -> None:
        step, update = trainer.forward_backward(batch, loss_fn), trainer.optim_step(adam)
        assert "loss:sum" in or_raise(step.result()).metrics
        assert isinstance(update.result(), Success)

    law()


def test_prompts_can_be_sampled_from(service: ServiceClient) -> None:
    sampler = or_raise(service.create_sampling_client(base_model="tinkex/tiny-random"))

    @FEW
    @given(strategies.model_inputs(256), strategies.sampling_params(max_tokens=3))
    def law(prompt: ModelInput, params: SamplingParams) -> None:
        sequence = or_raise(sampler.sample(prompt, 1, params).result()).sequences[0]
        assert 1 <= len(sequence.tokens) <= 3

    law()
