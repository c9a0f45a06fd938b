"""Models in training: creation, information, loading. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tinkex_py.endpoints.verbs import post, soon, submit
from tinkex_py.request import Request, Secret, secret
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.promises import GivenId, Promised
from tinkex_py.types.training import (
    DimuonOptimizerConfig,
    GetInfoResponse,
    LoraConfig,
    OptimizerConfig,
    OtherOptimizer,
    WeightsInfoResponse,
)


class CreateModel(Struct, frozen=True, kw_only=True, tag="create_model"):
    """Body of `create_model`."""

    session_id: str
    model_seq_id: int
    base_model: str
    lora_config: LoraConfig
    user_metadata: Mapping[str, str] | None = None
    optimizer_config: DimuonOptimizerConfig | Mapping[str, float | str] | None = None


class LoadModel(Struct, frozen=True, kw_only=True, tag="load_weights"):
    """Body of `load_weights` as it makes a model of a session."""

    session_id: str
    model_seq_id: int
    path: str
    optimizer: bool
    base_model: str | None = None
    user_metadata: Mapping[str, str] | None = None
    optimizer_config: DimuonOptimizerConfig | Mapping[str, float | str] | None = None
    weights_access_token: Secret | None = None


class ModelCreated(Struct, frozen=True, kw_only=True):
    """Result of a `create_model` promise."""

    model_id: GivenId


class UnloadModel(Struct, frozen=True, kw_only=True, tag="unload_model"):
    """Body of `unload_model`."""

    model_id: str


class ModelUnloaded(Struct, frozen=True, kw_only=True):
    """Result of an `unload_model` promise."""

    model_id: str | None = None


class GetInfo(Struct, frozen=True, kw_only=True, tag="get_info"):
    """Body of `get_info`."""

    model_id: str


class WeightsInfo(Struct, frozen=True, kw_only=True):
    """Body of `weights_info`."""

    tinker_path: str


def create_model(
    *,
    session_id: str,
    model_seq_id: int,
    base_model: str,
    lora_config: LoraConfig,
    user_metadata: Mapping[str, str] | None = None,
    optimizer: OptimizerConfig | None = None,
) -> Request[Promised]:
    """POST /api/v1/create_model: promises ModelCreated"""
    body = CreateModel(
        session_id=session_id,
        model_seq_id=model_seq_id,
        base_model=base_model,
        lora_config=lora_config,
        user_metadata=None if user_metadata is None else FrozenMapping(user_metadata),
        optimizer_config=_unusual(optimizer),
    )
    return submit("create_model", body)


def load_model(
    *,
    session_id: str,
    model_seq_id: int,
    path: str,
    restore_optimizer: bool = False,
    base_model: str | None = None,
    user_metadata: Mapping[str, str] | None = None,
    optimizer: OptimizerConfig | None = None,
    weights_access_token: str | None = None,
) -> Request[Promised]:
    """POST /api/v1/load_weights: promises LoadWeightsResponse, and makes a model `<session>:train:<model_seq_id>`"""
    body = LoadModel(
        session_id=session_id,
        model_seq_id=model_seq_id,
        path=path,
        optimizer=restore_optimizer,
        base_model=base_model,
        user_metadata=None if user_metadata is None else FrozenMapping(user_metadata),
        optimizer_config=_unusual(optimizer),
        weights_access_token=secret(weights_access_token),
    )
    return submit("load_weights", body)


def unload_model(model_id: str) -> Request[ModelUnloaded | Promised]:
    """POST /api/v1/unload_model: promises ModelUnloaded; some servers answer it at once"""
    return soon("unload_model", UnloadModel(model_id=model_id), ModelUnloaded)


def get_info(model_id: str) -> Request[GetInfoResponse]:
    """POST /api/v1/get_info"""
    return post("get_info", "get_info", body=GetInfo(model_id=model_id), returns=GetInfoResponse)


def weights_info(tinker_path: str) -> Request[WeightsInfoResponse]:
    """POST /api/v1/weights_info"""
    return post("weights_info", "weights_info", body=WeightsInfo(tinker_path=tinker_path), returns=WeightsInfoResponse)


def _unusual(optimizer: OptimizerConfig | None) -> DimuonOptimizerConfig | Mapping[str, float | str] | None:
    """Servers before the choice of an optimizer train by Adam, and may refuse the field."""
    match optimizer:
        case DimuonOptimizerConfig():
            return optimizer
        case OtherOptimizer():
            return optimizer.fields
        case _:
            return None
