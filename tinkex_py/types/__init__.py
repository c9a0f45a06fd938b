"""Values that go into and come out of operations: inputs, tensors, settings, results. Pure, and cheap to import.

What training and sampling take and give
    inputs, datum, batch       what a model reads, a training example, and a batch of them
    tensor, tokens, views      numbers: given, packed, and read from results without being copied
    training, sampling         settings and results of both
    custom, handles            losses that a server may run, and a sampler as a text
    retries, questions         how a client goes on after a failure, and what is to be sampled

What a server says
    service, promises, causes  of itself, of work under way, and why it refuses something
    runs, sessions, paths      runs, checkpoints and sessions, and where a checkpoint is
    usage, keys, console       what was used, the key, and where a person sees things
    telemetry, moments         what it is told of a client, and times

How numbers are packed
    packing, rows              as little-endian bytes, and the data of a batch that look alike
    arrays, sparse, scanning   arrays of other libraries, sparse rows, and what is amiss in packed numbers

What is wrong with a value
    kinds, limits, arguments   of which kind it is; the rules of settings, and of arguments, as data
    validation                 a value looked through, with the place of what is wrong
    numbers, mapping, once     numbers as Python's own, immutable mappings, and what is made when it is asked for
    raised, files              what others raised, and files that can't be used, in words
    credentials, stored        what a credential looks like, and the keys that a person stores
    tokenizing                 tokenizers as values
"""

from tinkex_py.types.batch import Batch, Dialect
from tinkex_py.types.custom import CustomLossGraph, CustomLossInput, CustomLossNode, InputRank, LossHandle, PerDatumLoss
from tinkex_py.types.datum import Datum, PromptProvenanceSpan, ProvenanceSpan, SampledProvenanceSpan
from tinkex_py.types.inputs import (
    DmelChunk,
    EncodedTextChunk,
    ImageAssetPointerChunk,
    ImageChunk,
    ModelInput,
    ModelInputChunk,
)
from tinkex_py.types.keys import ApiKeyResponse
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.paths import CheckpointType, TinkerPath
from tinkex_py.types.retries import RecoveryPolicy, RetryConfig
from tinkex_py.types.runs import (
    AccessScope,
    Checkpoint,
    CheckpointArchiveUrlResponse,
    CheckpointsListResponse,
    Cursor,
    ExternalWeightsUrlsResponse,
    TrainingRun,
    TrainingRunsResponse,
)
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
from tinkex_py.types.sessions import (
    AccessibleSearchOwner,
    GetSamplerResponse,
    GetSessionResponse,
    ListSessionsResponse,
    OwnSearchOwner,
    SearchCursor,
    SearchOwner,
    SearchStatus,
    SessionReason,
    SessionSearchRequest,
    SessionSearchResponse,
    SessionStatus,
    SessionSummary,
    UserSearchOwner,
)
from tinkex_py.types.tensor import DType, TensorData, TensorDataLike
from tinkex_py.types.tokens import Tokens, TokensLike
from tinkex_py.types.training import (
    AdamOptimizerConfig,
    AdamParams,
    DimuonOptimizerConfig,
    DimuonParams,
    ForwardBackwardOutput,
    GetInfoResponse,
    LoadWeightsResponse,
    LoraConfig,
    LossConfig,
    LossName,
    ModelData,
    OptimizerConfig,
    OptimizerParams,
    OptimStepResponse,
    OtherOptimizer,
    SaveWeightsExternalResponse,
    SaveWeightsForSamplerResponse,
    SaveWeightsResponse,
    WeightsInfoResponse,
)
from tinkex_py.types.usage import (
    AuditLogEntry,
    AuditLogResponse,
    BillingEvent,
    BillingUsageResponse,
    CheckpointStorage,
    CheckpointStorageUsageResponse,
    EventInfo,
)

__all__ = [
    "AccessScope",
    "AccessibleSearchOwner",
    "AdamOptimizerConfig",
    "AdamParams",
    "ApiKeyResponse",
    "AuditLogEntry",
    "AuditLogResponse",
    "Batch",
    "BillingEvent",
    "BillingUsageResponse",
    "Checkpoint",
    "CheckpointArchiveUrlResponse",
    "CheckpointStorage",
    "CheckpointStorageUsageResponse",
    "CheckpointType",
    "CheckpointsListResponse",
    "Cursor",
    "CustomLossGraph",
    "CustomLossInput",
    "CustomLossNode",
    "DType",
    "Datum",
    "Dialect",
    "DimuonOptimizerConfig",
    "DimuonParams",
    "DmelChunk",
    "EncodedTextChunk",
    "EventInfo",
    "ExternalWeightsUrlsResponse",
    "ForwardBackwardOutput",
    "FrozenMapping",
    "GetInfoResponse",
    "GetSamplerResponse",
    "GetServerCapabilitiesResponse",
    "GetSessionResponse",
    "ImageAssetPointerChunk",
    "ImageChunk",
    "InputRank",
    "ListSessionsResponse",
    "LoadWeightsResponse",
    "LoraConfig",
    "LossConfig",
    "LossHandle",
    "LossName",
    "ModelData",
    "ModelInput",
    "ModelInputChunk",
    "OptimStepResponse",
    "OptimizerConfig",
    "OptimizerParams",
    "OtherOptimizer",
    "OwnSearchOwner",
    "PerDatumLoss",
    "PromptAltTokens",
    "PromptProvenanceSpan",
    "ProvenanceSpan",
    "RecoveryPolicy",
    "RetryConfig",
    "SampleResponse",
    "SampledProvenanceSpan",
    "SampledSequence",
    "SamplingParams",
    "SaveWeightsExternalResponse",
    "SaveWeightsForSamplerResponse",
    "SaveWeightsResponse",
    "SearchCursor",
    "SearchOwner",
    "SearchStatus",
    "SessionReason",
    "SessionSearchRequest",
    "SessionSearchResponse",
    "SessionStatus",
    "SessionSummary",
    "Stop",
    "StopReason",
    "SupportedModel",
    "TensorData",
    "TensorDataLike",
    "TinkerPath",
    "Tokens",
    "TokensLike",
    "TopkLogprobs",
    "TrainingRun",
    "TrainingRunsResponse",
    "UserSearchOwner",
    "WeightsInfoResponse",
]
