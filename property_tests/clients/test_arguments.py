"""Whatever an argument holds, an operation ends in an outcome; what it refuses, it refuses before anything is sent."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from returns.result import Failure, Success

from property_tests.anything import ANYTHING, EXAMPLE, NUMBERS
from tests.clients.fronts import Front
from tinkex_py import AdamParams, AsyncServiceClient, Config, ModelInput, SamplingParams, or_raise
from tinkex_py.clients.admin import AsyncAdminClient
from tinkex_py.clients.operation import Client, operation, submission
from tinkex_py.clients.rest import AsyncRestClient
from tinkex_py.errors import InvalidInput
from tinkex_py.runtime.opening import IN_PROCESS
from tinkex_py.testing.network import Network
from tinkex_py.testing.simulation import simulate
from tinkex_py.types import SessionSearchRequest
from tinkex_py.types.kinds import is_text

RANDOM = "tinkex/tiny-random"
PATH = "tinker://r/weights/a"
GOOD: dict[str, object] = {
    "base_model": RANDOM,
    "checkpoint_id": "weights/a",
    "data": [EXAMPLE],
    "ending_before": "2026-07-14T00:00:00Z",
    "fn": is_text,
    "input_ranks": {"logprobs": 1},
    "loss_fn": "cross_entropy",
    "model_path": "tinker://r/sampler_weights/a",
    "name": "a",
    "num_samples": 1,
    "optim_params": AdamParams(),
    "path": PATH,
    "project_id": "p",
    "prompt": ModelInput.from_ints([1, 2]),
    "request": SessionSearchRequest(),
    "sampler_id": "q",
    "sampling_params": SamplingParams(max_tokens=1),
    "session_id": "s",
    "starting_on": "2026-07-13T00:00:00Z",
    "text": "a",
    "tinker_path": PATH,
    "tokens": [1],
    "training_run_id": "r",
    "ttl_seconds": None,
}
"""What stands in the place of arguments that have no default."""

ALWAYS = {"optim_params"}
"""What has a default, and is needed all the same."""

BACKGROUND = {"session_heartbeat", "cancel_future"}
"""What is sent beside operations: signs of life, and what became of a sample that nobody waits for."""


class Called(NamedTuple):
    """What an operation came to that was given `value` for one of its arguments, and what was sent for it."""

    operation: str
    argument: str
    outcome: Any
    sent: list[str]


def operations(client: Client) -> Iterator[tuple[str, inspect.Signature]]:
    """All that a client does, and what it takes."""
    for name in dir(type(client)):
        method = inspect.getattr_static(type(client), name)
        if isinstance(method, (operation, submission)):
            yield name, inspect.signature(method.plan)


def called_with(value: object) -> list[Called]:
    """Every operation of every client with that value for each of its arguments in turn."""
    front = Front(Network())

    async def program(service: AsyncServiceClient) -> list[Called]:
        trainer = or_raise(await service.create_lora_training_client(RANDOM, rank=2, seed=1))
        sampler = or_raise(await service.create_sampling_client(base_model=RANDOM))
        found: list[Called] = []
        for client in (service, trainer, sampler, AsyncRestClient.beside(service), AsyncAdminClient.beside(service)):
            for name, signature in operations(client):
                _, *parameters = signature.parameters.values()
                needed = [each.name for each in parameters if each.default is each.empty or each.name in ALWAYS]
                for argument in (each.name for each in parameters):
                    given_ = {**{each: GOOD[each] for each in needed}, "timeout": 50.0, argument: value}
                    before = len(front.asked)
                    outcome = await getattr(client, name)(**given_)
                    found.append(Called(name, argument, outcome, front.asked[before:]))
        return found

    return simulate(program, front, config=Config(base_url=IN_PROCESS))


def is_refusal(call: Called) -> bool:
    """Whether the argument was refused on this side."""
    match call.outcome:
        case Failure(InvalidInput()):
            return True
        case _:
            return False


@given(NUMBERS | ANYTHING)
def test_any_argument_comes_to_an_outcome_and_a_refused_one_sends_nothing(value: object) -> None:
    calls = called_with(value)
    assert [call for call in calls if not isinstance(call.outcome, (Success, Failure))] == []
    assert [call for call in calls if is_refusal(call) and set(call.sent) - BACKGROUND] == []


NOTHING = {"a thing": object(), "a number beyond all": 10**400, "bytes": b"hush", "a decimal": Decimal(5)}


@pytest.mark.parametrize("value", NOTHING.values(), ids=NOTHING)
def test_what_nothing_can_be_is_refused_by_name(value: object) -> None:
    for call in called_with(value):
        assert is_refusal(call), call
        assert call.argument in call.outcome.failure().message, call
