"""Low-rank adapters: which matrices have one, how they start, how they merge, and their gradients. Pure.

A matrix `W` `[inputs, outputs]` with an adapter acts as `W + s * A @ B` (LoRA, arXiv:2106.09685) with the scale
`s = 32 / rank`. Adam moves every entry of B by about the learning rate per step. A row of `x @ A` has `rank` entries of
size one and B's steps share their signs, so one step moves the matrix's outputs by `s * rank * rate`, which is
`32 * rate` at any rank: 0.003 to 0.03 for the learning rates that users of Tinker know, 1e-4 to 1e-3, where the
normalized activations are of size one. So a rate found at one rank is good at another.
"""

from __future__ import annotations

import numpy as np
from numpy.random import default_rng

from tinkex_py.local.architecture import Architecture, Floats, Parameters, parameter_shapes
from tinkex_py.types.training import LoraConfig

ALPHA = 32.0
LARGEST_RANK = 128


def config_problem(config: LoraConfig) -> str | None:
    """Say what keeps the configuration from being used, if anything: its rank, or that it trains nothing."""
    if not 1 <= config.rank <= LARGEST_RANK:
        return f"lora_config.rank must be 1 to {LARGEST_RANK}, not {config.rank}"
    if not (config.train_attn or config.train_mlp or config.train_unembed):
        return "at least one of train_attn, train_mlp and train_unembed must be true"
    return None


def adapted(architecture: Architecture, config: LoraConfig) -> dict[str, tuple[int, int]]:
    """The matrices that get an adapter, with their shapes."""
    switches = {"attention": config.train_attn, "mlp": config.train_mlp, "unembedding": config.train_unembed}
    shapes = parameter_shapes(architecture)
    return {
        name: shapes[name] for name in shapes if any(switches[part] for part in name.split(".") if part in switches)
    }


def initial_adapter(architecture: Architecture, config: LoraConfig) -> dict[str, Floats]:
    """Seeded normal A (seed 0 if none is given) with variance 1 / inputs, and zero B: at first it changes nothing.

    Each A has a stream of its own, so switching one group off leaves the others' starts as they are.
    """
    adapter: dict[str, Floats] = {}
    places = {name: place for place, name in enumerate(parameter_shapes(architecture))}
    for name, (inputs, outputs) in adapted(architecture, config).items():
        generator = default_rng([(config.seed or 0) % 2**64, places[name]])
        drawn = generator.standard_normal((inputs, config.rank)) * inputs**-0.5
        adapter[f"{name}.lora_A"] = drawn.astype(np.float32)
        adapter[f"{name}.lora_B"] = np.zeros((config.rank, outputs), np.float32)
    return adapter


def _names(adapter: Parameters) -> list[str]:
    return [name.removesuffix(".lora_A") for name in adapter if name.endswith(".lora_A")]


def merged(parameters: Parameters, adapter: Parameters, rank: int) -> dict[str, Floats]:
    """Return the parameters with every adapter added in."""
    scale = ALPHA / rank
    products = {name: adapter[f"{name}.lora_A"] @ adapter[f"{name}.lora_B"] for name in _names(adapter)}
    return {**parameters, **{name: parameters[name] + scale * product for name, product in products.items()}}


def adapter_gradients(adapter: Parameters, gradients: Parameters, rank: int) -> dict[str, Floats]:
    """Turn the gradients of the merged matrices into those of A and B."""
    scale = ALPHA / rank
    found: dict[str, Floats] = {}
    for name in _names(adapter):
        found[f"{name}.lora_A"] = scale * (gradients[name] @ adapter[f"{name}.lora_B"].T)
        found[f"{name}.lora_B"] = scale * (adapter[f"{name}.lora_A"].T @ gradients[name])
    return found
