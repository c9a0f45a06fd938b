"""Random programs over a network that loses and delays end as they do undisturbed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Literal, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from returns.result import Failure, Success

from tinkex_py import (
    AdamParams,
    AsyncServiceClient,
    AsyncTrainingClient,
    Config,
    Datum,
    ModelInput,
    Outcome,
    SamplingParams,
)
from tinkex_py.testing.network import Fault, Network
from tinkex_py.testing.simulation import simulate

Step: TypeAlias = Literal["backward", "step", "sample", "save", "load"]
Program: TypeAlias = Callable[[AsyncServiceClient], Coroutine[Any, Any, tuple[object, ...]]]

PATIENT = Config(base_url="http://tinkex.local", max_attempts=1000, timeout=1e6)
FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(["nothing", "refused", "unanswered", "late"]),
    seconds=st.sampled_from([0.0, 0.1, 3.0, 30.0]),
)
STEPS = st.lists(st.sampled_from(["backward", "backward", "step", "sample", "save", "load"]), max_size=8)


def value_of(outcome: Outcome[Any]) -> Any:
    """The value of an outcome that has to be one."""
    match outcome:
        case Success(value):
            return value
        case Failure(error):
            raise AssertionError(error)


def example(token: int) -> Datum:
    return Datum(ModelInput.from_ints([token, token + 1, token + 2]), {"target_tokens": [token, 7, token]})


async def take(trainer: AsyncTrainingClient, step: Step, index: int) -> object:
    """One step, waited for; what it gives is comparable."""
    match step:
        case "backward":
            return value_of(await trainer.forward_backward([example(index)], "cross_entropy"))
        case "step":
            return value_of(await trainer.optim_step(AdamParams(learning_rate=0.01)))
        case "sample":
            sampler = value_of(await trainer.save_weights_and_get_sampling_client())
            params = SamplingParams(max_tokens=3, seed=index)
            return value_of(await sampler.sample(ModelInput.from_ints([1, 2]), 2, params))
        case "save":
            return value_of(await trainer.save_state(f"at-{index}"))
        case "load":
            saved = value_of(await trainer.save_state(f"before-{index}"))
            return value_of(await trainer.load_state_with_optimizer(saved.path))


def program(steps: list[Step]) -> Program:
    """Pipelined training first, then one step after the other, then the log-probabilities of what came of it."""

    async def run(service: AsyncServiceClient) -> tuple[object, ...]:
        trainer = value_of(await service.create_lora_training_client("tinkex/tiny-random", rank=2, seed=5))
        pipelined = [
            trainer.forward_backward([example(3)], "cross_entropy"),
            trainer.optim_step(AdamParams(learning_rate=0.01)),
            trainer.forward_backward([example(4)], "cross_entropy"),
        ]
        first = [value_of(await promise) for promise in pipelined]
        rest = [await take(trainer, step, index) for index, step in enumerate(steps)]
        last = value_of(await trainer.forward([example(5)], "cross_entropy"))
        return (*first, *rest, last)

    return run


@settings(max_examples=300)
@given(steps=STEPS, faults=st.lists(FAULTS, max_size=40))
def test_a_disturbed_program_ends_as_the_undisturbed_one(steps: list[Step], faults: list[Fault]) -> None:
    undisturbed = simulate(program(steps), Network())
    assert simulate(program(steps), Network(faults), config=PATIENT) == undisturbed


def test_the_same_seed_and_faults_give_the_same_run() -> None:
    faults = [Fault(kind="unanswered"), Fault(kind="late", seconds=3.0), Fault(kind="refused")] * 5
    networks = [Network(faults), Network(faults)]
    runs = [simulate(program(["backward", "step", "save"]), network, seed=3) for network in networks]
    assert runs[0] == runs[1]
    assert len(networks[0].log) == len(networks[1].log)


def test_without_a_network_every_operation_fails_in_time() -> None:
    async def run(service: AsyncServiceClient) -> Outcome[object]:
        return await service.create_lora_training_client("tinkex/tiny-random", timeout=20)

    outcome = simulate(run, Network([Fault(kind="refused")] * 1000))
    assert isinstance(outcome, Failure)
