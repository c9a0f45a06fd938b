"""A functional, Result-typed client for the Tinker API: operations return values, and failures are values too.

The names below load when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tinkex_py.version import __version__

if TYPE_CHECKING:
    from returns.result import Failure, Success

    from tinkex_py import auth as auth
    from tinkex_py import errors as errors
    from tinkex_py import types as types
    from tinkex_py.clients.admin import AdminClient, AsyncAdminClient
    from tinkex_py.clients.downloads import download_checkpoint
    from tinkex_py.clients.promises import AsyncPromise, Promise
    from tinkex_py.clients.rest import AsyncRestClient, RestClient
    from tinkex_py.clients.sampling import AsyncSamplingClient, SamplingClient
    from tinkex_py.clients.service import AsyncServiceClient, ServiceClient
    from tinkex_py.clients.training import AsyncTrainingClient, TrainingClient
    from tinkex_py.config import Config
    from tinkex_py.errors import TinkerError
    from tinkex_py.outcome import Outcome, OutcomeError, as_outcome, as_tuple, change, collect, or_raise, then
    from tinkex_py.runtime.tokenizers import load_tokenizer
    from tinkex_py.types import (
        AdamOptimizerConfig,
        AdamParams,
        Datum,
        DimuonOptimizerConfig,
        DimuonParams,
        DmelChunk,
        EncodedTextChunk,
        ForwardBackwardOutput,
        ImageAssetPointerChunk,
        ImageChunk,
        LoraConfig,
        LossHandle,
        ModelInput,
        OtherOptimizer,
        PromptAltTokens,
        RecoveryPolicy,
        RetryConfig,
        SampledSequence,
        SampleResponse,
        SamplingParams,
        TensorData,
        TinkerPath,
    )
    from tinkex_py.types.tokenizing import Tokenizer
    from tinkex_py.types.validation import check

_HOMES = {
    "returns.result": ("Failure", "Success"),
    "tinkex_py.clients.admin": ("AdminClient", "AsyncAdminClient"),
    "tinkex_py.clients.downloads": ("download_checkpoint",),
    "tinkex_py.clients.rest": ("AsyncRestClient", "RestClient"),
    "tinkex_py.clients.promises": ("AsyncPromise", "Promise"),
    "tinkex_py.clients.sampling": ("AsyncSamplingClient", "SamplingClient"),
    "tinkex_py.clients.service": ("AsyncServiceClient", "ServiceClient"),
    "tinkex_py.clients.training": ("AsyncTrainingClient", "TrainingClient"),
    "tinkex_py.config": ("Config",),
    "tinkex_py.errors": ("TinkerError",),
    "tinkex_py.outcome": ("Outcome", "OutcomeError", "as_outcome", "as_tuple", "change", "collect", "or_raise", "then"),
    "tinkex_py.runtime.tokenizers": ("load_tokenizer",),
    "tinkex_py.types.tokenizing": ("Tokenizer",),
    "tinkex_py.types": (
        "AdamOptimizerConfig",
        "AdamParams",
        "Datum",
        "DimuonOptimizerConfig",
        "DimuonParams",
        "DmelChunk",
        "EncodedTextChunk",
        "ForwardBackwardOutput",
        "ImageAssetPointerChunk",
        "ImageChunk",
        "LoraConfig",
        "LossHandle",
        "ModelInput",
        "OtherOptimizer",
        "PromptAltTokens",
        "RecoveryPolicy",
        "RetryConfig",
        "SampleResponse",
        "SampledSequence",
        "SamplingParams",
        "TensorData",
        "TinkerPath",
    ),
    "tinkex_py.types.validation": ("check",),
}
_MODULES = ("auth", "errors", "types")
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AdamOptimizerConfig",
    "AdamParams",
    "AdminClient",
    "AsyncAdminClient",
    "AsyncPromise",
    "AsyncRestClient",
    "AsyncSamplingClient",
    "AsyncServiceClient",
    "AsyncTrainingClient",
    "Config",
    "Datum",
    "DimuonOptimizerConfig",
    "DimuonParams",
    "DmelChunk",
    "EncodedTextChunk",
    "Failure",
    "ForwardBackwardOutput",
    "ImageAssetPointerChunk",
    "ImageChunk",
    "LoraConfig",
    "LossHandle",
    "ModelInput",
    "OtherOptimizer",
    "Outcome",
    "OutcomeError",
    "Promise",
    "PromptAltTokens",
    "RecoveryPolicy",
    "RestClient",
    "RetryConfig",
    "SampleResponse",
    "SampledSequence",
    "SamplingClient",
    "SamplingParams",
    "ServiceClient",
    "Success",
    "TensorData",
    "TinkerError",
    "TinkerPath",
    "Tokenizer",
    "TrainingClient",
    "__version__",
    "as_outcome",
    "as_tuple",
    "change",
    "check",
    "collect",
    "download_checkpoint",
    "load_tokenizer",
    "or_raise",
    "then",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"tinkex_py.{name}")  # which makes it an attribute
    if name not in _HOME:
        raise AttributeError(f"module 'tinkex_py' has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_HOME[name]), name)  # the next time this isn't asked
    return found


def __dir__() -> list[str]:
    """Every public name, loaded or not, for those who complete names at a prompt."""
    return sorted({*globals(), *__all__, *_MODULES})
