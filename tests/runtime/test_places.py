"""Connections are given first come, first served, and no more of them than are of use."""

from __future__ import annotations

import asyncio
import resource

from tinkex_py.runtime.places import AT_ONCE, Places, affordable
from tinkex_py.testing.clock import run


async def occupy(places: Places, seconds: float, order: list[int], name: int) -> None:
    await places.enter()
    order.append(name)
    await asyncio.sleep(seconds)
    places.leave()


def test_places_are_given_in_the_order_of_asking() -> None:
    async def program() -> list[int]:
        order: list[int] = []
        places = Places(1)
        await asyncio.gather(*[occupy(places, 0.01, order, name) for name in range(20)])
        return order

    assert run(program()) == list(range(20))


def test_who_stops_waiting_takes_no_place() -> None:
    async def program() -> list[int]:
        order: list[int] = []
        places = Places(1)
        tasks = [asyncio.create_task(occupy(places, 1, order, name)) for name in range(4)]
        await asyncio.sleep(0.5)
        tasks[1].cancel()
        asyncio.get_running_loop().call_at(1.0, tasks[2].cancel)  # in the moment in which it is given the place
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait_for(places.enter(), 0.1)
        return order

    assert run(program()) in ([0, 2, 3], [0, 3])


def test_connections_leave_files_for_others() -> None:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert (affordable(1), affordable(files)) == (1, files // 2)


def test_more_places_than_move_at_once_are_given_only_when_all_are_held() -> None:
    async def most_at_once(seconds: float) -> int:
        places, inside, most = Places(16 * AT_ONCE), 0, 0

        async def visit() -> None:
            nonlocal inside, most
            await places.enter()
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(seconds)
            inside -= 1
            places.leave()

        await asyncio.gather(*[visit() for _ in range(40 * AT_ONCE)])
        return most

    assert [run(most_at_once(seconds)) for seconds in (0.05, 0.15, 100)] == [AT_ONCE, 2 * AT_ONCE, 16 * AT_ONCE]
