"""A connection that is there is not given up because nobody came to look."""

from __future__ import annotations

import asyncio

import pytest

from tinkex_py.runtime.patience import patience
from tinkex_py.testing.clock import VirtualLoop, run


def loop() -> VirtualLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualLoop)
    return running


async def rounds(count: int) -> None:
    """What takes the loop so many rounds and no time, as making a connection does."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_patience_ends_after_its_time() -> None:
    async def program() -> float:
        with pytest.raises(TimeoutError):
            async with patience(10):
                await asyncio.sleep(60)
        return loop().time()

    assert run(program()) == pytest.approx(10)


def test_what_is_done_in_time_leaves_no_timer() -> None:
    async def program() -> None:
        async with patience(10):
            await rounds(3)
        await asyncio.sleep(60)

    run(program())


def test_time_in_which_the_loop_did_not_run_is_not_taken_for_silence() -> None:
    async def program() -> None:
        async with patience(10):
            for _ in range(4):
                loop().leap(60)
                await rounds(2)

    run(program())
