"""`python -m tests.load`: samples and training at once for a long time, and what that does to memory and files.

1,000 samples are under way at any time, and a trainer trains, against `tinkex serve`'s server in another process.
Every so often the client's memory, open files and threads are written down. It fails if they grow.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from returns.result import Failure, Success

from tests.runtime.test_kills import served
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

MODEL = "tinkex/tiny-random"
GROWTH = 1.1
"""How much larger memory may be at the end than after a quarter of the time."""
FILES = 20
"""How many more files may be open."""


class Standing(NamedTuple):
    """What the client holds after so many seconds."""

    seconds: float
    megabytes: float
    files: int
    threads: int
    samples: int
    steps: int


class Load:
    """What was done so far, and until when to go on."""

    def __init__(self, seconds: float) -> None:
        self.begun = time.monotonic()
        self.end = self.begun + seconds
        self.samples = 0
        self.steps = 0
        self.failures: list[str] = []

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.end

    def standing(self) -> Standing:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return Standing(
            seconds=time.monotonic() - self.begun,
            megabytes=pages * resource.getpagesize() / 2**20,
            files=len(list(Path("/proc/self/fd").iterdir())),
            threads=threading.active_count(),
            samples=self.samples,
            steps=self.steps,
        )


async def _sample(load: Load, sampler: AsyncSamplingClient, seed: int) -> None:
    prompt, params = ModelInput.from_ints([1 + seed % 200, 2, 3]), SamplingParams(max_tokens=4, seed=seed)
    while not load.over:
        match await sampler.sample(prompt, 1, params):
            case Success(_):
                load.samples += 1
            case Failure(error):
                load.failures.append(error.message)


async def _train(load: Load, trainer: AsyncTrainingClient) -> None:
    example = Datum(ModelInput.from_ints([1, 2, 3]), {"target_tokens": [2, 3, 4]})
    while not load.over:
        gradients = trainer.forward_backward([example], "cross_entropy")
        for outcome in (await gradients, await trainer.optim_step(AdamParams(learning_rate=1e-4))):
            if isinstance(outcome, Failure):
                load.failures.append(outcome.failure().message)
        load.steps += 1


async def _watch(load: Load, every: float) -> list[Standing]:
    seen: list[Standing] = []
    while not load.over:
        await asyncio.sleep(every)
        seen.append(load.standing())
        print(f"| {' | '.join(f'{value:,.0f}' for value in seen[-1])} |", flush=True)
    return seen


async def _run(address: str, load: Load, at_once: int, every: float) -> list[Standing]:
    async with AsyncServiceClient(Config(base_url=address, api_key="tml-load")) as service:
        trainer = or_raise(await service.create_lora_training_client(MODEL, rank=4, seed=1))
        sampler = or_raise(await service.create_sampling_client(base_model=MODEL))
        work = [asyncio.ensure_future(_sample(load, sampler, seed)) for seed in range(at_once)]
        work.append(asyncio.ensure_future(_train(load, trainer)))
        seen = await _watch(load, every)
        await asyncio.gather(*work)
        return seen


def main() -> int:
    """0 when memory, files and threads stayed what they were, and nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--at-once", type=int, default=1000)
    given = parser.parse_args()
    print(
        "| seconds | MB | files | threads | samples | steps |\n| ---: | ---: | ---: | ---: | ---: | ---: |", flush=True
    )
    with TemporaryDirectory() as folder, served(Path(folder)) as (_, address):
        load = Load(given.minutes * 60)
        seen = asyncio.run(_run(address, load, given.at_once, every=given.minutes * 60 / 20))
    settled, last = seen[len(seen) // 4], seen[-1]
    print(f"{len(load.failures)} failures", *sorted(set(load.failures))[:5], sep="\n")
    flat = last.megabytes <= GROWTH * settled.megabytes and last.files <= settled.files + FILES
    return 0 if flat and not load.failures else 1


if __name__ == "__main__":
    sys.exit(main())
