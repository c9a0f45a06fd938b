"""Models in training: creation, information, loading. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tinkex_py.endpoints.verbs import post, submit
from tinkex_py.request import Request
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.promises import Promised
from tinkex_py.types.training import GetInfoResponse, LoraConfig, WeightsInfoResponse


class CreateModel(Struct, frozen=True, kw_only=True, tag="create_model"):
    """Body of `create_model`."""

    session_id: str
    model_seq_id: int
    base_model: str
    lora_config: LoraConfig
    user_metadata: Mapping[str, str] | None = None


class ModelCreated(Struct, frozen=True, kw_only=True):
    """Result of a `create_model` promise."""

    model_id: str


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
) -> Request[Promised]:
    """POST /api/v1/create_model: promises ModelCreated"""
    body = CreateModel(
        session_id=session_id,
        model_seq_id=model_seq_id,
        base_model=base_model,
        lora_config=lora_config,
        user_metadata=None if user_metadata is None else FrozenMapping(user_metadata),
    )
    return submit("create_model", body)


def get_info(model_id: str) -> Request[GetInfoResponse]:
    """POST /api/v1/get_info"""
    return post("get_info", "get_info", body=GetInfo(model_id=model_id), returns=GetInfoResponse)


def weights_info(tinker_path: str) -> Request[WeightsInfoResponse]:
    """POST /api/v1/weights_info"""
    return post("weights_info", "weights_info", body=WeightsInfo(tinker_path=tinker_path), returns=WeightsInfoResponse)
