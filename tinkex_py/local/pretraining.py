"""The script that made the shipped base model: `python -m tinkex_py.local.pretraining --out weights.safetensors`.

It trains every parameter of the embedded transformer on the standard library's prose, rounds them to float16, and
prints what the model card records.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import platform
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from tinkex_py.local.adam import AdamState, adam_step, initial_state
from tinkex_py.local.architecture import Floats, Parameters, Tokens, random_parameters
from tinkex_py.local.bases import ARCHITECTURE
from tinkex_py.local.corpus import documents
from tinkex_py.local.tokenizer import BOS, EOS, encode
from tinkex_py.local.transformer import backward, forward, log_softmax
from tinkex_py.types.training import AdamParams

SEED = 20240501
BATCHES = ((16, 256),) * 7 + ((4, 1024),)
"""Rows and length of each step in turn: one in eight is long, so that positions up to 1,024 are learnt."""
LENGTH = 256
PEAK = 6e-3
WARM_UP = 200
HELD_OUT = 40_000


def token_stream() -> Tokens:
    """All documents in a seeded order, each between BOS and EOS, one after the other."""
    texts = documents()
    order: list[int] = np.random.default_rng(SEED).permutation(len(texts)).tolist()
    return np.concatenate([np.array((BOS, *encode(texts[index]), EOS), dtype=np.int64) for index in order])


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up to the peak, then a cosine down to zero."""
    if step < WARM_UP:
        return PEAK * (step + 1) / WARM_UP
    return PEAK * 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / max(1, steps - WARM_UP)))


def mean_loss(parameters: Parameters, rows: Tokens) -> tuple[float, dict[str, Floats]]:
    """The mean next-token loss in nats of rows `[B, T + 1]`, and its gradient."""
    tape = forward(parameters, rows[:, :-1], ARCHITECTURE)
    logprobs = log_softmax(tape.logits)
    targets = rows[:, 1:].reshape(-1)
    places = np.arange(len(targets))
    slope = np.exp(logprobs)
    slope[places, targets] -= 1
    slope /= len(targets)
    return -float(logprobs[places, targets].mean()), backward(parameters, tape, slope, ARCHITECTURE)


def held_out_loss(parameters: Parameters, stream: Tokens) -> float:
    """The mean loss on the stream's tail, which training never sees."""
    tail = stream[-HELD_OUT:]
    rows = tail[: len(tail) // (LENGTH + 1) * (LENGTH + 1)].reshape(-1, LENGTH + 1)
    groups = [rows[start : start + 16] for start in range(0, len(rows), 16)]
    return sum(mean_loss(parameters, group)[0] * len(group) for group in groups) / len(rows)


def pretrain(stream: Tokens, steps: int) -> dict[str, Floats]:
    """Train for `steps` steps of 4,096 tokens from seeded random parameters."""
    generator = np.random.default_rng(SEED + 1)
    parameters = random_parameters(ARCHITECTURE, SEED)
    state: AdamState = initial_state(parameters)
    for step in range(steps):
        rows, length = BATCHES[step % len(BATCHES)]
        starts = generator.integers(0, len(stream) - HELD_OUT - length - 1, rows)
        loss, gradients = mean_loss(parameters, stream[starts[:, None] + np.arange(length + 1)])
        params = AdamParams(learning_rate=learning_rate(step, steps), weight_decay=0.01, grad_clip_norm=1.0)
        parameters, state, _ = adam_step(parameters, gradients, state, params)
        if step % 500 == 0:
            print(f"step {step}: {loss:.3f} nats per byte", flush=True)
    return parameters


def main() -> None:
    """Train, write the weights, print the card's facts as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    _ = parser.add_argument("--steps", type=int, default=7_000)
    _ = parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    out, steps = Path(options.out), int(options.steps)
    stream = token_stream()
    rounded = {name: value.astype(np.float16) for name, value in pretrain(stream, steps).items()}
    _ = out.write_bytes(save(rounded))
    loss = held_out_loss({name: value.astype(np.float32) for name, value in rounded.items()}, stream)
    facts = {"steps": steps, "seed": SEED, "held_out_nats_per_byte": round(loss, 4)}
    corpus = {"tokens": len(stream), "sha256": hashlib.sha256(stream.astype("<u2").tobytes()).hexdigest()}
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    checksum = hashlib.sha256(out.read_bytes()).hexdigest()
    print(json.dumps(facts | {"corpus": corpus, "versions": versions, "sha256": checksum}, indent=2))


if __name__ == "__main__":
    main()
