"""What is measured, one scenario a process: `python -m tests.benchmarks.scenarios SURFACE URL NAME`.

The same text runs on the official SDK and on this client, each in its own Python; one line of JSON comes out.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.benchmarks.measuring import Cost, ask, measured, processor, rest
from tests.benchmarks.surfaces import SURFACES, Surface

Figures = dict[str, float]
Scenario = Callable[[Surface, str], Figures]

PROMPT = 512
SAMPLED = 128
VOCABULARY = 150_000
MILLI, MICRO = 1e3, 1e6


def tokens(count: int, seed: int = 0) -> list[int]:
    """Token ids `[count]`."""
    chance = random.Random(seed)  # noqa: S311 - benchmarks repeat
    return [chance.randrange(VOCABULARY) for _ in range(count)]


def per_item(cost: Cost, items: int) -> Figures:
    """The cost of one of several things done at once."""
    return {
        "cpu_us": MICRO * cost.cpu / items,
        "wall_s": cost.wall,
        "growth_mb": cost.growth,
    }


class Sampling(NamedTuple):
    """Samples asked for at once: how many, of how many sequences, how long the prompt and the server's work are."""

    samples: int
    sequences: int = 1
    prompt: int = PROMPT
    work_ms: int = 0

    def params(self, surface: Surface) -> Any:
        """How each is sampled."""
        return surface.types.SamplingParams(max_tokens=SAMPLED, temperature=1.0)

    def prompts(self) -> list[list[int]]:
        """Token ids of the prompts, which are taken in turn."""
        return [tokens(self.prompt, seed) for seed in range(min(self.samples, 64))]

    def read(self, answers: Sequence[Any]) -> None:
        """Look at every token and log-probability."""
        found = sum(len(each.tokens) + len(each.logprobs) for answer in answers for each in answer.sequences)
        assert found == self.samples * self.sequences * 2 * SAMPLED, found


def together(sampling: Sampling) -> Scenario:
    """Async code that gathers all samples."""

    def scenario(surface: Surface, url: str) -> Figures:
        costs: list[Cost] = []
        prompts, params = sampling.prompts(), sampling.params(surface)
        make = surface.types.ModelInput.from_ints

        async def use(sampler: Any) -> None:
            async def one(index: int) -> Any:
                prompt = make(prompts[index % len(prompts)])
                return surface.awaited(await sampler.sample(prompt, sampling.sequences, params))

            for _ in range(3):
                await one(0)
            ask(url, "/_config", {"work_ms": sampling.work_ms})
            with measured() as cost:
                sampling.read(await asyncio.gather(*[one(index) for index in range(sampling.samples)]))
            costs.append(cost)

        surface.with_async_sampler(use)
        return per_item(costs[0], sampling.samples)

    return scenario


def blocking(sampling: Sampling, *, one_by_one: bool = False) -> Scenario:
    """Blocking code that asks for all samples and then waits for each, or asks for one after the other."""

    def scenario(surface: Surface, url: str) -> Figures:
        sampler, prompts, params = surface.sampler(), sampling.prompts(), sampling.params(surface)

        def submit(index: int) -> Any:
            prompt = surface.types.ModelInput.from_ints(prompts[index % len(prompts)])
            return sampler.sample(prompt, sampling.sequences, params)

        for _ in range(3):
            surface.value(submit(0))
        ask(url, "/_config", {"work_ms": sampling.work_ms})
        with measured() as cost:
            if one_by_one:
                sampling.read([surface.value(submit(index)) for index in range(sampling.samples)])
            else:
                promises = [submit(index) for index in range(sampling.samples)]
                sampling.read([surface.value(promise) for promise in promises])
        return per_item(cost, sampling.samples)

    return scenario


