"""Connections are given first come, first served, and no more of them than are of use."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Coroutine
from typing import Any

from tinkex_py.runtime.places import AT_FIRST, AT_ONCE, Places, affordable
from tinkex_py.testing.clock import VirtualLoop, run


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
    assert (affordable(1, 0.5), affordable(files, 0.5), affordable(files, 0)) == (1, files // 2, 1)


def idle() -> float:
    """Seconds that a thread has worked which only waits."""
    return 0.0


class Visits:
    """How many are inside, and how many were at most."""

    def __init__(self, places: Places | None = None) -> None:
        self.places = places or Places(16 * AT_ONCE, spent=idle)
        self.inside = self.most = 0

    async def visit(self, seconds: float) -> None:
        await self.places.enter()
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(seconds)
        await asyncio.sleep(0)  # an answer that has come takes a round to be read
        self.inside -= 1
        self.places.leave()


def test_more_places_than_move_at_once_are_given_only_when_all_are_held() -> None:
    async def most_at_once(seconds: float) -> int:
        visits = Visits()
        await asyncio.gather(*[visits.visit(seconds) for _ in range(40 * AT_ONCE)])
        return visits.most

    assert [run(most_at_once(seconds)) for seconds in (0.05, 0.2, 100)] == [AT_ONCE, 2 * AT_ONCE, 16 * AT_ONCE]


def test_a_server_that_pauses_now_and_then_gets_no_more_connections_each_time() -> None:
    """It answers at once, but for 0.15 s in each second."""

    async def visitor(visits: Visits, until: float) -> None:
        while (now := asyncio.get_running_loop().time()) < until:
            await visits.visit(0.01 + max(0.0, 0.15 - now % 1))

    async def program() -> int:
        visits, until = Visits(), asyncio.get_running_loop().time() + 8
        await asyncio.gather(*[visitor(visits, until) for _ in range(16 * AT_ONCE)])
        return visits.most

    assert run(program()) == 2 * AT_ONCE


async def inside_over_time(visits: Visits, pause: float, looks: int, *others: Coroutine[Any, Any, None]) -> list[int]:
    """How many of 256 that stay long are inside after each of so many pauses, while others do what they do."""
    waiting = [asyncio.create_task(work) for work in (*others, *(visits.visit(100) for _ in range(4 * AT_ONCE)))]
    inside: list[int] = []
    for _ in range(looks):
        await asyncio.sleep(pause)
        inside.append(visits.inside)
    for task in waiting:
        task.cancel()
    return inside


def test_who_comes_later_stands_back_while_others_wait_but_not_for_long() -> None:
    def inside(seconds: float) -> list[int]:
        urgent = Places(1)
        held = (occupy(urgent, seconds, [], name) for name in range(2))
        return run(inside_over_time(Visits(Places(16 * AT_ONCE, urgent, idle)), 0.99, 5, *held))

    once, twice, all_of_them = AT_ONCE, 2 * AT_ONCE, 4 * AT_ONCE
    assert inside(0.05) == [all_of_them] * 5
    assert inside(1.5) == [once, all_of_them, all_of_them, all_of_them, all_of_them]
    assert inside(100) == [once, once, twice, twice, all_of_them]


def test_a_thread_that_is_busy_gives_no_more_places_for_a_while() -> None:
    def inside(busy: float) -> list[int]:
        places = Places(16 * AT_ONCE, spent=lambda: busy * asyncio.get_running_loop().time())
        return run(inside_over_time(Visits(places), 1.9, 2))

    assert inside(0.4) == [4 * AT_ONCE, 4 * AT_ONCE]
    assert inside(0.6) == [AT_FIRST, 2 * AT_FIRST]


def test_a_loop_that_was_kept_from_looking_is_no_standstill() -> None:
    async def program() -> int:
        loop, visits = asyncio.get_running_loop(), Visits()
        assert isinstance(loop, VirtualLoop)
        waiting = asyncio.gather(*[visits.visit(0.05) for _ in range(4 * AT_ONCE)])
        while not waiting.done():
            await asyncio.sleep(0)
            loop.leap(5)
        return visits.most

    assert run(program()) == AT_ONCE
