"""Virtual time: nothing but timers moves its clock, and it needs a loop of its own."""

from __future__ import annotations

import asyncio

import pytest
from returns.result import Success

from tinkex_py import AsyncServiceClient, Config, Datum, ModelInput, or_raise
from tinkex_py.testing import clock
from tinkex_py.testing.answering import answering
from tinkex_py.testing.clock import DeadlockError
from tinkex_py.testing.network import Network
from tinkex_py.testing.simulation import simulate


def test_functions_for_other_threads_are_called_at_once_and_take_no_time() -> None:
    async def program() -> tuple[int, float]:
        sleeper = asyncio.create_task(asyncio.sleep(3600))
        value = await asyncio.to_thread(pow, 2, 10)
        _ = sleeper.cancel()
        return value, asyncio.get_running_loop().time()

    assert clock.run(program()) == (1024, 0.0)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError])
def test_what_such_a_function_raises_comes_to_whoever_awaits_it(error: type[Exception]) -> None:
    def fails() -> None:
        raise error

    async def program() -> None:
        with pytest.raises(error):
            await asyncio.to_thread(fails)

    clock.run(program())


def test_a_simulation_inside_of_a_loop_says_where_to_call_it_from() -> None:
    async def program(service: AsyncServiceClient) -> object:
        return await service.create_lora_training_client("tinkex/tiny-random", rank=2)

    async def wrong() -> None:
        with pytest.raises(RuntimeError, match="from a plain function"):
            simulate(program, answering({}))

    async def right() -> object:
        return await asyncio.to_thread(simulate, program, Network())

    asyncio.run(wrong())
    assert isinstance(asyncio.run(right()), Success)


RARELY = Config(heartbeat_interval=600.0)


def test_a_program_that_waits_for_nothing_ends_though_its_session_goes_on() -> None:
    ended: list[float] = []

    async def program(service: AsyncServiceClient) -> None:
        _ = or_raise(await service.create_lora_training_client("tinkex/tiny-random", rank=2))
        try:
            _ = await asyncio.Event().wait()
        finally:
            ended.append(asyncio.get_running_loop().time())

    with pytest.raises(DeadlockError, match="signs of life"):
        simulate(program, Network(), config=RARELY)
    assert len(ended) == 1


def test_a_program_may_sleep_for_days() -> None:
    example = Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [2, 3]})

    async def program(service: AsyncServiceClient) -> object:
        trainer = or_raise(await service.create_lora_training_client("tinkex/tiny-random", rank=2))
        await asyncio.sleep(3 * 86400)
        return await trainer.forward([example], "cross_entropy")

    assert isinstance(simulate(program, Network(), config=RARELY), Success)
