"""The embedded engine's work in torch, of the same sizes and written plainly: a yardstick.

`python tests/benchmarks/yardstick.py` needs nothing but torch, and prints one line of JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from statistics import median
from typing import Any, NamedTuple

Weights = dict[str, Any]
Cache = dict[int, tuple[Any, Any]]


class Sizes(NamedTuple):
    """Those of the engine's own base model, and the rank of its adapters."""

    vocabulary: int = 259
    width: int = 64
    layers: int = 2
    heads: int = 4
    hidden: int = 256
    rank: int = 32


@cache
def _torch() -> Any:
    return import_module("torch")


def figures(sizes: Sizes, batch: int = 8, length: int = 128) -> dict[str, float]:
    """Milliseconds, or tokens per second, by what is done."""
    torch = _torch()
    weights = _weights(sizes)
    adapters = [each for each in weights.values() if each.requires_grad]
    optimizer = torch.optim.Adam(adapters, lr=1e-4)
    rows = torch.randint(0, 256, (batch, length + 1))
    found = {
        "forward_backward 8 x 128, ms": 1e3 * _usual(lambda: _loss(weights, rows, sizes).backward()),
        "optim_step, rank 32, ms": 1e3 * _usual(optimizer.step),
    }
    with torch.no_grad():
        for count in (1, 16, 64):
            seconds = _usual(partial(_sample, weights, count, length, sizes), 5)
            found[f"sample, {count} at once, tokens/s"] = count * length / seconds
    return found


def _usual(action: Callable[[], object], runs: int = 20) -> float:
    times: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        _ = action()
        times.append(time.perf_counter() - start)
    return median(times)


def _weights(sizes: Sizes) -> Weights:
    """Frozen matrices, with two adapters to each but the embedding."""
    torch = _torch()
    width, hidden, vocabulary, rank = sizes.width, sizes.hidden, sizes.vocabulary, sizes.rank
    layer = {"qkv": (width, 3 * width), "output": (width, width), "up": (width, hidden), "down": (hidden, width)}
    shapes = {f"{index}.{name}": shape for index in range(sizes.layers) for name, shape in layer.items()}
    weights: Weights = {"embedding": torch.randn(vocabulary, width)}
    for name, (inputs, outputs) in {**shapes, "unembedding": (width, vocabulary)}.items():
        weights[name] = torch.randn(inputs, outputs) * inputs**-0.5
        weights[f"{name}.a"] = torch.randn(inputs, rank, requires_grad=True)
        weights[f"{name}.b"] = torch.zeros(rank, outputs, requires_grad=True)
    return weights


def _loss(weights: Weights, rows: Any, sizes: Sizes) -> Any:
    torch = _torch()
    logits = _logits(weights, rows[:, :-1], sizes)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten(), reduction="sum")


def _sample(weights: Weights, count: int, length: int, sizes: Sizes) -> None:
    torch = _torch()
    tokens, kept = torch.zeros(count, 1, dtype=torch.int64), Cache()
    for _ in range(length):
        chances = torch.softmax(_logits(weights, tokens, sizes, kept)[:, -1], -1)
        tokens = torch.multinomial(chances, 1)


def _logits(weights: Weights, tokens: Any, sizes: Sizes, kept: Cache | None = None) -> Any:
    rows = weights["embedding"][tokens]
    for index in range(sizes.layers):
        rows = rows + _attention(weights, index, _normalized(rows), sizes, kept)
        rectified = _linear(weights, f"{index}.up", _normalized(rows)).relu()
        rows = rows + _linear(weights, f"{index}.down", rectified * rectified)
    return _linear(weights, "unembedding", _normalized(rows))


def _attention(weights: Weights, index: int, rows: Any, sizes: Sizes, kept: Cache | None) -> Any:
    torch = _torch()
    batch, length, width = rows.shape
    fused = _linear(weights, f"{index}.qkv", rows).view(batch, length, 3, sizes.heads, -1)
    query, key, value = fused.permute(2, 0, 3, 1, 4)
    before = 0 if kept is None or index not in kept else kept[index][0].shape[2]
    query, key = _turned(query, before), _turned(key, before)
    if kept is not None:
        if before:
            key, value = (torch.cat(pair, 2) for pair in zip(kept[index], (key, value), strict=True))
        kept[index] = key, value
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
    if length > 1:
        scores = scores.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), float("-inf"))
    mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)
    return _linear(weights, f"{index}.output", mixed)


def _turned(rows: Any, before: int) -> Any:
    """Rotary positions, of which `before` have passed."""
    torch = _torch()
    half = rows.shape[-1] // 2
    places = torch.arange(before, before + rows.shape[2])[:, None]
    angles = places * 10_000.0 ** (-torch.arange(half) / half)
    left, right = rows[..., :half], rows[..., half:]
    return torch.cat((left * angles.cos() - right * angles.sin(), left * angles.sin() + right * angles.cos()), -1)


def _normalized(rows: Any) -> Any:
    return rows * (rows.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt()


def _linear(weights: Weights, name: str, rows: Any) -> Any:
    return rows @ weights[name] + rows @ weights[f"{name}.a"] @ weights[f"{name}.b"]


if __name__ == "__main__":
    print(json.dumps(figures(Sizes())))
