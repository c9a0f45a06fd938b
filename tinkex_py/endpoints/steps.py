"""Numbered steps of a model: training, optimizer, saving and loading. Pure.

A step is a body without a number: it is encoded first, in the server's dialect, and the number goes in front when its
turn has come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct
from typing_extensions import TypeForm

from tinkex_py.endpoints.verbs import PREFIX, submit
from tinkex_py.outcome import or_raise
from tinkex_py.request import UNTIL_KNOWN, Encoded, Repeat, Request, Secret, secret
from tinkex_py.types.batch import Batch, Dialect
from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.promises import Promised
from tinkex_py.types.training import (
    AdamParams,
    DimuonParams,
    ForwardBackwardOutput,
    LoadWeightsResponse,
    LossConfig,
    OptimizerParams,
    OptimStepResponse,
    SaveWeightsExternalResponse,
    SaveWeightsForSamplerResponse,
    SaveWeightsResponse,
)
from tinkex_py.wire.dialects import NOBODY, Understood, Verdict, lower, numbered

T = TypeVar("T")

SnapshotKind: TypeAlias = Literal["snapshot", "inflight"]
"""Weights as they were when asked for, or as they are whenever they are sampled from."""


class Step(Struct, Generic[T], frozen=True, kw_only=True):
    """A step before it has a number: where it goes, what it says, what its promise holds.

    `kind` is what the protocol calls it when its result is asked for.
    """

    operation: str
    kind: str
    body: Struct
    returns: TypeForm[T]


class BatchStep(Step[ForwardBackwardOutput], frozen=True, kw_only=True):
    """A step that takes a batch to a loss."""

    body: Batch


class OptimStep(Struct, frozen=True, kw_only=True, tag="optim_step"):
    """Body of `optim_step`, unnumbered: `adam_params`, or `optimizer_params` for any other family."""

    adam_params: AdamParams | None = None
    optimizer_params: DimuonParams | Mapping[str, float | str] | None = None


class SaveWeights(Struct, frozen=True, kw_only=True, tag="save_weights"):
    """Body of `save_weights`, unnumbered."""

    path: str
    ttl_seconds: int | None = None
    overwrite: bool | None = None
    user_metadata: Mapping[str, str] | None = None


class SaveWeightsForSampler(Struct, frozen=True, kw_only=True, tag="save_weights_for_sampler"):
    """Body of `save_weights_for_sampler`, unnumbered: named by `path`, or nameless for a session."""

    path: str | None = None
    sampling_session_seq_id: int | None = None
    kind: str | None = None
    ttl_seconds: int | None = None
    user_metadata: Mapping[str, str] | None = None


class SaveWeightsExternal(Struct, frozen=True, kw_only=True, tag="save_weights_external"):
    """Body of `save_weights_external`, unnumbered."""

    path: str
    ttl_seconds: int | None = None
    age_encryption_recipients: tuple[str, ...] | None = None


class LoadWeights(Struct, frozen=True, kw_only=True, tag="load_weights"):
    """Body of `load_weights`, unnumbered."""

    path: str
    optimizer: bool
    weights_access_token: Secret | None = None


def submit_step(operation: str, encoded: Encoded) -> Request[Promised]:
    """POST /api/v1/{operation}: the numbered bytes of a step"""
    return submit(operation, encoded, UNTIL_KNOWN)


def forward_backward_of_nobody(dialect: Dialect) -> Request[Verdict]:
    """POST /api/v1/forward_backward: a tiny batch for a model that can't exist, to see whether it is read"""
    batch = Batch(data=(_TINY,), loss_fn="cross_entropy")
    unnumbered = or_raise(lower("forward_backward", batch, dialect)).unnumbered
    return Request(
        operation="forward_backward",
        method="POST",
        path=(*PREFIX, "forward_backward"),
        returns=Understood(dialect),
        body=numbered(unnumbered, NOBODY, 1),
        repeat=_PASSING,
    )


def forward(data: Sequence[Datum], loss_fn: str, loss_fn_config: LossConfig | None = None) -> BatchStep:
    """POST /api/v1/forward: promises ForwardBackwardOutput; in protobuf it goes to forward_backward"""
    body = _batch(data, loss_fn, loss_fn_config, forward_only=True)
    return BatchStep(operation="forward", kind="Forward", body=body, returns=ForwardBackwardOutput)


