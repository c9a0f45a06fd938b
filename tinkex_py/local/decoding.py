"""One token after another through the transformer, with a cache of keys and values.

All rows of a cache continue the same prompt in step, so they share one position.
"""

from __future__ import annotations

import numpy as np

from tinkex_py.local.architecture import Architecture, Floats, Parameters, Tokens
from tinkex_py.local.attention import rotations, turned
from tinkex_py.local.transformer import Tape, normalize


class Cache:
    """Per layer keys `[N, H, S, capacity]` and values `[N, H, capacity, S]`, filled up to `position`."""

    def __init__(self, tape: Tape, architecture: Architecture, rows: int, capacity: int) -> None:
        self.architecture = architecture
        self.position = tape.tokens.shape[1]
        self.rows = rows
        size = architecture.width // architecture.heads
        self.keys = [np.empty((rows, architecture.heads, size, capacity), np.float32) for _ in tape.layers]
        self.values = [np.empty((rows, architecture.heads, capacity, size), np.float32) for _ in tape.layers]
        for (attention, _), keys, values in zip(tape.layers, self.keys, self.values, strict=True):
            keys[..., : self.position] = attention.key.swapaxes(2, 3)
            values[:, :, : self.position] = attention.value
        self.factors = rotations(architecture.context, architecture.heads, size, "float32")

    def keep(self, rows: Tokens) -> None:
        """Go on with these rows only."""
        self.rows = len(rows)
        self.keys = [keys[rows] for keys in self.keys]
        self.values = [values[rows] for values in self.values]


def advance(parameters: Parameters, cache: Cache, tokens: Tokens) -> Floats:
    """Feed one token per row `[N]` and return the logits that follow `[N, vocabulary]`."""
    rows = parameters["embedding"][tokens]
    for index in range(len(cache.keys)):
        prefix = f"layers.{index}"
        mixed = _attend_last(normalize(rows)[0] @ parameters[f"{prefix}.attention.qkv"], cache, index)
        rows = rows + mixed @ parameters[f"{prefix}.attention.output"]
        rectified = normalize(rows)[0] @ parameters[f"{prefix}.mlp.up"]
        rectified = np.maximum(rectified, 0, out=rectified)
        rows = rows + (rectified * rectified) @ parameters[f"{prefix}.mlp.down"]
    cache.position += 1
    return normalize(rows)[0] @ parameters["unembedding"]


def _attend_last(fused: Floats, cache: Cache, index: int) -> Floats:
    """Store the new position's key and value, and mix the values of all positions so far `[N, width]`."""
    heads, position = cache.architecture.heads, cache.position
    parts = fused.reshape(cache.rows, 3 * heads, -1)
    query_key = turned(parts[:, : 2 * heads], cache.factors[position])
    cache.keys[index][..., position] = query_key[:, heads:]
    cache.values[index][:, :, position] = parts[:, 2 * heads :]
    scores = query_key[:, :heads, None] @ cache.keys[index][..., : position + 1]
    scores -= scores.max(axis=3, keepdims=True)
    weights = np.exp(scores, out=scores)
    weights /= weights.sum(axis=3, keepdims=True)
    return (weights @ cache.values[index][:, :, : position + 1]).reshape(cache.rows, -1)
