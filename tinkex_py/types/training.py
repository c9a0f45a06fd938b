"""What training takes and gives: LoRA and optimizer settings, outputs of steps and saves. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from tinkex_py.types.mapping import FrozenMapping, frozen
from tinkex_py.types.numbers import PlainNumbers
from tinkex_py.types.tensor import TensorData

LossName: TypeAlias = (
    Literal["cross_entropy", "importance_sampling", "ppo", "cispo", "dro", "gspo", "stable_reinforce", "custom"] | str
)
"""A loss by name; the literal ones are the service's, a server may know others."""

LossConfig: TypeAlias = Mapping[str, float | str]
"""Settings of a loss, such as `{"clip_low_threshold": 0.8}`."""


class LoraConfig(PlainNumbers, frozen=True, kw_only=True):
    """A low-rank adapter: its rank, the seed of its random half, and which of the model's weights it adapts."""

    rank: int = 32
    seed: int | None = None
    train_unembed: bool = True
    train_mlp: bool = True
    train_attn: bool = True


class AdamParams(PlainNumbers, frozen=True, kw_only=True):
    """One step of Adam with decoupled weight decay; `grad_clip_norm` 0 leaves gradients as they are."""

    learning_rate: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-12
    weight_decay: float = 0.0
    grad_clip_norm: float = 0.0


class DimuonParams(PlainNumbers, frozen=True, kw_only=True, tag="dimuon"):
    """One step of Dimuon, for a model that was created with it; `grad_clip_norm` 0 leaves gradients as they are."""

    learning_rate: float
    grad_clip_norm: float = 0.0
    beta1: float = 0.9


class OtherOptimizer(Struct, frozen=True):
    """An optimizer of a family that has no class here, by its name, and what the server wants to be told of it.

    It serves at creation and as the settings of a step.

    >>> OtherOptimizer("lion", {"lr": 0.1}).fields
    {'type': 'lion', 'lr': 0.1}
    """

    type: str
    settings: Mapping[str, float | str] = FrozenMapping()

    def __post_init__(self) -> None:
        structs.force_setattr(self, "settings", frozen(self.settings))

    @property
    def fields(self) -> Mapping[str, float | str]:
        """All of it side by side, as it is sent."""
        return FrozenMapping({"type": self.type, **self.settings})


OptimizerParams: TypeAlias = AdamParams | DimuonParams | OtherOptimizer
"""Settings of one optimizer step, of the family that the model was created with."""


class AdamOptimizerConfig(Struct, frozen=True, kw_only=True, tag="adamw"):
    """A model that is trained by Adam, which every server knows."""


class DimuonOptimizerConfig(PlainNumbers, frozen=True, kw_only=True, tag="dimuon"):
    """A model that is trained by Dimuon."""

    version: int = 1


OptimizerConfig: TypeAlias = AdamOptimizerConfig | DimuonOptimizerConfig | OtherOptimizer
"""The optimizer that a model is created with."""


class ForwardBackwardOutput(Struct, frozen=True, kw_only=True):
    """Outputs of a loss: for each datum its tensors (`logprobs` `[T]` in nats), and metrics of the whole batch."""

    loss_fn_output_type: str = ""
    loss_fn_outputs: Sequence[Mapping[str, TensorData]]
    metrics: Mapping[str, float] = FrozenMapping()


class OptimStepResponse(Struct, frozen=True, kw_only=True):
    """Metrics of an optimizer step, None when the server gives none."""

    metrics: Mapping[str, float] | None = None


class SaveWeightsResponse(Struct, frozen=True, kw_only=True):
    """Where a training checkpoint was saved: `tinker://run/weights/name`."""

    path: str


class SaveWeightsForSamplerResponse(Struct, frozen=True, kw_only=True):
    """Where weights were saved for sampling: a path for a named save, a session for a nameless one."""

    path: str | None = None
    sampling_session_id: str | None = None


class SaveWeightsExternalResponse(Struct, frozen=True, kw_only=True):
    """Where weights were saved for use elsewhere, and how large they are."""

    path: str
    size_bytes: int | None = None


class LoadWeightsResponse(Struct, frozen=True, kw_only=True):
    """Which checkpoint a model was loaded from."""

    path: str | None = None
    model_id: str | None = None


class OptimizerInfo(Struct, frozen=True, kw_only=True):
    """What the server says of a model's optimizer, such as `adamw`."""

    type: str = "adamw"
    version: int | None = None


class ModelData(Struct, frozen=True, kw_only=True):
    """What the server says of a model's base; the revision that may follow a colon in `tokenizer_id` is cut off."""

    arch: str | None = None
    model_name: str | None = None
    tokenizer_id: str | None = None

    def __post_init__(self) -> None:
        if self.tokenizer_id is not None:
            structs.force_setattr(self, "tokenizer_id", self.tokenizer_id.partition(":")[0])


class GetInfoResponse(Struct, frozen=True, kw_only=True):
    """What the server says of a model in training."""

    model_id: str
    model_data: ModelData = ModelData()
    is_lora: bool | None = None
    lora_rank: int | None = None
    model_name: str | None = None
    optimizer_config: OptimizerInfo | None = None


class WeightsInfoResponse(Struct, frozen=True, kw_only=True):
    """What a checkpoint was trained on, enough to make a model that can load it."""

    base_model: str
    is_lora: bool = True
    lora_rank: int | None = None
    train_unembed: bool | None = None
    train_mlp: bool | None = None
    train_attn: bool | None = None
    optimizer_config: OptimizerInfo | None = None