def forward_backward(data: Sequence[Datum], loss_fn: str, loss_fn_config: LossConfig | None = None) -> BatchStep:
    """POST /api/v1/forward_backward: promises ForwardBackwardOutput"""
    body = _batch(data, loss_fn, loss_fn_config, forward_only=False)
    return BatchStep(operation="forward_backward", kind="ForwardBackward", body=body, returns=ForwardBackwardOutput)


def optim_step(params: OptimizerParams) -> Step[OptimStepResponse]:
    """POST /api/v1/optim_step: promises OptimStepResponse"""
    return Step(operation="optim_step", kind="OptimStep", body=_of_family(params), returns=OptimStepResponse)


def save_weights(
    name: str,
    ttl_seconds: int | None = None,
    *,
    overwrite: bool = False,
    user_metadata: Mapping[str, str] | None = None,
) -> Step[SaveWeightsResponse]:
    """POST /api/v1/save_weights: promises SaveWeightsResponse"""
    body = SaveWeights(
        path=name, ttl_seconds=ttl_seconds, overwrite=overwrite or None, user_metadata=_frozen(user_metadata)
    )
    return Step(operation="save_weights", kind="SaveWeights", body=body, returns=SaveWeightsResponse)


def save_weights_for_sampler(
    name: str | None = None,
    *,
    sampling_session_seq_id: int | None = None,
    kind: SnapshotKind = "snapshot",
    ttl_seconds: int | None = None,
    user_metadata: Mapping[str, str] | None = None,
) -> Step[SaveWeightsForSamplerResponse]:
    """POST /api/v1/save_weights_for_sampler: promises SaveWeightsForSamplerResponse"""
    body = SaveWeightsForSampler(
        path=name,
        sampling_session_seq_id=sampling_session_seq_id,
        kind=None if kind == "snapshot" else kind,
        ttl_seconds=ttl_seconds,
        user_metadata=_frozen(user_metadata),
    )
    return Step(
        operation="save_weights_for_sampler",
        kind="SaveWeightsForSampler",
        body=body,
        returns=SaveWeightsForSamplerResponse,
    )


def save_weights_external(
    name: str, ttl_seconds: int | None = None, *, age_encryption_recipients: Sequence[str] | None = None
) -> Step[SaveWeightsExternalResponse]:
    """POST /api/v1/save_weights_external: promises SaveWeightsExternalResponse"""
    recipients = None if age_encryption_recipients is None else tuple(age_encryption_recipients)
    body = SaveWeightsExternal(path=name, ttl_seconds=ttl_seconds, age_encryption_recipients=recipients)
    return Step(
        operation="save_weights_external", kind="SaveWeightsExternal", body=body, returns=SaveWeightsExternalResponse
    )


def load_weights(
    path: str, *, optimizer: bool = False, weights_access_token: str | None = None
) -> Step[LoadWeightsResponse]:
    """POST /api/v1/load_weights: promises LoadWeightsResponse"""
    body = LoadWeights(path=path, optimizer=optimizer, weights_access_token=secret(weights_access_token))
    return Step(operation="load_weights", kind="LoadWeights", body=body, returns=LoadWeightsResponse)


def _of_family(params: OptimizerParams) -> OptimStep:
    match params:
        case AdamParams():
            return OptimStep(adam_params=params)
        case DimuonParams():
            return OptimStep(optimizer_params=params)
        case _:
            return OptimStep(optimizer_params=params.fields)


def _batch(data: Sequence[Datum], loss_fn: str, config: LossConfig | None, *, forward_only: bool) -> Batch:
    settings: Mapping[str, float | str] | None = None if config is None else FrozenMapping(config)
    return Batch(data=tuple(data), loss_fn=loss_fn, loss_fn_config=settings, forward_only=forward_only)


def _frozen(metadata: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return None if metadata is None else FrozenMapping(metadata)


_TINY = Datum(ModelInput.from_ints([0]), {"target_tokens": [0], "weights": [0.0]})
_PASSING = Repeat(statuses=frozenset({408, 425, 429, 502, 503, 504, 529}), connection=True)
"""A 500 is not repeated here: it is how some servers answer an encoding that they don't read."""
