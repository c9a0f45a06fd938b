"""How fast the embedded engine is: `python -m tests.benchmarks.bench_engine`. Prints the best of several runs.

Where torch is installed, the same work in torch stands beside it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.benchmarks import yardstick
from tinkex_py.local.bases import ENGLISH, load_base
from tinkex_py.local.checkpoint import load_checkpoint, save_checkpoint
from tinkex_py.local.engine import (
    AdamParams,
    Example,
    LoraConfig,
    LoraModel,
    SamplingOptions,
    create_model,
    forward_backward,
    optim_step,
    sample,
    snapshot,
)
from tinkex_py.local.tokenizer import BOS
from tinkex_py.outcome import Outcome, or_raise

RUNS = 20
TOKENS = 128


def best(action: Callable[[], Outcome[object, str]]) -> float:
    """The shortest of several runs, in seconds."""
    times: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        _ = or_raise(action())
        times.append(time.perf_counter() - start)
    return min(times)


def sampled_per_second(model: LoraModel, count: int) -> float:
    """Tokens sampled per second for `count` sequences at once, 128 tokens each."""
    weights, prompt = snapshot(model), np.array([BOS])
    options = SamplingOptions(max_tokens=TOKENS, stop=(), seed=1)
    return count * TOKENS / best(lambda: sample(weights, prompt, options, num_samples=count))


def batch() -> tuple[Example, ...]:
    """Eight examples of 128 random bytes."""
    rows = np.random.default_rng(0).integers(0, 256, (8, TOKENS + 1))
    return tuple(Example(tokens=row[:-1], inputs={"target_tokens": row[1:]}) for row in rows)


def demo() -> float:
    """Seconds that the whole demonstration takes in a process of its own: 150 steps, samples, a curve."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [str(Path(sys.executable).with_name("tinkex")), "demo", "--out", str(Path(folder) / "demo")]
        _ = subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - start


def main() -> None:
    """Print the figures."""
    model = or_raise(create_model(or_raise(load_base(ENGLISH)), LoraConfig(rank=32)))
    examples = batch()
    print(f"BLAS threads                   {os.environ.get('OPENBLAS_NUM_THREADS', 'as BLAS chooses')}")
    print(
        f"forward_backward 8 x 128    {1e3 * best(lambda: forward_backward(model, examples, 'cross_entropy')):8.1f} ms"
    )
    print(f"optim_step, rank 32         {1e3 * best(lambda: optim_step(model, AdamParams())):8.1f} ms")
    for count in (1, 16, 64):
        print(f"sample, {count:2d} at once          {sampled_per_second(model, count):8.0f} tokens/s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "checkpoint"
        print(
            f"save with optimizer state   {1e3 * best(lambda: save_checkpoint(folder, model, optimizer=True)):8.1f} ms"
        )
        print(f"load with optimizer state   {1e3 * best(lambda: load_checkpoint(folder, optimizer=True)):8.1f} ms")
    print(f"largest resident size       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB")
    print(f"tinkex demo, all of it      {demo():8.1f} s")
    yardstick.main()


if __name__ == "__main__":
    main()
