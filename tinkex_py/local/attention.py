"""Causal attention in blocks of query rows, with rotary positions and its backward pass. Pure.

A block of rows sees only the keys up to its end, so no work is spent above the diagonal and memory grows with the
length, not its square. The backward pass makes the probabilities again from the stored log-normalizers instead of
keeping them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tinkex_py.local.architecture import Floats

BLOCK = 128


@lru_cache(maxsize=8)
def rotations(length: int, heads: int, size: int, dtype: str) -> npt.NDArray[np.complexfloating]:
    """Factors `[length, 2 * heads, size / 2]` that turn queries and keys by their position (RoPE, arXiv:2104.09864).

    Neighbouring components are one complex number. The queries' factors carry the scale 1 / sqrt(size) too.
    """
    frequencies = 10000.0 ** (-np.arange(size // 2) / (size // 2))
    turns = np.exp(1j * np.outer(np.arange(length), frequencies))
    scales = np.repeat([size**-0.5, 1.0], heads)
    factors: npt.NDArray[np.complexfloating] = (turns[:, None, :] * scales[None, :, None]).astype(
        np.result_type(dtype, np.complex64)
    )
    factors.setflags(write=False)
    return factors


@lru_cache(maxsize=2)
def _future(dtype: str) -> Floats:
    mask: Floats = np.triu(np.full((BLOCK, BLOCK), -np.inf, dtype=dtype), 1)
    mask.setflags(write=False)
    return mask


def turned(pairs: Floats, factors: npt.NDArray[np.complexfloating]) -> Floats:
    """Multiply neighbouring components of `[..., size]`, read as complex numbers, by `factors`."""
    products: Floats = (pairs.view(factors.dtype) * factors).view(pairs.dtype)
    return products


def _scores(query: Floats, key: Floats, start: int, stop: int) -> Floats:
    scores: Floats = query[:, :, start:stop] @ key[:, :, :stop].swapaxes(2, 3)
    scores[..., start:] += _future(query.dtype.name)[: stop - start, : stop - start]
    return scores


def attend(query: Floats, key: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Mix `value` `[B, H, T, S]` over each row's past; also return the log-normalizers `[B, H, T, 1]`."""
    batch, heads, length, size = query.shape
    mixed = np.empty((batch, length, heads, size), query.dtype).transpose(0, 2, 1, 3)
    normalizers = np.empty((batch, heads, length, 1), query.dtype)
    ones = np.ones((length, 1), query.dtype)
    for start in range(0, length, BLOCK):
        stop = min(start + BLOCK, length)
        scores = _scores(query, key, start, stop)
        highest = scores.max(axis=3, keepdims=True)
        weights = np.exp(np.subtract(scores, highest, out=scores), out=scores)
        # A product with ones sums the last axis several times faster than .sum does.
        total = weights @ ones[:stop]
        mixed[:, :, start:stop] = (weights @ value[:, :, :stop]) / total
        normalizers[:, :, start:stop] = highest + np.log(total)
    return mixed, normalizers


def attend_backward(
    query: Floats, key: Floats, value: Floats, mixed: Floats, normalizers: Floats, slope: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the gradients of query, key and value `[B, H, T, S]` for the gradient `slope` of what `attend` mixed."""
    length = query.shape[2]
    query_slope = np.empty_like(query)
    key_slope = np.zeros_like(key)
    value_slope = np.zeros_like(value)
    shared = (slope * mixed).sum(axis=3, keepdims=True)
    for start in range(0, length, BLOCK):
        stop = min(start + BLOCK, length)
        weights = _scores(query, key, start, stop)
        weights -= normalizers[:, :, start:stop]
        weights = np.exp(weights, out=weights)
        value_slope[:, :, :stop] += weights.swapaxes(2, 3) @ slope[:, :, start:stop]
        weights_slope = slope[:, :, start:stop] @ value[:, :, :stop].swapaxes(2, 3)
        weights_slope -= shared[:, :, start:stop]
        weights_slope *= weights
        query_slope[:, :, start:stop] = weights_slope @ key[:, :, :stop]
        key_slope[:, :, :stop] += weights_slope.swapaxes(2, 3) @ query[:, :, start:stop]
    return query_slope, key_slope, value_slope