def images(count: int, size: int) -> Scenario:
    """Prompts with an image of `size` bytes each, gathered."""

    def scenario(surface: Surface, url: str) -> Figures:
        del url
        types, data, costs = surface.types, os.urandom(size), list[Cost]()
        params = types.SamplingParams(max_tokens=SAMPLED)
        text = tokens(64)

        async def use(sampler: Any) -> None:
            async def one() -> Any:
                chunks = [
                    types.EncodedTextChunk(tokens=text),
                    types.ImageChunk(data=data, format="png", expected_tokens=1000),
                ]
                return surface.awaited(await sampler.sample(types.ModelInput(chunks=chunks), 1, params))

            await one()
            with measured() as cost:
                await asyncio.gather(*[one() for _ in range(count)])
            costs.append(cost)

        surface.with_async_sampler(use)
        return per_item(costs[0], count)

    return scenario


class Batch(NamedTuple):
    """A batch of datums of one length; `reinforcement` adds log-probabilities and advantages.

    `uneven` ones are of half that length to half as much again, and each prompt is in four texts, as those of a
    conversation are.
    """

    datums: int
    length: int
    reinforcement: bool = False
    numpy_tokens: bool = False
    uneven: bool = False

    def builder(self, surface: Surface) -> Callable[[], list[Any]]:
        """What makes the datums: token lists (numpy if asked and possible), loss inputs as numpy arrays."""
        import numpy as np

        chance = np.random.default_rng(1)
        apart = self.length // 2 if self.uneven else 0
        lengths = [int(each) for each in chance.integers(self.length - apart, self.length + apart + 1, self.datums)]
        rows = [chance.integers(0, VOCABULARY, length + 1) for length in lengths]
        ones = [np.ones(length, np.float32) for length in lengths]
        given: list[Any] = [row[:-1] if self.numpy_tokens else row[:-1].tolist() for row in rows]
        types = surface.types

        def prompt(ids: Any) -> Any:
            if not self.uneven:
                return types.ModelInput.from_ints(ids)
            step = len(ids) // 4 + 1
            parts = (ids[start : start + step] for start in range(0, len(ids), step))
            return types.ModelInput(chunks=[types.EncodedTextChunk(tokens=part) for part in parts])

        def inputs(index: int) -> dict[str, Any]:
            names = ("logprobs", "advantages") if self.reinforcement else ("weights",)
            return {"target_tokens": rows[index][1:], **dict.fromkeys(names, ones[index])}

        return lambda: [
            types.Datum(model_input=prompt(given[index]), loss_fn_inputs=inputs(index)) for index in range(self.datums)
        ]


def training(batch: Batch, runs: int = 5) -> Scenario:
    """forward_backward: building the batch, and the call from datums to log-probabilities that were read."""

    def scenario(surface: Surface, url: str) -> Figures:
        del url
        kept = batch if surface.numpy_tokens else batch._replace(numpy_tokens=False)
        trainer, build = surface.trainer(), kept.builder(surface)
        loss = "importance_sampling" if batch.reinforcement else "cross_entropy"

        positions = sum(each.model_input.length for each in build())

        def call(data: list[Any]) -> None:
            output = surface.value(trainer.forward_backward(data, loss))
            read = [each["logprobs"].to_numpy() for each in output.loss_fn_outputs]
            assert sum(row.size for row in read) == positions

        call(build())
        rest()
        builds, costs = list[float](), list[Cost]()
        for _ in range(runs):
            before = processor()
            data = build()
            builds.append(processor() - before)
            with measured() as cost:
                call(data)
            costs.append(cost)
            del data
        build_ms, call_ms = (MILLI * statistics.median(each) for each in (builds, [cost.cpu for cost in costs]))
        return {
            "build_ms": build_ms,
            "call_ms": call_ms,
            "both_ms": build_ms + call_ms,
            "wall_s": statistics.median(cost.wall for cost in costs),
            "growth_mb": max(cost.growth for cost in costs),
        }

    return scenario


def in_flight(surface: Surface, url: str) -> Figures:
    """Four batches of 128x4096 on their way at once: the growth of memory."""
    trainer, build = surface.trainer(), Batch(128, 4096).builder(surface)
    surface.value(trainer.forward_backward(build(), "cross_entropy"))
    data = build()
    ask(url, "/_config", {"work_ms": 300})
    with measured() as cost:
        promises = [trainer.forward_backward(data, "cross_entropy") for _ in range(4)]
        for promise in promises:
            surface.value(promise)
    return {"growth_mb": cost.growth, "wall_s": cost.wall}


