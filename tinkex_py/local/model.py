"""A model in training, and the weights that sampling uses."""

from __future__ import annotations

import msgspec

from tinkex_py.local.adam import AdamState, initial_state
from tinkex_py.local.architecture import Floats, Parameters
from tinkex_py.local.bases import Base
from tinkex_py.local.lora import initial_adapter, merged
from tinkex_py.types.training import LoraConfig


class LoraModel:
    """A base, a LoraConfig, an adapter, Adam's moments and the gradients gathered since the last optimizer step.

    Arrays are replaced, never written to, so what was read from a model stays as it was.
    """

    def __init__(
        self, base: Base, config: LoraConfig, adapter: Parameters | None = None, state: AdamState | None = None
    ) -> None:
        self.base = base
        self.config = config
        self.adapter: Parameters = initial_adapter(base.architecture, config) if adapter is None else adapter
        self.state = initial_state(self.adapter) if state is None else state
        self.gradients: dict[str, Floats] = {}

    @property
    def step(self) -> int:
        """Optimizer steps made so far."""
        return self.state.step

    def merged(self) -> dict[str, Floats]:
        """The base's parameters with the adapter added in."""
        return merged(self.base.parameters, self.adapter, self.config.rank)


class SamplerWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Merged parameters that do not move when training goes on; `base` is what they were made from."""

    base: Base
    parameters: Parameters


def snapshot(model: LoraModel) -> SamplerWeights:
    """Return the model's present weights for sampling; later training does not move them."""
    return SamplerWeights(base=model.base, parameters=model.merged())


def base_sampler(base: Base) -> SamplerWeights:
    """Return the base's own weights for sampling."""
    return SamplerWeights(base=base, parameters=base.parameters)
