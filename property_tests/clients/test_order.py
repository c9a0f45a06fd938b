"""Whoever calls, and from wherever: numbers are 1, 2, 3, without gap or repeat."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from returns.result import Success

from tinkex_py import AdamParams, Config, Datum, ModelInput, Outcome, ServiceClient
from tinkex_py.clients.training import AsyncTrainingClient, TrainingClient

Caller: TypeAlias = "Callable[[], list[Outcome[Any]]]"

CONFIG = Config(base_url="http://server.test", api_key="tml-test", dialect="json", check_capabilities=False)
CALLERS = st.lists(st.tuples(st.booleans(), st.integers(1, 4)), min_size=2, max_size=4)
EXAMPLE = Datum(ModelInput.from_ints([1]), {"target_tokens": [2]})
PARAMS = AdamParams()


class Numbering:
    """Takes steps, but for those submissions that it refuses; `taken` are their numbers as they came."""

    def __init__(self, refused: set[int]) -> None:
        self.refused = refused
        self.submissions = 0
        self.taken: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content or b"{}")
        if "seq_id" not in body:
            return httpx.Response(200, json={"metrics": {}, "loss_fn_outputs": [], "session_id": "s"})
        self.submissions += 1
        if self.submissions in self.refused:
            return httpx.Response(422, json={"detail": "no"})
        self.taken.append(body["seq_id"])
        return httpx.Response(200, json={"request_id": str(body["seq_id"])})


def in_a_thread(trainer: TrainingClient, count: int) -> list[Outcome[Any]]:
    """Steps and passes by turns, all of them at once."""
    promises = [
        trainer.optim_step(PARAMS, accept_partial=True)
        if place % 2
        else trainer.forward_backward([EXAMPLE], "cross_entropy")
        for place in range(count)
    ]
    return [promise.result() for promise in promises]


def in_tasks(trainer: AsyncTrainingClient, count: int) -> list[Outcome[Any]]:
    """So many tasks of an event loop of their own."""

    async def step() -> Outcome[Any]:
        return await trainer.forward_backward([EXAMPLE], "cross_entropy")

    async def all_of_them() -> list[Outcome[Any]]:
        return await asyncio.gather(*(step() for _ in range(count)))

    return asyncio.run(all_of_them())


def gathered(callers: list[Caller]) -> list[Outcome[Any]]:
    """What all callers get who begin at the same moment."""
    barrier = threading.Barrier(len(callers))
    found: list[Outcome[Any]] = []

    def call(caller: Caller) -> None:
        barrier.wait()
        found.extend(caller())

    threads = [threading.Thread(target=call, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@settings(max_examples=25, deadline=None)
@given(callers=CALLERS, refused=st.sets(st.integers(1, 12), max_size=4))
def test_numbers_of_threads_and_tasks_have_no_gap_and_no_repeat(
    callers: list[tuple[bool, int]], refused: set[int]
) -> None:
    server = Numbering(refused)
    with ServiceClient(CONFIG, transport=httpx.MockTransport(server)) as service:
        run = service.context.run("m")
        blocking, awaiting = TrainingClient(service.context, run), AsyncTrainingClient(service.context, run)

        def caller(count: int, *, tasks: bool) -> Caller:
            return (lambda: in_tasks(awaiting, count)) if tasks else (lambda: in_a_thread(blocking, count))

        outcomes = gathered([caller(count, tasks=tasks) for tasks, count in callers])
    assert server.taken == list(range(1, len(server.taken) + 1))
    assert sum(isinstance(outcome, Success) for outcome in outcomes) == len(server.taken)
    assert len(outcomes) == sum(count for _, count in callers)