def repeated(count: int, prepare: Callable[[Surface], Callable[[], Any]]) -> Scenario:
    """One call after the other: processor time of one, and the median latency."""

    def scenario(surface: Surface, url: str) -> Figures:
        del url
        call = prepare(surface)
        for _ in range(5):
            surface.value(call())
        latencies: list[float] = []
        with measured() as cost:
            for _ in range(count):
                begun = time.perf_counter()
                surface.value(call())
                latencies.append(time.perf_counter() - begun)
        return {**per_item(cost, count), "p50_ms": MILLI * statistics.median(latencies)}

    return scenario


def _optim_step(surface: Surface) -> Callable[[], Any]:
    trainer, params = surface.trainer(), surface.types.AdamParams(learning_rate=1e-4)
    return lambda: trainer.optim_step(params)


def _training_run(surface: Surface) -> Callable[[], Any]:
    rest = surface.rest()
    return lambda: rest.get_training_run("run-1")


def _checkpoints(surface: Surface) -> Callable[[], Any]:
    rest = surface.rest()
    assert len(surface.value(rest.list_checkpoints("run-1")).checkpoints) == 2000
    return lambda: rest.list_checkpoints("run-1")


def building(surface: Surface, url: str) -> Figures:
    """A datum of 1,024 tokens from three lists, and from a token list and two numpy arrays."""
    import numpy as np

    del url
    types, count, length = surface.types, 3000, 1024
    ids = tokens(length)
    weights = [float(each) for each in range(length)]
    targets, ones = np.array(ids), np.array(weights, np.float32)

    def cost_of(inputs: dict[str, Any]) -> float:
        rest()
        with measured() as cost:
            made = [
                types.Datum(model_input=types.ModelInput.from_ints(ids), loss_fn_inputs=inputs) for _ in range(count)
            ]
        assert len(made) == count
        return MICRO * cost.cpu / count

    return {
        "lists_us": cost_of({"target_tokens": ids, "weights": weights}),
        "numpy_us": cost_of({"target_tokens": targets, "weights": ones}),
    }


GROWING: dict[str, Scenario] = {
    **{f"in_flight_{count}": together(Sampling(count)) for count in (100, 1000, 10_000)},
    **{f"datums_{count}": training(Batch(count, 256), 20) for count in (1, 10, 100, 1000)},
}
"""How cost grows with what is done at once."""
SCENARIOS: dict[str, Scenario] = {
    "sample_2000_async": together(Sampling(2000)),
    "sample_2000_blocking": blocking(Sampling(2000)),
    "sample_2000_work_2s": together(Sampling(2000, work_ms=2000)),
    "sample_200x16": together(Sampling(200, 16)),
    "sample_sequential": blocking(Sampling(200), one_by_one=True),
    "sample_prompt_32k": together(Sampling(100, prompt=32_768)),
    "image_2mb": images(50, 2_000_000),
    "optim_step": repeated(200, _optim_step),
    "get_training_run": repeated(500, _training_run),
    "list_checkpoints_2000": repeated(20, _checkpoints),
    "forward_backward_128x4096": training(Batch(128, 4096)),
    "forward_backward_8x32768": training(Batch(8, 32_768)),
    "forward_backward_1024x256": training(Batch(1024, 256)),
    "forward_backward_1024x256_uneven": training(Batch(1024, 256, uneven=True)),
    "forward_backward_16x256": training(Batch(16, 256), 20),
    "importance_sampling_128x4096": training(Batch(128, 4096, reinforcement=True)),
    "numpy_128x4096": training(Batch(128, 4096, numpy_tokens=True)),
    "memory_in_flight": in_flight,
    "build_datum": building,
    **GROWING,
}


def main(name_of_surface: str, url: str, name: str) -> None:
    """Print the scenario's figures."""
    ask(url, "/_config", {"work_ms": 0})
    figures = SCENARIOS[name](SURFACES[name_of_surface](url), url)
    print(json.dumps(figures), flush=True)
    os._exit(0)  # how long a client takes to end is not what is measured here


if __name__ == "__main__":
    main(*sys.argv[1:])
