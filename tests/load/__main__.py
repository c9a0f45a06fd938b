"""`python -m tests.load`: samples and training at once for a long time, and what that does to memory and files.

1,000 samples are under way at any time, and a trainer trains, against `tinkex serve`'s server in another process.
Every so often the client's memory, open files and threads are written down. It fails if memory grows, if files more
than double, if anything fails, or if anything never ends: on a machine that is busy with other work all of this takes
longer, and no more.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from returns.result import Failure, Success

from tests.runtime.served import served
from tinkex_py import (
    AdamParams,
    AsyncSamplingClient,
    AsyncServiceClient,
    AsyncTrainingClient,
    Config,
    Datum,
    ModelInput,
    SamplingParams,
    or_raise,
)
from tinkex_py.errors import TinkerError

MODEL = "tinkex/tiny-random"
GROWTH = 1.1
"""How much larger memory may be in the last quarter of the time than in the second, both in the middle."""
FILES = 2
"""How many times as many files may be open then: a server that stands still for a moment has connections doubled."""
LOOKS = 40
"""How often memory and files are looked at; in two minutes once at least."""
ENDING = 300.0
"""Seconds in which everything has to end that is under way when the time is over."""


class Standing(NamedTuple):
    """What the client holds after so many seconds."""

    seconds: float
    megabytes: float
    files: int
    threads: int
    samples: int
    steps: int
    failures: int

    def told(self) -> str:
        """A row of the table."""
        return f"| {' | '.join(f'{value:,.0f}' for value in self)} |"


class Load:
    """What was done so far, and until when to go on."""

    def __init__(self, seconds: float) -> None:
        self.begun = time.monotonic()
        self.end = self.begun + seconds
        self.samples = 0
        self.steps = 0
        self.failures: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.unended = 0

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.end

    def failed(self, error: TinkerError) -> None:
        kind = type(error).__name__
        self.failures[kind] += 1
        self.examples.setdefault(kind, error.message)

    def standing(self) -> Standing:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return Standing(
            seconds=time.monotonic() - self.begun,
            megabytes=pages * resource.getpagesize() / 2**20,
            files=len(list(Path("/proc/self/fd").iterdir())),
            threads=threading.active_count(),
            samples=self.samples,
            steps=self.steps,
            failures=self.failures.total(),
        )


async def _sample(load: Load, sampler: AsyncSamplingClient, seed: int) -> None:
    prompt, params = ModelInput.from_ints([1 + seed % 200, 2, 3]), SamplingParams(max_tokens=4, seed=seed)
    while not load.over:
        match await sampler.sample(prompt, 1, params):
            case Success(_):
                load.samples += 1
            case Failure(error):
                load.failed(error)


async def _train(load: Load, trainer: AsyncTrainingClient) -> None:
    example = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4]})
    while not load.over:
        gradients = trainer.forward_backward([example], "cross_entropy")
        for outcome in (await gradients, await trainer.optim_step(AdamParams(learning_rate=1e-4))):
            if isinstance(outcome, Failure):
                load.failed(outcome.failure())
        load.steps += 1


async def _watch(load: Load) -> list[Standing]:
    seen = [load.standing()]
    every = min(120.0, (load.end - load.begun) / LOOKS)
    while not load.over:
        await asyncio.sleep(every)
        seen.append(load.standing())
        print(seen[-1].told(), flush=True)
    return seen


async def _run(address: str, load: Load, at_once: int, transport: str) -> list[Standing]:
    async with AsyncServiceClient(Config(base_url=address, api_key="tml-load", transport=transport)) as service:
        trainer = or_raise(await service.create_lora_training_client(MODEL, rank=4, seed=1))
        sampler = or_raise(await service.create_sampling_client(base_model=MODEL))
        work = [asyncio.ensure_future(_sample(load, sampler, seed)) for seed in range(at_once)]
        work.append(asyncio.ensure_future(_train(load, trainer)))
        try:
            seen = await _watch(load)
            _, left = await asyncio.wait(work, timeout=ENDING)
        finally:
            load.end = 0.0  # after an interrupt the work would go round and round with a closed client
        load.unended = len(left)
        return seen


def _quarters(seen: Sequence[Standing]) -> list[Sequence[Standing]]:
    size = len(seen) / 4
    return [seen[round(number * size) : round((number + 1) * size)] for number in range(4)]


def _judge(load: Load, seen: Sequence[Standing]) -> bool:
    """Print what was seen by quarters, and say whether all that has to hold held."""
    quarters = _quarters(seen[1:])
    memory = [median(each.megabytes for each in quarter) for quarter in quarters]
    files = [median(each.files for each in quarter) for quarter in quarters]
    done = [quarter[-1].samples for quarter in quarters]
    print(f"\n| | start | 1st quarter | 2nd | 3rd | 4th | end |\n|{' --- |' * 7}")
    for name, start, middles, end in (
        ("MB", seen[0].megabytes, memory, seen[-1].megabytes),
        ("files", seen[0].files, files, seen[-1].files),
        ("samples", 0, done, load.samples),
    ):
        print(f"| {name} | {' | '.join(f'{value:,.0f}' for value in (start, *middles, end))} |")
    for kind, times in load.failures.most_common():
        print(f"{times} x {kind}, such as: {load.examples[kind]}")
    verdict = {
        "memory flat": memory[3] <= GROWTH * memory[1],
        "files flat": files[3] <= FILES * files[1],
        "nothing failed": not load.failures,
        "everything ended": not load.unended,
    }
    print(f"\n{load.samples:,} samples, {load.steps:,} steps, {load.failures.total()} failures, {load.unended} unended")
    print(*(f"{'yes' if holds else 'NO '} {rule}" for rule, holds in verdict.items()), sep="\n", flush=True)
    return all(verdict.values())


def main() -> int:
    """0 when memory and files stayed what they were, and everything ended well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--at-once", type=int, default=1000)
    parser.add_argument("--transport", default="httpx")
    given = parser.parse_args()
    print(f"| {' | '.join(Standing._fields)} |\n|{' ---: |' * len(Standing._fields)}", flush=True)
    with TemporaryDirectory() as folder, served(Path(folder)) as (_, address):
        load = Load(given.minutes * 60)
        seen = asyncio.run(_run(address, load, given.at_once, given.transport))
    return 0 if _judge(load, seen) else 1


if __name__ == "__main__":
    sys.exit(main())
