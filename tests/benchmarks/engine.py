"""How fast the embedded engine is: `python -m tests.benchmarks.engine [--threads]`.

One line of JSON, medians of several runs; `yardstick` measures the same work in torch. With `--threads` matrices are
multiplied on as many threads as BLAS chooses, instead of on the one that a server's worker allows.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import numpy as np

from tinkex_py.local.bases import ENGLISH, load_base
from tinkex_py.local.checkpoint import load_checkpoint, save_checkpoint
from tinkex_py.local.engine import (
    Example,
    LoraModel,
    SamplingOptions,
    create_model,
    forward_backward,
    optim_step,
    sample,
    snapshot,
)
from tinkex_py.local.threads import one_thread
from tinkex_py.local.tokenizer import BOS
from tinkex_py.outcome import Outcome, or_raise
from tinkex_py.types.training import AdamParams, LoraConfig

RUNS = 20
TOKENS = 128
MILLI = 1e3


def usual(action: Callable[[], Outcome[object, str]]) -> float:
    """The median of several runs, in seconds."""
    times: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        _ = or_raise(action())
        times.append(time.perf_counter() - start)
    return median(times)


def sampled_per_second(model: LoraModel, count: int) -> float:
    """Tokens sampled per second for `count` sequences at once, 128 tokens each."""
    weights, prompt = snapshot(model), np.array([BOS])
    options = SamplingOptions(max_tokens=TOKENS, stop=(), seed=1)
    return count * TOKENS / usual(lambda: sample(weights, prompt, options, num_samples=count))


def batch() -> tuple[Example, ...]:
    """Eight examples of 128 random bytes."""
    rows = np.random.default_rng(0).integers(0, 256, (8, TOKENS + 1))
    return tuple(Example(tokens=row[:-1], inputs={"target_tokens": row[1:]}) for row in rows)


def figures() -> dict[str, float]:
    """Milliseconds, or tokens per second, by what is done."""
    model = or_raise(create_model(or_raise(load_base(ENGLISH)), LoraConfig(rank=32)))
    examples = batch()
    found = {
        "forward_backward 8 x 128, ms": MILLI * usual(lambda: forward_backward(model, examples, "cross_entropy")),
        "optim_step, rank 32, ms": MILLI * usual(lambda: optim_step(model, AdamParams())),
        **{f"sample, {count} at once, tokens/s": sampled_per_second(model, count) for count in (1, 16, 64)},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "checkpoint"
        found["save with optimizer state, ms"] = MILLI * usual(lambda: save_checkpoint(folder, model, optimizer=True))
        found["load with optimizer state, ms"] = MILLI * usual(lambda: load_checkpoint(folder, optimizer=True))
    return found


if __name__ == "__main__":
    with nullcontext() if "--threads" in sys.argv else one_thread():
        print(json.dumps(figures()))
