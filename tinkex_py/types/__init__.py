"""Values that go into and come out of operations: inputs, tensors, settings, results. Pure, and cheap to import."""

from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import (
    DmelChunk,
    EncodedTextChunk,
    ImageAssetPointerChunk,
    ImageChunk,
    ModelInput,
    ModelInputChunk,
)
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.sampling import (
    PromptAltTokens,
    SampledSequence,
    SampleResponse,
    SamplingParams,
    Stop,
    StopReason,
    TopkLogprobs,
)
from tinkex_py.types.service import GetServerCapabilitiesResponse, SupportedModel
from tinkex_py.types.tensor import DType, TensorData, TensorDataLike
from tinkex_py.types.tokens import Tokens, TokensLike
from tinkex_py.types.training import (
    AdamParams,
    ForwardBackwardOutput,
    GetInfoResponse,
    LoadWeightsResponse,
    LoraConfig,
    LossConfig,
    LossName,
    ModelData,
    OptimStepResponse,
    SaveWeightsForSamplerResponse,
    SaveWeightsResponse,
    WeightsInfoResponse,
)

__all__ = [
    "AdamParams",
    "DType",
    "Datum",
    "DmelChunk",
    "EncodedTextChunk",
    "ForwardBackwardOutput",
    "FrozenMapping",
    "GetInfoResponse",
    "GetServerCapabilitiesResponse",
    "ImageAssetPointerChunk",
    "ImageChunk",
    "LoadWeightsResponse",
    "LoraConfig",
    "LossConfig",
    "LossName",
    "ModelData",
    "ModelInput",
    "ModelInputChunk",
    "OptimStepResponse",
    "PromptAltTokens",
    "SampleResponse",
    "SampledSequence",
    "SamplingParams",
    "SaveWeightsForSamplerResponse",
    "SaveWeightsResponse",
    "Stop",
    "StopReason",
    "SupportedModel",
    "TensorData",
    "TensorDataLike",
    "Tokens",
    "TokensLike",
    "TopkLogprobs",
    "WeightsInfoResponse",
]
