"""The sizes of a transformer, the names and shapes of its parameters, and seeded random ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from numpy.random import default_rng

Floats: TypeAlias = npt.NDArray[np.floating]
"""Float32 in use; float64 where gradients are checked."""
Tokens: TypeAlias = npt.NDArray[np.int64]
Parameters: TypeAlias = Mapping[str, Floats]


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """A decoder-only transformer: `width` is split over `heads`, each MLP is `hidden` wide, `context` is in tokens."""

    vocabulary: int = 259
    width: int = 64
    layers: int = 2
    heads: int = 4
    hidden: int = 256
    context: int = 2048


def parameter_shapes(architecture: Architecture) -> dict[str, tuple[int, int]]:
    """Name every matrix with its shape `[inputs, outputs]`; query, key and value are one matrix side by side."""
    width, hidden, vocabulary = architecture.width, architecture.hidden, architecture.vocabulary
    layer = {
        "attention.qkv": (width, 3 * width),
        "attention.output": (width, width),
        "mlp.up": (width, hidden),
        "mlp.down": (hidden, width),
    }
    layers = {f"layers.{index}.{name}": shape for index in range(architecture.layers) for name, shape in layer.items()}
    return {"embedding": (vocabulary, width), **layers, "unembedding": (width, vocabulary)}


def random_parameters(architecture: Architecture, seed: int) -> dict[str, Floats]:
    """Draw float32 parameters with variance 1 / inputs; what writes into the residual stream starts smaller."""
    generator = default_rng(seed)
    return {
        name: (_spread(name, shape) * generator.standard_normal(shape)).astype(np.float32)
        for name, shape in parameter_shapes(architecture).items()
    }


def _spread(name: str, shape: tuple[int, int]) -> float:
    if name == "embedding":
        return 1.0
    return float(shape[0] ** -0.5) * (0.3 if name.endswith(("output", "down", "unembedding")) else 1.0)
